package engine

import (
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
)

// Most archives are a single block, coded before anything is written. Its header
// then names only what the block needs, and no index follows it.

// tryAlone tells whether the mixer alone may do as well on what has become out: the
// model knows little about such content (on text that it does know, one of bytes would
// have needed 5 to 20% more than with the mixer), or there is nothing to learn in it, as in
// a number's digits, so that the mixer is no help to a model of bytes, or it is nearly
// random, or next to nothing is left of it, so that naming the model matters. The mixer
// alone takes a small part of the time that went into out.
func tryAlone(n int, kind predict.SymbolKind, out encoded) bool {
	size := int64(len(out.payload))
	noHelp := kind == predict.Bytes && 20*out.bare < 21*size
	return size <= 256 || 3*out.bare > 4*size || noHelp || 10*size >= 7*int64(n)
}

// shortBlock is the length up to which a block may be coded a second time without the
// model.
const shortBlock = 128 << 10

// encodeOnly encodes data, which is all of the content, and settles the header.
func (z *Writer) encodeOnly(data []byte) (encoded, error) {
	out, err := z.enc.encode(z.ctx, 0, data, nil)
	if err != nil {
		return out, err
	}
	// Coded in stretches, a longer block has left the model itself.
	twice := len(data) <= shortBlock || !z.enc.stretches(out.header.Lanes)
	if z.enc.model != nil && z.enc.mixed && twice && out.header.Kind == archive.Coded && tryAlone(len(data), z.enc.model.Info().Kind, out) {
		quiet := newJob(Compressing, 1, nil, 0, 0, z.job.gate)
		alone := blockEncoder{job: quiet, mixed: true, lanes: z.enc.lanes, threads: 1}
		again, err := alone.encode(z.ctx, 0, data, nil)
		if err != nil {
			return again, err
		}
		z.job.addProfile(&quiet.profile)
		if again.header.Kind == archive.Coded && len(again.payload) <= len(out.payload) {
			out = again
			z.header.Model = nil
		}
	}
	if out.header.Kind == archive.Stored {
		z.header.Model, z.header.Mixer = nil, 0
	}
	out.header.Whole = true
	return out, nil
}

// matches tells whether options with header h lead to p, but for what a whole block
// leaves out.
func matches(p *archive.Prefix, h *archive.Header) bool {
	if len(p.Blocks) == 0 {
		return true // there is nothing to go on from
	}
	if p.Matches(h) {
		return true
	}
	if !p.Whole {
		return false
	}
	less := *h
	if less.Model = nil; p.Blocks[0].Kind == archive.Stored {
		less.Mixer = 0
	}
	return p.Matches(&less)
}
