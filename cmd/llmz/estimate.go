package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/bench"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/estimate"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/tui/text"
)

const estimateLong = `Predict what compressing FILE would come to with each installed model: size, bits
per byte, time and memory. Samples of the file are compressed for a few seconds
per model. Decompression takes about as long as compression.`

// estimateOptions are the flags of estimate.
type estimateOptions struct {
	models    []string
	budget    time.Duration
	device    string
	runtime   runtimeName
	threads   threadCount
	lanes     int
	blockSize byteSize
	noMix     bool
	rich      bool // the rich mixer
	parts     int
}

// An estimateObject is the JSON form of a prediction.
type estimateObject struct {
	Op              string  `json:"op"`
	File            string  `json:"file"`
	Model           string  `json:"model"`
	OriginalBytes   int64   `json:"original_bytes"`
	CompressedBytes int64   `json:"compressed_bytes"`
	Ratio           float64 `json:"ratio"`
	BPC             float64 `json:"bpc"`
	Seconds         float64 `json:"seconds"`
	BytesPerSecond  float64 `json:"bytes_per_second"`
	MemoryBytes     int64   `json:"memory_bytes"`
	Parts           int     `json:"parts,omitempty"`
	PartSeconds     float64 `json:"part_seconds,omitempty"` // of the largest
	PartMemoryBytes int64   `json:"part_memory_bytes,omitempty"`
	Lanes           int     `json:"lanes"`
	SampledBytes    int64   `json:"sampled_bytes"`
	Exact           bool    `json:"exact"`
	Error           string  `json:"error,omitempty"`
}

// newEstimateCommand builds "llmz estimate".
func newEstimateCommand(a *app) *cobra.Command {
	o := estimateOptions{}
	cmd := &cobra.Command{
		Use:   "estimate FILE...",
		Short: "Predict size, time and memory for each model",
		Long:  estimateLong,
		Example: `  llmz estimate big.tar
  llmz estimate -m gru,lstm --budget 10s big.tar
  llmz estimate -m gru --parts 64 -T 4 huge.tar   what each of 64 jobs with four cores takes`,
		Args: minArgs(1, "a FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runEstimate(cmd.Context(), a, &o, args)
		},
	}
	fs := cmd.Flags()
	fs.StringSliceVarP(&o.models, "model", "m", nil, "only these models; none is context mixing alone (default: all)")
	fs.DurationVar(&o.budget, "budget", estimate.DefaultBudget, "time to spend on each model")
	fs.StringVar(&o.device, "device", "auto", "auto, cpu, cuda, metal or vulkan")
	o.runtime.add(fs)
	fs.VarP(&o.threads, "threads", "T", "threads, 0 for all cores")
	fs.IntVar(&o.lanes, "lanes", 0, "parallel lanes in a block, 0: chosen from the block's length")
	addBlockSize(fs, &o.blockSize)
	fs.IntVar(&o.parts, "parts", 0, "time and memory for each of so many parts, too, as made with\n--part: what a batch system's limits are set by")
	fs.BoolVar(&o.noMix, "no-mix", false, "the bare models, without context mixing")
	return cmd
}

func runEstimate(ctx context.Context, a *app, o *estimateOptions, files []string) error {
	if o.budget <= 0 || o.lanes < 0 {
		return usagef("--budget must be positive, --lanes not negative")
	}
	if o.parts < 0 || o.parts > archive.MaxParts {
		return usagef("--parts must be 1 to %d", archive.MaxParts)
	}
	a.models.Device, a.models.Runtime = o.device, string(o.runtime)
	names := o.models
	if len(names) == 0 {
		list, err := a.models.List(ctx)
		if err != nil {
			return err
		}
		for _, e := range list {
			if e.Problem == nil {
				names = append(names, e.Name)
			}
		}
		if !o.noMix {
			names = append(names, noModel)
		}
	}
	return a.each(ctx, files, func(i int, file string) error {
		if i > 0 && a.json == jsonOff {
			text.Fprintln(a.out())
		}
		return o.file(ctx, a, file, names)
	})
}

