package engine

import (
	"time"

	"github.com/llmz/llmz/engine/predict"
)

// An Event is something that happened in a job: one of Started, Progress,
// BlockDone, Warning or Finished. Observers tell them apart with a type switch.
type Event interface{ event() }

// An Observer is called with the events of a job, in order, never by two
// goroutines at once. It must return quickly: the coder waits for it. Progress
// events come at most every Options.ProgressInterval; all others are always
// delivered.
type Observer func(Event)

// Started is the first event of a job.
type Started struct {
	Direction Direction
	// Model is the model in use; when decompressing, the first block's. It is the
	// zero Info where nothing but stored blocks was seen.
	Model predict.Info
	// TotalBytes is the size of the input that Progress.Bytes counts towards, -1
	// where it is not known.
	TotalBytes int64
	// ResumedBytes is the part of them that an interrupted job had done already.
	ResumedBytes int64
	// Lanes is the number of lanes of the first block.
	Lanes   int
	Threads int
	Mixed   bool
}

// Progress is a sample of a running job.
type Progress struct {
	// Bytes is the number of original bytes coded or decoded so far.
	Bytes int64
	// TotalBytes is as in Started.
	TotalBytes int64
	// CompressedBytes is the size so far on the compressed side.
	CompressedBytes int64
	Symbols         int64
	// Block is the index of the block at work.
	Block int
	// Elapsed leaves pauses out.
	Elapsed time.Duration
	Profile Profile
}

// BPC returns the bits per original byte so far, 0 before the first.
func (p Progress) BPC() float64 { return bpc(p.CompressedBytes, p.Bytes) }

// BlockDone follows each finished block.
type BlockDone struct {
	Block           int
	Stored          bool
	Lanes           int
	OriginalBytes   int64
	CompressedBytes int64
}

// Warning is something a person should know, which did not stop the job.
type Warning struct {
	Message string
	// Err is the cause, nil where there is none.
	Err error
}

// Finished is the last event of a job. Err is nil after success.
type Finished struct {
	Result Result
	Err    error
}

func (Started) event()   {}
func (Progress) event()  {}
func (BlockDone) event() {}
func (Warning) event()   {}
func (Finished) event()  {}

func bpc(compressed, original int64) float64 {
	if original == 0 {
		return 0
	}
	return 8 * float64(compressed) / float64(original)
}
