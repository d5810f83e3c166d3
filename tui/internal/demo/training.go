package demo

import (
	"math"
	"time"

	"github.com/llmz/llmz/models/trainer"
)

// TrainSpeed is how many bytes the made-up training reads in a second.
const TrainSpeed = 180_000.0

// Train sends the events of a training of ten minutes up to the part f, moving the
// clock as it goes; 1 finishes it.
func Train(c *Clock, f float64, observe func(trainer.Event)) {
	shape := trainer.Shape{Arch: "lstm", Layers: 1, Hidden: 288, Embed: 64}
	observe(&trainer.Started{Shape: shape, Parameters: shape.Parameters(), Kernel: "avx512-bf16", Threads: 2, Bytes: 4_112_000})
	const steps, whole = 240, 600.0
	start, best := c.T, math.Inf(1)
	for i := 1; i <= int(f*steps); i++ {
		at := float64(i) / steps
		seconds := at * whole
		c.T = start.Add(time.Duration(seconds * float64(time.Second)))
		bytes := int64(seconds * TrainSpeed)
		bpc := 1.95 + 3.4*math.Exp(-14*at) + 0.5*math.Exp(-2*at) + 0.03*math.Sin(60*at)
		observe(&trainer.Progress{Update: i * 12, Bytes: bytes, BPC: bpc, Rate: 0.004 * (1 - at), Norm: 0.4, Speed: TrainSpeed,
			Fraction: at, Elapsed: seconds, ETA: whole - seconds})
		if i%20 == 0 {
			valid := bpc + 0.06 + 0.12*at
			observe(&trainer.Validated{Update: i * 12, Bytes: bytes, BPC: valid, Best: valid < best, Elapsed: seconds})
			best = min(best, valid)
		}
		if i%60 == 0 {
			observe(&trainer.Saved{Path: "notes.gguf.checkpoint", Update: i * 12})
		}
	}
	if f >= 1 {
		observe(&trainer.Finished{Update: steps * 12, Bytes: int64(whole * TrainSpeed), BPC: best, Elapsed: whole, Reason: "done"})
	}
}