// file estimates one file with each model. A model that fails has a row that
// says so; the error is the first one's.
func (o *estimateOptions) file(ctx context.Context, a *app, file string, names []string) error {
	f, size, err := openRegular(file)
	if err != nil {
		return err
	}
	defer f.Close()
	start := time.Now()
	whole := estimate.NewFile(f, size, o.budget)
	var objects []estimateObject
	var failed error
	for _, name := range names {
		if a.wantTUI() {
			text.Fprintf(a.stderr, "\r%s: sampling with %s…\x1b[K", file, name)
		}
		var part estimate.Prediction
		p, err := o.model(ctx, a, f, name, func(ctx context.Context, w engine.Options) (estimate.Prediction, error) {
			p, err := whole.Predict(ctx, w)
			if err == nil && o.parts > 0 {
				part, err = p.Part(w, o.parts)
			}
			return p, err
		})
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		obj := estimateObject{
			Op: "estimate", File: file, Model: name, OriginalBytes: size, CompressedBytes: p.CompressedBytes, BPC: p.BPC(),
			Seconds: p.Elapsed.Seconds(), MemoryBytes: p.MemoryBytes, Lanes: p.Lanes, SampledBytes: p.SampledBytes, Exact: p.Exact,
			Parts: o.parts, PartSeconds: part.Elapsed.Seconds(), PartMemoryBytes: part.MemoryBytes,
		}
		if p.CompressedBytes > 0 {
			obj.Ratio = float64(size) / float64(p.CompressedBytes)
		}
		if p.Elapsed > 0 {
			obj.BytesPerSecond = float64(size) / p.Elapsed.Seconds()
		}
		if err != nil {
			obj.Error = err.Error()
			if failed == nil {
				failed = fmt.Errorf("%s with %s: %w", file, name, err)
			}
		}
		objects = append(objects, obj)
		if a.json != jsonOff {
			if err := json.NewEncoder(a.out()).Encode(obj); err != nil {
				return err
			}
		}
	}
	if a.wantTUI() {
		text.Fprint(a.stderr, text.Safe("\r\x1b[K"))
	}
	if a.json != jsonOff {
		return failed
	}
	return errors.Join(failed, a.printEstimates(file, size, objects, time.Since(start)))
}

// predictor is a method of estimate.File.
type predictor func(context.Context, engine.Options) (estimate.Prediction, error)

// model estimates with one model.
func (o *estimateOptions) model(ctx context.Context, a *app, f *os.File, name string, predict predictor) (estimate.Prediction, error) {
	write := engine.Options{NoMix: o.noMix, Rich: o.rich, Lanes: o.lanes, BlockSize: int(o.blockSize), Threads: int(o.threads), Meta: filejob.MetaOf(f)}
	if name == noModel {
		write.NoModel, write.NoMix = true, false
	} else {
		m, err := a.models.Open(ctx, name)
		if err != nil {
			return estimate.Prediction{}, err
		}
		defer m.Close()
		write.Model = m
	}
	return predict(ctx, write)
}

