package archive

// The format has four version numbers. Each goes up on its own, and decoders refuse what is
// above the newest they know; nothing that was ever written stops being decoded.
//
//	number          where                  says how                  values
//	format          header, first byte     records are laid out      1; what came since is announced by flags of the
//	                                                                 header: digests, part
//	mixer           header, Mixer          contexts are mixed        0: not at all
//	                                                                 1: matches follow the latest occurrence in any lane
//	                                                                 2: a lane's own past comes first; blocks of portable
//	                                                                    models of bytes in several lanes are in stretches,
//	                                                                    in one lane such models rest
//	                                                                 3: the rich mixer: more contexts, by kind of content;
//	                                                                    with models of tokens, too
//	                                                                 4: as 3, but for content that is neither text nor
//	                                                                    image nor audio, which it reads in another way
//	                                                                 5: as 4, but for stretches, which the kinds of content
//	                                                                    cut, too
//	                                                                 6: as 5, but text is read in half as many contexts: the
//	                                                                    lean mixer
//	numerics        header, Model.Numerics a model is computed       0: by an external runtime, which Model.Runtime pins
//	                                                                 1: recurrent networks on the bundled graph
//	                                                                 2: transformers on the bundled graph
//	                                                                 (ggml/NUMERICS.md)
//	GGUF            model files            weights are stored        3, which is not a part of archives
const (
	// Version is the format version that this package writes, and the newest it reads.
	Version = 1
	// MixerWhole is the version whose blocks ask the model for every byte. New archives have it
	// where a short block gains by that. MixerFast is the version of the fast context mixer that new archives have. From MixerRich
	// on it is the rich one, of which new archives have MixerFull, or MixerLean, which reads text in fewer contexts.
	// From MixerByKind on, its blocks' stretches depend on kinds of content. MixerVersion is the newest that this
	// package reads.
	MixerWhole   = 1
	MixerFast    = 2
	MixerRich    = 3
	MixerByKind  = 5
	MixerFull    = 5
	MixerLean    = 6
	MixerVersion = 6
)

// MixerName names the mixer of a version as levels do, empty for none.
func MixerName(version uint8) string {
	switch {
	case version == 0:
		return ""
	case version < MixerRich:
		return "fast"
	case version == MixerLean:
		return "lean"
	}
	return "rich"
}
