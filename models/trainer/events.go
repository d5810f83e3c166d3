package trainer

import (
	"fmt"
	"time"
)

// Event is what an observer of Train gets: *Started, *Progress, *Validated,
// *Saved or *Finished. Observers run on the training goroutine and must be quick.
type Event interface{ event() }

// Started says what is about to be trained.
type Started struct {
	Shape      Shape  `json:"shape"`
	Parameters int64  `json:"parameters"`
	Kernel     string `json:"kernel"`
	Threads    int    `json:"threads"`
	Bytes      int64  `json:"corpus_bytes"`
	Resumed    int    `json:"resumed_updates"` // 0: a new training
	// Warning is what to tell the user before time is spent, if anything.
	Warning string `json:"warning,omitempty"`
}

// littleText is the corpus, in bytes, below which a model from scratch is of little use
// but for the text itself.
const littleText = 1 << 20

// LittleText says so where a corpus of that many bytes is too little for a model from
// scratch; otherwise, and where a model is only adapted to it, it is empty.
func LittleText(bytes int64, adapted bool) string {
	if bytes >= littleText || adapted {
		return ""
	}
	size := fmt.Sprintf("%d bytes", bytes)
	switch {
	case bytes >= 100_000:
		size = fmt.Sprintf("%d kB", bytes/1000)
	case bytes >= 1000:
		size = fmt.Sprintf("%.1f kB", float64(bytes)/1000)
	}
	return size + " are very little to learn from: expect a model that knows this text and is of little use for any other. " +
		"Give it megabytes of the kind of text it is for, or adapt a model that knows more"
}

// Progress comes after updates, at most twice a second.
type Progress struct {
	Update   int     `json:"update"`
	Bytes    int64   `json:"bytes"`     // trained on, from the first start
	BPC      float64 `json:"train_bpc"` // smoothed
	Rate     float64 `json:"learning_rate"`
	Norm     float64 `json:"gradient_norm"`
	Speed    float64 `json:"bytes_per_second"`
	Fraction float64 `json:"fraction"` // of the schedule, 0 to 1
	Elapsed  float64 `json:"seconds"`
	ETA      float64 `json:"eta_seconds"`
}

// Validated comes after each look at the held-out data.
type Validated struct {
	Update  int     `json:"update"`
	Bytes   int64   `json:"bytes"`
	BPC     float64 `json:"valid_bpc"`
	Best    bool    `json:"best"`
	Elapsed float64 `json:"seconds"`
}

// Saved comes after a checkpoint has been written.
type Saved struct {
	Path   string        `json:"path"`
	Update int           `json:"update"`
	Took   time.Duration `json:"-"`
}

// Finished is the last event.
type Finished struct {
	Update  int     `json:"update"`
	Bytes   int64   `json:"bytes"`
	BPC     float64 `json:"valid_bpc"` // of the weights returned; 0 without held-out data
	Elapsed float64 `json:"seconds"`
	Reason  string  `json:"reason"` // "done", "early" or "interrupted"
}

func (*Started) event()   {}
func (*Progress) event()  {}
func (*Validated) event() {}
func (*Saved) event()     {}
func (*Finished) event()  {}
