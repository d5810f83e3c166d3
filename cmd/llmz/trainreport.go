package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/llmz/llmz/models/trainer"
	"github.com/llmz/llmz/tui/chart"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// trainCurve is the number of columns of the curve in progress lines.
const trainCurve = 24

// A trainReporter shows a training: JSON events on stdout, or plain lines with a
// curve of the bits per byte on stderr. On a terminal the progress line is
// rewritten in place; elsewhere a line appears every plainInterval.
type trainReporter struct {
	a     *app
	w     io.Writer
	live  bool
	width int
	theme *theme.Theme

	curve    []float64 // training BPC at equal distances, at most 2*trainCurve
	every    int       // progress events per point of the curve
	seen     int
	valid    float64 // latest validation, 0: none yet
	lastLine float64
	drawn    bool
}

func newTrainReporter(a *app) *trainReporter {
	r := &trainReporter{a: a, w: a.stderr, live: a.wantTUI(), width: 80, every: 1, lastLine: -1e9}
	level := theme.ASCII
	if r.live {
		level = theme.Block
	}
	r.theme = theme.Plain(level)
	if w, _, err := term.GetSize(int(a.stderr.Fd())); err == nil && w > 0 {
		r.width = w
	}
	return r
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
		fmt.Fprintf(r.w, "Training: %s, %d x %d, %s parameters, on %s bytes with %s, %d threads\n", e.Shape.Arch, e.Shape.Layers, e.Shape.Hidden,
			text.Count(e.Parameters), text.Count(e.Bytes), e.Kernel, e.Threads)
		if e.Resumed > 0 {
			fmt.Fprintf(r.w, "Resumed after %d updates\n", e.Resumed)
		}
	case *trainer.Progress:
		r.progress(e)
	case *trainer.Validated:
		r.valid = e.BPC
		if r.a.verbose {
			r.clear()
			best := ""
			if e.Best {
				best = ", the best so far"
			}
			fmt.Fprintf(r.w, "Validation after %d updates: %.4f bits per byte%s\n", e.Update, e.BPC, best)
		}
	case *trainer.Saved:
		if r.a.verbose {
			r.clear()
			fmt.Fprintf(r.w, "Saved %s after %d updates\n", e.Path, e.Update)
		}
	case *trainer.Finished:
		r.clear()
		how := ""
		if e.Reason == "early" {
			how = "; it had stopped getting better"
		}
		if e.Reason != "interrupted" {
			fmt.Fprintf(r.w, "Trained on %s bytes in %s, %d updates%s\n", text.Count(e.Bytes), clock(durationOf(e.Elapsed)), e.Update, how)
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
	fmt.Fprintln(r.a.stdout, line)
}

func durationOf(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second))
}

func (r *trainReporter) progress(e *trainer.Progress) {
	r.point(e.BPC)
	if !r.live && e.Elapsed-r.lastLine < plainInterval.Seconds() && e.Fraction < 1 {
		return
	}
	r.lastLine = e.Elapsed
	lo, hi := chart.Range(r.curve)
	valid := ""
	if r.valid > 0 {
		valid = fmt.Sprintf(" valid %.3f", r.valid)
	}
	points := r.curve[max(0, len(r.curve)-trainCurve):]
	line := fmt.Sprintf("%3.0f%% bpc %.3f%s %s %.1f kB/s lr %.1e [%s<%s]", 100*e.Fraction, e.BPC, valid,
		chart.Spark(r.theme, r.theme.Text, points, lo, hi), e.Speed/1000, e.Rate, clock(durationOf(e.Elapsed)), clock(durationOf(e.ETA)))
	if !r.live {
		fmt.Fprintln(r.w, line)
		return
	}
	if runes := []rune(line); len(runes) > r.width-1 {
		line = string(runes[:r.width-1])
	}
	fmt.Fprintf(r.w, "\r%s\x1b[K", line)
	r.drawn = true
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

// clear removes an unfinished progress line.
func (r *trainReporter) clear() {
	if r.drawn {
		fmt.Fprint(r.w, "\r\x1b[K")
		r.drawn = false
	}
}
