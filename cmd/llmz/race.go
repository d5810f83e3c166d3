package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/bench"
	"github.com/llmz/llmz/engine/classic"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/tui/race"
	"github.com/llmz/llmz/tui/text"
)

type raceOptions struct {
	models     []string
	sequential bool
	oneWay     bool
	threads    threadCount
	lanes      int
	blockSize  byteSize
	noMix      bool
	device     string
	runtime    runtimeName
}

const raceLong = `Let models and classic compressors run on one FILE and watch: progress, bits per
byte over the file, speed, where the time goes; in the end a table and ratio against
speed. What each one made is decompressed and compared, too. Nothing is written.

The classic ones run first and one by one, then the models side by side: they share
the cores, so that their speeds are lower than alone. --sequential runs one after the
other for timings that can be trusted.`

// newRaceCommand builds "llmz race".
func newRaceCommand(a *app) *cobra.Command {
	o := raceOptions{models: []string{"gru", "lstm", "xz-9", "zstd-best"}}
	cmd := &cobra.Command{
		Use:     "race FILE",
		Short:   "Watch models and classic compressors side by side",
		Long:    raceLong,
		Example: "  llmz race book.txt -m lstm,gru,distilgpt2,gpt2\n  llmz race book.txt -m gru,none,zip-9,xz-9,zstd-best --sequential --no-tui",
		Args:    exactArgs(1, "one FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRace(cmd.Context(), a, &o, args[0])
		},
	}
	fs := cmd.Flags()
	fs.StringSliceVarP(&o.models, "model", "m", o.models, "who races: models, none (context mixing alone), and\n"+classicNames())
	fs.BoolVar(&o.sequential, "sequential", false, "one after the other, for clean timings")
	fs.BoolVar(&o.oneWay, "one-way", false, "do not decompress and compare")
	fs.VarP(&o.threads, "threads", "T", "threads for each, 0: a fair share of the cores")
	fs.IntVar(&o.lanes, "lanes", 0, "parallel lanes in a block, 0: chosen from the block's length")
	addBlockSize(fs, &o.blockSize)
	fs.BoolVar(&o.noMix, "no-mix", false, "the bare models, without context mixing")
	fs.StringVar(&o.device, "device", "auto", "auto, cpu, cuda, metal or vulkan")
	o.runtime.add(fs)
	return cmd
}

func runRace(ctx context.Context, a *app, o *raceOptions, path string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return &filejob.Error{Path: path, Err: filejob.ErrSkipped}
	}
	a.models.Device, a.models.Runtime = o.device, string(o.runtime)
	code := codeOptions{threads: int(o.threads), lanes: o.lanes, blockSize: int(o.blockSize), noMix: o.noMix}
	if code.threads == 0 {
		code.threads = sharedThreads(o.together(), o.sequential)
	}
	var entrants []race.Entrant
	seen := map[string]bool{}
	for _, name := range o.models {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		e, err := a.entrant(ctx, name, code)
		if err != nil {
			return err
		}
		if seen[e.Name] { // a classic one may have two names
			if e.Close != nil {
				e.Close()
			}
			continue
		}
		seen[e.Name] = true
		entrants = append(entrants, e)
	}
	if len(entrants) == 0 {
		return usagef("name who races: -m gru,lstm,xz-9")
	}
	called := labels(slices.Collect(maps.Keys(seen)))
	for i := range entrants {
		entrants[i].Name = called[entrants[i].Name]
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := race.New(filepath.Base(path), fi.Size(), func() (io.ReadCloser, error) { return ctxio.OpenRegular(path) }, entrants, nil)
	c.Sequential, c.OneWay = o.sequential, o.oneWay
	outcomes, err := a.watchRace(ctx, c)
	if err != nil {
		return err
	}
	if a.json != jsonOff {
		if err := writeRaceRows(a.out(), path, outcomes); err != nil {
			return err
		}
	} else {
		for _, l := range c.Table(a.plainTheme(), min(textWidth(a.stdout), 120)) {
			text.Fprintln(a.out(), text.Safe(l))
		}
	}
	return raceError(outcomes)
}

