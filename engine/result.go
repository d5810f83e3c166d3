package engine

import (
	"time"

	"github.com/llmz/llmz/engine/predict"
)

// Result is what a finished job did.
type Result struct {
	Direction Direction
	Model     predict.Info
	// NeedsModel is true where the archive that was written names the model: it is left
	// out where no block gains by it.
	NeedsModel      bool
	OriginalBytes   int64
	CompressedBytes int64 // the whole archive: header, index and checksums counted
	Symbols         int64
	Blocks          int
	StoredBlocks    int
	Lanes           int // of the first block
	Threads         int
	Mixed           bool
	// Mixer names the mixer of a new archive, "fast", "lean" or "rich"; empty where it has none.
	Mixer string
	// Verified is true when the archive was decoded and compared.
	Verified bool
	Elapsed  time.Duration
	Profile  Profile
	// Meta is what the archive keeps about the original file; that of its first
	// member.
	Meta Meta
	// Resumed is the number of original bytes that were taken over from an
	// interrupted archive.
	Resumed int64
	// Damaged lists what Salvage could not restore.
	Damaged []Damage
}

// BPC returns the bits of archive per byte of content.
func (r Result) BPC() float64 { return bpc(r.CompressedBytes, r.OriginalBytes) }

// Ratio returns how many times smaller the archive is than its content, 0 for
// an empty archive.
func (r Result) Ratio() float64 {
	if r.CompressedBytes == 0 {
		return 0
	}
	return float64(r.OriginalBytes) / float64(r.CompressedBytes)
}

// BytesPerSecond returns the original bytes handled per second.
func (r Result) BytesPerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.OriginalBytes) / r.Elapsed.Seconds()
}

// Damage is a range of the original content that could not be restored.
type Damage struct {
	Block  int
	Offset int64 // in the original content, -1 where it is not known
	Length int64 // -1 where it is not known
	Err    error
}
