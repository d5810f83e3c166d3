package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/tui/text"
)

// plainInterval is the time between two progress lines where they cannot be
// rewritten in place.
const plainInterval = 30 * time.Second

// A plainReporter prints plain lines for people. On a terminal the progress
// line is rewritten in place; elsewhere a line appears every plainInterval.
type plainReporter struct {
	a     *app
	w     io.Writer
	live  bool // rewrite the progress line
	width int

	job      filejob.Job
	phase    engine.Started
	verify   bool // the phase is the verification after a compression
	lastLine time.Duration
	drawn    bool // a progress line stands unfinished
}

func newPlainReporter(a *app) *plainReporter {
	p := &plainReporter{a: a, w: a.stderr, live: a.wantTUI(), width: 80}
	if w, _, err := term.GetSize(int(a.stderr.Fd())); err == nil && w > 0 {
		p.width = w
	}
	return p
}

func (p *plainReporter) begin(job filejob.Job) {
	p.job = job
	if job.Siblings.Len() > 1 {
		text.Fprintf(p.w, "%s\n", p.a.paint(filejob.DisplayName(job.Input), colorBold))
	}
}

func (p *plainReporter) observe(e engine.Event) {
	switch e := e.(type) {
	case engine.Started:
		p.started(e)
	case engine.Progress:
		p.progress(e)
	case engine.BlockDone:
		if p.a.verbose {
			p.clear()
			how := lanesText(e.Lanes)
			if e.Stored {
				how = "stored"
			}
			text.Fprintf(p.w, "Block %d: %s -> %s bytes, %s\n", e.Block, text.Count(e.OriginalBytes), text.Count(e.CompressedBytes), how)
		}
	case engine.Warning:
		if !p.job.Read.Salvage { // end lists what was lost
			p.clear()
			p.a.warn(fmt.Errorf("%s: %s", filejob.DisplayName(p.job.Input), e.Message))
		}
	case engine.Finished:
		p.finished(e)
	}
}

func (p *plainReporter) started(e engine.Started) {
	p.phase = e
	p.verify = p.job.Op == filejob.Compress && e.Direction == engine.Decompressing
	p.lastLine = 0
	if p.verify {
		return
	}
	text.Fprintln(p.w, modelLine(e.Model, e.Lanes))
	if p.a.verbose {
		mixing := "context mixing"
		if !e.Mixed {
			mixing = "no mixing"
		}
		text.Fprintf(p.w, "Threads: %d, %s\n", e.Threads, mixing)
	}
	title, verb := "COMPRESSION", "Compressing"
	if e.Direction == engine.Decompressing {
		title, verb = "DECOMPRESSION", "Decompressing"
	}
	if p.job.Op == filejob.Test {
		title, verb = "TEST", "Testing"
	}
	text.Fprintf(p.w, "%s\n", p.a.paint("=== "+title+" ===", colorBold))
	if e.TotalBytes >= 0 {
		text.Fprintf(p.w, "%s %s bytes...\n", verb, text.Count(e.TotalBytes))
	} else {
		text.Fprintf(p.w, "%s %s...\n", verb, filejob.DisplayName(p.job.Input))
	}
}

// label is the first word of the progress line.
func (p *plainReporter) label() string {
	switch {
	case p.verify:
		return "Verifying"
	case p.phase.Direction == engine.Compressing:
		return "Encoding"
	}
	return "Decoding"
}

func (p *plainReporter) progress(e engine.Progress) {
	if p.live {
		line := progressLine(p.label(), e.Bytes, e.TotalBytes, e.Elapsed, p.width)
		text.Fprintf(p.w, "\r%s\x1b[K", line)
		p.drawn = true
		return
	}
	if e.Elapsed-p.lastLine >= plainInterval {
		p.lastLine = e.Elapsed
		text.Fprintln(p.w, progressLine(p.label(), e.Bytes, e.TotalBytes, e.Elapsed, p.width))
	}
}