// together returns how many entrants share the cores: the classic ones run before.
func (o *raceOptions) together() (n int) {
	for _, name := range o.models {
		if _, err := classic.ByName(strings.TrimSpace(name)); err != nil {
			n++
		}
	}
	return n
}

// watchRace runs the race, with its view where one may be drawn.
func (a *app) watchRace(ctx context.Context, c *race.Contest) ([]race.Outcome, error) {
	t := a.terminal()
	if !t.Views || !t.Keys {
		if !a.quiet && a.json == jsonOff {
			text.Fprintf(a.stderr, "%s, %s bytes: %d run\n", c.Name, text.Count(c.Size), len(c.Lanes()))
		}
		return c.Run(ctx), nil
	}
	outcomes, seen, err := race.Show(ctx, c, race.Options{Theme: t.Theme(), Out: a.stderr, In: a.stdin, Environ: os.Environ()})
	a.seen = seen
	return outcomes, err
}

// raceError returns what the exit code has to tell of a race: its first failure,
// a missing model only if nothing else happened.
func raceError(outcomes []race.Outcome) error {
	var missing error
	for _, o := range outcomes {
		switch {
		case errors.Is(o.Err, race.ErrDiffers):
			return fmt.Errorf("%s: %w", o.Name, errors.Join(engine.ErrChecksum, o.Err))
		case o.Err != nil:
			return fmt.Errorf("%s: %w", o.Name, o.Err)
		case o.Missing != "" && missing == nil:
			missing = withHint(fmt.Errorf("%s: %w", o.Name, predict.ErrModelMissing), "get it with: "+o.Missing)
		}
	}
	return missing
}

// writeRaceRows prints an object for each entrant, as "llmz bench" does.
func writeRaceRows(w io.Writer, path string, outcomes []race.Outcome) error {
	enc := json.NewEncoder(w)
	for _, o := range outcomes {
		if err := enc.Encode(raceRow(path, o)); err != nil {
			return err
		}
	}
	return nil
}

func raceRow(path string, o race.Outcome) bench.Row {
	f := o.Forth
	r := bench.Row{Op: "bench", File: path, Model: o.Name, Kind: bench.KindModel,
		ModelSHA256: fmt.Sprintf("%x", f.Model.Digest), Parameters: f.Model.Parameters, Device: f.Model.Device, Kernel: f.Model.Kernel,
		OriginalBytes: f.OriginalBytes, CompressedBytes: f.CompressedBytes, Ratio: f.Ratio(), BPC: f.BPC(), WithModelBytes: f.CompressedBytes,
		Seconds: f.Elapsed.Seconds(), BytesPerSecond: f.BytesPerSecond(), CompressBytesPerSecond: f.BytesPerSecond(),
		DecompressBytesPerSecond: o.Back.BytesPerSecond(), Symbols: f.Symbols, Blocks: f.Blocks, Lanes: f.Lanes, Threads: f.Threads,
		PeakRSSBytes: bench.PeakRSS(), Verified: o.Err == nil && o.Back.OriginalBytes == f.OriginalBytes && o.Back.Elapsed > 0,
		Profile: profileObject(f), DecompressProfile: profileObject(o.Back), Note: o.Note}
	if _, err := classic.ByName(o.Name); err == nil {
		r.Kind = bench.KindClassic
	}
	switch {
	case o.Missing != "":
		r.Error = "not installed: " + o.Missing
	case o.Err != nil:
		r.Error = o.Err.Error()
	}
	return r
}

func profileObject(r engine.Result) map[string]float64 {
	if r.Elapsed == 0 {
		return nil
	}
	m := make(map[string]float64, engine.NumStages)
	for s := range engine.NumStages {
		m[s.Name(r.Direction)] = r.Profile[s].Seconds()
	}
	return m
}
