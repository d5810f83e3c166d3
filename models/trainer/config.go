// Package trainer trains models on the CPU: byte-level recurrent ones, by truncated
// back-propagation through time over many parallel streams, and transformers over tokens
// of a vocabulary that it learns from the corpus. Muon or AdamW, warm-up and
// cosine schedule, gradient clipping, validation on held-out data.
//
// For a given seed, configuration and machine the result is the same bit for bit,
// whatever the number of threads, as long as the length of the training is given
// in updates or epochs and not in minutes.
package trainer

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/llmz/llmz/engine/gate"
	"github.com/llmz/llmz/ggml/sgemm"
	"github.com/llmz/llmz/models/trainer/vocab"
)

// Errors that Train returns, wrapped with what to do about it.
var (
	// ErrCorpus means that there is too little to train on.
	ErrCorpus = errors.New("corpus is too small")
	// ErrCheckpoint means that a checkpoint is damaged or of other settings.
	ErrCheckpoint = errors.New("checkpoint does not fit")
	// ErrDiverged means that the loss is no longer a number.
	ErrDiverged = errors.New("training diverged")
)

// Config is what to train, and how. Zero values are replaced by the defaults named
// below.
type Config struct {
	Shape Shape
	// Vocabulary is a transformer's; nil: one of Shape.Vocabulary tokens is learned from
	// the corpus.
	Vocabulary *vocab.Vocabulary
	// Init holds the weights to start from, by name; nil: random ones.
	Init map[string][]float32

	Sources    []Source
	Validation float64 // held-out share of each source; default 0.01
	Augment    Augment

	Streams int // parallel streams, or sequences of a transformer; default 64, of a transformer 16
	Steps   int // of truncated back-propagation; default 64; of a transformer, always its context

	Optimiser string  // Muon or AdamW; default Muon
	Rate      float64 // peak learning rate; default 0.002
	FinalRate float64 // share of Rate at the end; default 0.02
	// CoolDown is the share of the training at whose end the rate falls, after having been
	// even, so that a training can be made longer before that; 0: a cosine all along.
	CoolDown float64
	WarmUp   int     // updates; default 200
	Decay    float64 // weight decay of the matrices; default 0.01
	Beta2    float64 // of AdamW; default 0.99
	Clip     float64 // largest norm of the gradient; default 1

	// The length of the training: exactly one of these.
	Updates int
	Epochs  float64 // of as many bytes as the corpus has
	For     time.Duration

	Patience  int    // stop after so many validations without a new best; 0: never
	Seed      uint64 // of the weights and of the choice of texts
	Precision string // auto, f32 or bf16; see sgemm.Choose
	Threads   int    // default: all cores
	// Gate pauses the training while it is closed, at the next update, once a checkpoint
	// has been saved where there is one to save to. nil: none.
	Gate *gate.Gate

	Checkpoint      string        // path; "": none
	CheckpointEvery time.Duration // default 3 minutes
	Resume          bool          // continue from Checkpoint if it exists
	ValidateEvery   time.Duration // default 1 minute
	ValidateUpdates int           // in place of ValidateEvery where it must be reproducible
}

// The optimisers. Muon is for the matrices inside the layers, the rest is left to AdamW;
// see muon.go.
const (
	AdamW = "adamw"
	Muon  = "muon"
)

// shardStreams is how many streams a thread runs at once: enough rows for the
// products, few enough that threads share the work evenly.
const shardStreams = 16

// complete checks c and fills in the defaults.
func (c *Config) complete() (*sgemm.Kernel, error) {
	if c.Shape.Transformer() {
		switch {
		case c.Vocabulary != nil:
			c.Shape.Vocabulary = len(c.Vocabulary.Tokens)
		case c.Shape.Vocabulary == 0:
			c.Shape.Vocabulary = vocabularyFor(c.Sources)
		}
	}
	if err := c.Shape.Validate(); err != nil {
		return nil, err
	}
	def := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	if c.Optimiser == "" {
		c.Optimiser = Muon
	}
	def(&c.Validation, 0.01)
	def(&c.Rate, 0.002)
	def(&c.FinalRate, 0.02)
	def(&c.Beta2, 0.99)
	def(&c.Clip, 1)
	whole := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if c.Shape.Transformer() {
		whole(&c.Streams, 16)
		c.Steps = c.Shape.Context
		def(&c.Decay, 0.1)
	}
	def(&c.Decay, 0.01)
	whole(&c.Streams, 64)
	whole(&c.Steps, 64)
	whole(&c.WarmUp, 200)
	whole(&c.Threads, runtime.GOMAXPROCS(0))
	if c.CheckpointEvery == 0 {
		c.CheckpointEvery = 3 * time.Minute
	}
	if c.ValidateEvery == 0 {
		c.ValidateEvery = time.Minute
	}
	lengths := 0
	for _, set := range []bool{c.Updates > 0, c.Epochs > 0, c.For > 0} {
		if set {
			lengths++
		}
	}
	switch {
	case lengths != 1:
		return nil, errors.New("the length of the training must be given once: in updates, epochs or minutes")
	case c.Streams < 1 || c.Streams > 4096 || c.Steps < 1 || c.Steps > 4096:
		return nil, fmt.Errorf("%d streams of %d steps: use 1 to 4096 of each", c.Streams, c.Steps)
	case c.Optimiser != Muon && c.Optimiser != AdamW:
		return nil, fmt.Errorf("unknown optimiser %q: use %s or %s", c.Optimiser, Muon, AdamW)
	case !(c.Rate > 0) || math.IsInf(c.Rate, 0):
		return nil, fmt.Errorf("learning rate %g: use a number above 0", c.Rate)
	case c.WarmUp < 0:
		return nil, fmt.Errorf("warm-up of %d updates: must not be below 0", c.WarmUp)
	case !(c.CoolDown >= 0 && c.CoolDown <= 1): // NaN is neither
		return nil, fmt.Errorf("cool-down of %g of the training: use 0 to 1", c.CoolDown)
	case !(c.Validation >= 0 && c.Validation <= 0.5):
		return nil, fmt.Errorf("validation share %g: use 0 to 0.5", c.Validation)
	}
	return sgemm.Choose(c.Precision)
}

// shard returns the largest divisor of the streams that is at most shardStreams.
func (c *Config) shard() int {
	for s := min(shardStreams, c.Streams); ; s-- {
		if c.Streams%s == 0 {
			return s
		}
	}
}
