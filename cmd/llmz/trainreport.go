package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/llmz/llmz/models/trainer"
	"github.com/llmz/llmz/tui/chart"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// trainCurve is the number of columns of the curve in progress lines.
const trainCurve = 24

// A trainReporter tells of a training where no view may be drawn: JSON events on
// stdout, or plain lines with a curve of the bits per byte on stderr, one every
// plainInterval.
type trainReporter struct {
	a     *app
	w     io.Writer
	theme *theme.Theme

	curve    []float64 // training BPC at equal distances, at most 2*trainCurve
	every    int       // progress events per point of the curve
	seen     int
	valid    float64 // latest validation, 0: none yet
	lastLine float64
}

func newTrainReporter(a *app) *trainReporter {
	return &trainReporter{a: a, w: a.stderr, every: 1, lastLine: -1e9, theme: theme.Plain(theme.ASCII)}
}

// observe handles an event of the trainer.
func (r *trainReporter) observe(e trainer.Event) {
	if r.a.json == jsonEvents {
		r.event(e)
	}
	if r.a.quiet || r.a.json != jsonOff {
		return
	}
	switch e := e.(type) {
	case *trainer.Started:
		vocabulary := ""
		if e.Shape.Vocabulary > 0 {
			vocabulary = fmt.Sprintf(", %s tokens", text.Count(int64(e.Shape.Vocabulary)))
		}
		if e.Warning != "" {
			text.Fprintf(r.w, "Warning: %s.\n", e.Warning)
		}
		text.Fprintf(r.w, "Training: %s, %d x %d%s, %s parameters, on %s bytes with %s, %d threads\n", e.Shape.Arch, e.Shape.Layers, e.Shape.Hidden,
			vocabulary, text.Count(e.Parameters), text.Count(e.Bytes), e.Kernel, e.Threads)
		if e.Resumed > 0 {
			text.Fprintf(r.w, "Resumed after %d updates\n", e.Resumed)
		}
	case *trainer.Progress:
		r.progress(e)
	case *trainer.Validated:
		r.valid = e.BPC
		if r.a.verbose {
			best := ""
			if e.Best {
				best = ", the best so far"
			}
			text.Fprintf(r.w, "Validation after %d updates: %.4f bits per byte%s\n", e.Update, e.BPC, best)
		}
	case *trainer.Saved:
		if r.a.verbose {
			text.Fprintf(r.w, "Saved %s after %d updates\n", e.Path, e.Update)
		}
	case *trainer.Finished:
		how := ""
		if e.Reason == "early" {
			how = "; it had stopped getting better"
		}
		if e.Reason != "interrupted" {
			text.Fprintf(r.w, "Trained on %s bytes in %s, %d updates%s\n", text.Count(e.Bytes), clock(durationOf(e.Elapsed)), e.Update, how)
		}
	}
}

// event prints an event as JSON with its type.
func (r *trainReporter) event(e trainer.Event) {
	kind := strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", e), "*trainer."))
	body, err := json.Marshal(e)
	if err != nil {
		return // the events hold nothing that cannot be written
	}
	line := fmt.Sprintf(`{"type":%q,%s`, kind, body[1:])
	text.Fprintln(r.a.out(), line)
}

func durationOf(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second))
}

func (r *trainReporter) progress(e *trainer.Progress) {
	r.point(e.BPC)
	if e.Elapsed-r.lastLine < plainInterval.Seconds() && e.Fraction < 1 {
		return
	}
	r.lastLine = e.Elapsed
	lo, hi := chart.Range(r.curve)
	valid := ""
	if r.valid > 0 {
		valid = fmt.Sprintf(" valid %.3f", r.valid)
	}
	points := r.curve[max(0, len(r.curve)-trainCurve):]
	text.Fprintf(r.w, "%3.0f%% bpc %.3f%s %s %.1f kB/s lr %.1e [%s<%s]\n", 100*e.Fraction, e.BPC, valid,
		chart.Spark(r.theme, r.theme.Text, points, lo, hi), e.Speed/1000, e.Rate, clock(durationOf(e.Elapsed)), clock(durationOf(e.ETA)))
}

// point adds to the curve, which is thinned out as the training goes on.
func (r *trainReporter) point(bpc float64) {
	if r.seen++; r.seen%r.every != 0 {
		return
	}
	r.curve = append(r.curve, bpc)
	if len(r.curve) >= trainCurve {
		for i := range len(r.curve) / 2 {
			r.curve[i] = r.curve[2*i+1]
		}
		r.curve = r.curve[:len(r.curve)/2]
		r.every *= 2
	}
}