func (a *app) printEstimates(file string, size int64, objects []estimateObject, took time.Duration) error {
	text.Fprintf(a.out(), "%s, %s bytes\n", file, text.Count(size))
	names := make([]string, len(objects))
	for i := range objects {
		names[i] = objects[i].Model
	}
	called := labels(names)
	w := tabwriter.NewWriter(a.out(), 0, 0, 2, ' ', tabwriter.AlignRight)
	parts := len(objects) > 0 && objects[0].Parts > 0
	if parts {
		text.Fprintf(w, "Model\tSize\tBPC\tTime\tMemory\tSampled\tTime a part\tMemory a part\t\n")
	} else {
		text.Fprintf(w, "Model\tSize\tBPC\tTime\tMemory\tSampled\t\n")
	}
	for _, e := range objects {
		name, about := called[e.Model], text.Safe("~")
		if e.Exact {
			about = ""
		}
		sampled := 100 * float64(e.SampledBytes) / math.Max(float64(size), 1)
		switch {
		case e.Error != "" && parts:
			text.Fprintf(w, "%s\tfailed\t-\t-\t-\t-\t-\t-\t\n", name)
		case e.Error != "":
			text.Fprintf(w, "%s\tfailed\t-\t-\t-\t-\t\n", name)
		case parts:
			text.Fprintf(w, "%s\t%s%s\t%s%.2f\t%s%s\t%s\t%.0f%%\t%s%s\t%s\t\n", name, about, text.Count(e.CompressedBytes), about, e.BPC,
				about, duration(e.Seconds), text.Binary(e.MemoryBytes), sampled, about, duration(e.PartSeconds), text.Binary(e.PartMemoryBytes))
		default:
			text.Fprintf(w, "%s\t%s%s\t%s%.2f\t%s%s\t%s\t%.0f%%\t\n", name, about, text.Count(e.CompressedBytes), about, e.BPC,
				about, duration(e.Seconds), text.Binary(e.MemoryBytes), sampled)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := text.Fprintf(a.out(), "Found out in %s.\n", duration(took.Seconds()))
	return err
}

// duration writes seconds for people: "12 s", "3 min 20 s", "2 h 5 min", "9 days".
func duration(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", s)
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", s)
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// openRegular opens a file that can be sampled.
func openRegular(path string) (*os.File, int64, error) {
	f, err := ctxio.OpenRegular(path)
	if errors.Is(err, ctxio.ErrNotRegular) {
		return nil, 0, fmt.Errorf("%s is no regular file: there is nothing to sample", path)
	}
	if err != nil {
		return nil, 0, err
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, fi.Size(), nil
}

// longJob is the predicted time beyond which a person is asked first.
const longJob = time.Hour

// Below these sizes no job takes an hour: the slowest kernel codes some
// kilobytes per second, a language model on a slow machine a hundred bytes.
const (
	longBytes  = 16 << 20
	longTokens = 256 << 10
)

// errNotStarted means that a long job was not started, for want of a yes.
var errNotStarted = errors.New("not started")

// confirmLong samples files that may take long to compress and, if they are
// predicted to take over an hour, asks whether to start.
func (a *app) confirmLong(ctx context.Context, write engine.Options, files []string) error {
	least := int64(longBytes)
	if write.Model != nil && !write.Model.Info().Bundled {
		least = longTokens
	}
	var total time.Duration
	for _, file := range files {
		fi, err := os.Stat(file)
		if err != nil || !fi.Mode().IsRegular() || fi.Size() < least {
			continue // what is wrong with it shows when its turn comes
		}
		f, size, err := openRegular(file)
		if err != nil {
			continue
		}
		p, err := estimate.NewFile(f, size, time.Second).Time(ctx, write)
		f.Close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			total += p.Elapsed
		}
	}
	if total <= longJob {
		return nil
	}
	return a.askLong(ctx, total)
}

// askLong asks whether to start what takes so long. Where nobody can be asked, it
// is not started: a script that means it says --yes.
func (a *app) askLong(ctx context.Context, total time.Duration) error {
	what := "this is going to take about " + duration(total.Seconds())
	yes, err := a.ask(ctx, what+". Start?")
	switch {
	case errors.Is(err, errNobody):
		return withHint(fmt.Errorf("%w: %s, and nobody can be asked", errNotStarted, what), startAnyway)
	case err != nil:
		return err
	case !yes:
		return withHint(errNotStarted, startAnyway)
	}
	return nil
}

const startAnyway = `--yes starts without asking; "llmz estimate" compares the models`

// confirmBench is confirmLong for the cases of a benchmark. Each row codes its
// file in both directions, several times.
func (a *app) confirmBench(ctx context.Context, m bench.Matrix) error {
	var total time.Duration
	for _, c := range m.Cases() {
		if c.Kind != bench.KindModel || c.Model == bench.NoModel || !c.Data.Whole() {
			continue
		}
		size, err := c.Data.Size()
		if err != nil || size < longTokens {
			continue
		}
		f, size, err := openRegular(c.Data.Path)
		if err != nil {
			continue
		}
		o := estimateOptions{threads: threadCount(c.Threads), lanes: c.Lanes, blockSize: byteSize(c.BlockSize), noMix: c.NoMix, rich: c.Rich}
		p, err := o.model(ctx, a, f, c.Model, estimate.NewFile(f, size, time.Second/2).Time)
		f.Close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			continue // the row says why
		}
		runs := time.Duration(c.Plan.Runs)
		if b := c.Plan.Budget; b > 0 && p.Elapsed > 0 {
			runs = min(runs, 1+b/p.Elapsed)
		}
		total += 2 * runs * p.Elapsed
	}
	if total <= longJob {
		return nil
	}
	return a.askLong(ctx, total)
}
