package feed

import (
	"time"

	"github.com/llmz/llmz/models/trainer"
)

// Training is how far a training is.
type Training struct {
	Shape      trainer.Shape
	Parameters int64
	Kernel     string
	Corpus     int64 // bytes to train on
	Resumed    int   // updates of an earlier training that was interrupted
	Update     int
	Rate       float64 // of learning
	Fraction   float64 // of the schedule, 0 to 1
	// Bits per byte of the text trained on, smoothed, and of the text held back: the
	// latest value and the best one; 0 where there is none yet.
	BPC, Valid, Best float64
	// Train and Held are the ways of both.
	Train, Held []TrainingPoint
	Saved       int    // the update of the last checkpoint, 0: none yet
	Early       bool   // it stopped because nothing got better any more
	Checkpoint  string // the path of the last checkpoint
	left        time.Duration
}

// TrainingPoint is a place on the way through a training.
type TrainingPoint struct {
	At  float64 // part of the schedule
	BPC float64
}

// trainingPlot keeps the two curves of a training.
type trainingPlot struct{ train, held trainingCurve }

// trainingCurve keeps a way in fixed memory, as Curve does.
type trainingCurve struct {
	kept        []TrainingPoint
	last        TrainingPoint
	every, seen int
}

func (c *trainingCurve) add(p TrainingPoint) {
	c.last = p
	c.every = max(1, c.every)
	if c.seen++; c.seen%c.every != 0 {
		return
	}
	if len(c.kept) == curveCap {
		for i := range curveCap / 2 {
			c.kept[i] = c.kept[2*i+1]
		}
		c.kept = c.kept[:curveCap/2]
		c.every *= 2
	}
	c.kept = append(c.kept, p)
}

// points returns a copy of the way, up to the latest point.
func (c *trainingCurve) points() []TrainingPoint {
	out := append([]TrainingPoint(nil), c.kept...)
	if n := len(out); c.seen > 0 && (n == 0 || out[n-1] != c.last) {
		out = append(out, c.last)
	}
	return out
}

// Train takes an event of a training.
func (j *Tracker) Train(e trainer.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.begin()
	if j.s.Training == nil {
		j.s.Training, j.s.Total = &Training{left: -1}, -1
	}
	t := j.s.Training
	switch e := e.(type) {
	case *trainer.Started:
		t.Shape, t.Parameters, t.Kernel = e.Shape, e.Parameters, e.Kernel
		t.Corpus, t.Resumed, t.Update = e.Bytes, e.Resumed, e.Resumed
		j.s.Threads = e.Threads
		if e.Warning != "" {
			j.s.Warnings = append(j.s.Warnings, e.Warning)
		}
	case *trainer.Progress:
		if t.BPC == 0 {
			// What was trained on before the first report belongs to no speed.
			j.base = sample{j.elapsed(), Point{Bytes: e.Bytes}}
		}
		t.Update, t.BPC, t.Rate, t.Fraction = e.Update, e.BPC, e.Rate, e.Fraction
		t.left = time.Duration(e.ETA * float64(time.Second))
		j.plot.train.add(TrainingPoint{e.Fraction, e.BPC})
		j.moved(Point{Bytes: e.Bytes})
	case *trainer.Validated:
		t.Valid = e.BPC
		if e.Best || t.Best == 0 {
			t.Best = e.BPC
		}
		j.plot.held.add(TrainingPoint{t.Fraction, e.BPC})
	case *trainer.Saved:
		t.Saved, t.Checkpoint = e.Update, e.Path
	case *trainer.Finished:
		t.Update, t.Early = e.Update, e.Reason == "early"
		j.s.Bytes = e.Bytes
		if e.Reason != "interrupted" {
			t.Fraction, t.left = 1, 0
		}
	}
}
