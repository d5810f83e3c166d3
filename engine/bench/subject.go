package bench

import (
	"context"
	"io"
	"time"
)

// A Case is a row to be measured.
type Case struct {
	Model string `json:"model"`
	Kind  Kind   `json:"kind"`
	Data  Data   `json:"data"`

	Device string `json:"device,omitempty"` // "" or "auto": the model's choice
	Kernel string `json:"kernel,omitempty"` // a kernel of the bundled models, "" for the best
	// Threads, Lanes and BlockSize are as in engine.Options.
	Threads   int  `json:"threads,omitempty"`
	Lanes     int  `json:"lanes,omitempty"`
	BlockSize int  `json:"block_size,omitempty"`
	NoMix     bool `json:"no_mix,omitempty"`
	Rich      bool `json:"rich,omitempty"` // the rich mixer
	// Repeats is the model for content in which much comes again, empty for the same.
	Repeats string `json:"repeats,omitempty"`
	// Levels are the levels that the case stands for, if it was asked for by them.
	Levels []int `json:"levels,omitempty"`

	Plan Plan `json:"plan"`
	// Command is what reproduces the row.
	Command string `json:"command,omitempty"`
}

// Name names the compressor, a level with its numbers.
func (c *Case) Name() string {
	if len(c.Levels) == 0 {
		return c.Model
	}
	what := c.Model
	if c.Repeats != "" {
		what += " or " + c.Repeats
	}
	if c.Rich {
		what += ", rich mixer"
	}
	return levelName(c.Levels) + " (" + what + ")"
}

// Plan says how often a case is run.
type Plan struct {
	// Runs is the number of measured runs in each direction, at least 1. Runs that
	// are over in a moment are repeated beyond it, see ShortRun.
	Runs int `json:"runs"`
	// Warmup is the number of runs, on the first WarmupBytes, before those.
	Warmup int `json:"warmup"`
	// Budget ends the repetitions of a direction after that time; 0 for no limit.
	// One run is always made, whatever it takes.
	Budget time.Duration `json:"budget"`
	// Curve asks for the sizes along the file.
	Curve bool `json:"curve,omitempty"`
}

// ShortRun is the time up to which runs are repeated beyond Plan.Runs, at most
// maxRuns times: the clock and the scheduler would show in a single run of a
// millisecond.
const (
	ShortRun    = 200 * time.Millisecond
	maxRuns     = 50
	WarmupBytes = 16 << 10
)

// A Subject is a compressor that is ready to run. Its methods are not called by
// two goroutines at once.
type Subject interface {
	Compress(ctx context.Context, dst io.Writer, src io.Reader, size int64, sample func(bytes, compressed int64)) (Outcome, error)
	Decompress(ctx context.Context, dst io.Writer, src io.Reader) (Outcome, error)
	Close() error
}

// Outcome is what a Subject tells about one run.
type Outcome struct {
	Symbols int64
	Blocks  int
	Lanes   int
	Threads int
	Mixer   string // as in engine.Result
	Profile map[string]float64
	// Elapsed replaces the time that the runner took, where the subject knows it
	// better; 0 otherwise.
	Elapsed time.Duration
	// PeakRSSBytes is the peak memory of a run that has a process of its own.
	PeakRSSBytes int64
}

// Facts are what is known of a subject once it is loaded.
type Facts struct {
	ModelSHA256    string
	Parameters     int64
	ModelBytes     int64
	Device, Kernel string
	Note           string
}

// An Opener makes the subject of a case ready; the time it takes is the row's
// load time.
type Opener func(ctx context.Context, c Case) (Subject, Facts, error)
