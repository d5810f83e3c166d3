package engine

import (
	"time"

	"github.com/llmz/llmz/engine/gate"
	"github.com/llmz/llmz/engine/predict"
)

// DefaultBlockSize is the size of the independent pieces that the input is cut into
// for context mixing alone, and for models that do not prefer another, where none is set. A block is
// written when it is complete, and what an interrupted job has not written is lost.
const DefaultBlockSize = 16 << 20

// BlockSizeFor returns the block size to use for a model, nil for context mixing
// alone, where none is set.
func BlockSizeFor(m predict.Model) int {
	if m != nil {
		if n := m.Preferences(1).BlockSize; n > 0 {
			return n
		}
	}
	return DefaultBlockSize
}

// Options are the options of a Writer and of Compress. Model (or NoModel) must
// be set; the zero values of all others are good defaults.
type Options struct {
	// Model predicts; nil with NoModel set uses the context mixer alone.
	Model   predict.Model
	NoModel bool
	// ForRepeats, if not nil, is a smaller model of bytes that predicts in Model's place where
	// much of the first block comes again, as in archives of documents, logs and dumps, and
	// Model would have several lanes: a small network in one lane takes half the time for
	// them. It does nothing where Lanes, NoMix or Rich is set. Its caller closes it.
	ForRepeats predict.Model
	// NoMix turns the context mixer off and codes with the bare model.
	NoMix bool
	// Rich mixes with the rich context mixer, which takes longer and makes archives
	// smaller. Without it, models of bytes that say so (predict.Preferences) are mixed with the lean one.
	Rich bool
	// BlockSize is the size of the independent blocks, 0 for the model's BlockSizeFor.
	BlockSize int
	// Lanes is the number of parallel lanes in a block, 0 to let the model choose from
	// the block's length.
	Lanes int
	// Threads is the number of threads to use, 0 for one per core. It never changes
	// the output.
	Threads int
	// MemoryLimit is the largest estimated memory use in bytes, 0 for no limit.
	MemoryLimit int64
	// Part, which PartOf makes, says that the input is a part only of what is compressed; nil
	// for all of it. As the first block is another's then, ForRepeats must be settled (Settle).
	Part *Part
	// Meta is recorded in the archive.
	Meta Meta
	// Size is the input's length if it is known, else -1 or 0; it serves progress only.
	Size int64
	// Observer receives the job's events; nil for none.
	Observer Observer
	// ProgressInterval is the shortest time between two Progress events, 0 for 100 ms.
	ProgressInterval time.Duration
	// Gate pauses the job while it is closed, at its next step; nil for none.
	Gate *gate.Gate
}

// Meta is what an archive keeps about the original file.
type Meta struct {
	Name string    // base name, empty where there is none
	Time time.Time // modification time, zero where there is none
	Mode uint32    // Unix permission bits, 0 where there are none
}

// ReadOptions are the options of a Reader, Decompress and Verify.
type ReadOptions struct {
	// Models finds the models that the archive names. It must be set, unless the
	// archive needs none. The engine closes what it resolves.
	Models predict.Resolver
	// Threads is as in Options.
	Threads int
	// MemoryLimit is the largest estimated memory use in bytes. 0 sets a limit for each block
	// that fits its coded data: from 256 MiB for the smallest to 1 GiB and more for blocks of 1 KiB
	// and more, beside the model. NoLimit sets none.
	MemoryLimit int64
	// MaxOutput is the most bytes of content to decode, 0 for no limit. Beyond it, an
	// OutputError ends the work; what is written until then is whole blocks.
	MaxOutput int64
	// Salvage restores every intact block, skips damaged ones and reports them in
	// Result.Damaged.
	Salvage bool
	// Observer, ProgressInterval and Gate are as in Options.
	Observer         Observer
	ProgressInterval time.Duration
	Gate             *gate.Gate
}