// clear removes an unfinished progress line.
func (p *plainReporter) clear() {
	if p.drawn {
		text.Fprint(p.w, text.Safe("\r\x1b[K"))
		p.drawn = false
	}
}

func (p *plainReporter) finished(e engine.Finished) {
	p.clear()
	if e.Err != nil {
		return
	}
	n := e.Result.OriginalBytes
	text.Fprintln(p.w, progressLine(p.label(), n, n, e.Result.Elapsed, max(p.width, 80)))
}

func (p *plainReporter) end(r filejob.Result, err error) {
	p.clear()
	if r.Op == "" || err != nil && len(r.Damaged) == 0 {
		return
	}
	text.Fprint(p.w, text.Safe(profileText(r)))
	text.Fprintf(p.w, "Compression Ratio: %.2fx\nBPC: %.2f\n", r.Ratio(), r.BPC())
	printDamage(p.w, r)
	if r.Op == filejob.Test {
		text.Fprintln(p.w, resultLine(r))
	} else {
		text.Fprintf(p.w, "%s -> %s\n", filejob.DisplayName(r.Input), outcome(r))
	}
}

// profileText is the time profile: a line per stage with its share.
func profileText(r filejob.Result) string {
	var b strings.Builder
	title := "Compression"
	if r.Direction == engine.Decompressing {
		title = "Decompression"
	}
	text.Fprintf(&b, "%s time profile:\n", title)
	total := r.Profile.Total()
	for s := range engine.NumStages {
		if r.Profile[s] == 0 && s == engine.StageTokenize {
			continue // byte models have none
		}
		share := 0.0
		if total > 0 {
			share = 100 * float64(r.Profile[s]) / float64(total)
		}
		text.Fprintf(&b, "  %-16s %8.4fs  (%6.2f%%)\n", s.Name(r.Direction), r.Profile[s].Seconds(), share)
	}
	return b.String()
}

// modelLine is the first line about a job.
func modelLine(m predict.Info, lanes int) string {
	if m.Name == "" {
		return "Model: none, context mixing alone"
	}
	var of []string
	if m.Parameters > 0 {
		of = append(of, text.Count(m.Parameters)+" parameters")
	}
	if m.Bundled {
		of = append(of, "bundled")
	}
	s := "Model: " + m.Name
	if len(of) > 0 {
		s += " (" + strings.Join(of, ", ") + ")"
	}
	if on := strings.TrimSpace(m.Device + " " + m.Kernel); on != "" {
		s += " on " + on
	}
	return s + ", " + lanesText(lanes)
}

// progressLine is a line in the manner of tqdm, no wider than width cells.
func progressLine(label string, n, total int64, elapsed time.Duration, width int) string {
	rate := 0.0
	if elapsed > 0 {
		rate = float64(n) / elapsed.Seconds()
	}
	if total < 0 {
		return fmt.Sprintf("%s: %dB [%s, %.2f B/s]", label, n, clock(elapsed), rate)
	}
	share := 1.0
	if total > 0 {
		share = min(1, float64(n)/float64(total))
	}
	left := "?"
	switch {
	case n >= total:
		left = clock(0)
	case rate > 0:
		left = clock(time.Duration(float64(total-n) / rate * float64(time.Second)))
	}
	head := fmt.Sprintf("%s: %3.0f%%|", label, 100*share)
	tail := fmt.Sprintf("| %d/%d [%s<%s, %.2f B/s]", n, total, clock(elapsed), left, rate)
	cells := min(10, width-1-len(head)-len(tail))
	if cells < 1 {
		return head + strings.TrimPrefix(tail, "|")
	}
	return head + bar(share, cells) + tail
}

// bar draws share of cells cells, in eighths.
func bar(share float64, cells int) string {
	eighths := int(share * float64(8*cells))
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string([]rune(" ▏▎▍▌▋▊▉")[rest])
	}
	return s + strings.Repeat(" ", cells-(eighths+7)/8)
}

// clock writes a duration as minutes and seconds.
func clock(d time.Duration) string {
	s := int64(d.Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}
