package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/models/trainer"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/progress"
	"github.com/llmz/llmz/tui/text"
)

const trainLong = `Trains a model on the files, directories and standard input ("-") named, and writes a
GGUF file that -m takes. Part of the corpus is held back to watch the training with.

By default a small LSTM is trained from scratch for 10 minutes. --arch gpt trains a
transformer (Llama's architecture) and first learns a vocabulary from the corpus; it needs
megabytes of text. With --init an existing model is adapted to the corpus instead,
which needs far less time and text, and keeps its vocabulary.

Checkpoints are written every few minutes beside the output. Interrupted (ctrl-c),
the training saves one and stops; the same command with --resume goes on.`

const trainExample = `  llmz train notes/ --minutes 30 -o notes.gguf       a small model from scratch
  llmz train logs/ --init gru -o logs.gguf           adapt the bundled GRU
  llmz train logs/ --arch gpt -o logs.gguf           a transformer over tokens of its own
  llmz train logs/ --init gru -o logs.gguf --resume  go on after an interruption
  llmz -m logs.gguf new.log                          use it`

// trainOptions are the flags of "llmz train".
type trainOptions struct {
	output     string
	force      bool
	init       string
	weights    string
	augment    bool
	float      bool
	minutes    float64
	threads    threadCount
	checkpoint float64 // minutes
	like       outfile.Attributes
	config     trainer.Config
}

// checkpointSuffix ends the name of a training's checkpoint, beside its output.
const checkpointSuffix = ".checkpoint"

// maxCheckpointMinutes is ten years.
const maxCheckpointMinutes = 5_256_000

// smallModel is the number of parameters below which looking at the text held back
// takes next to no time.
const smallModel = 1_000_000

// newTrainOptions returns what is good for most corpora. What depends on the
// architecture is filled in by complete.
func newTrainOptions() trainOptions {
	return trainOptions{minutes: 10, checkpoint: 3, config: trainer.Config{
		Shape: trainer.Shape{Arch: "lstm"}, Patience: 10, WarmUp: 100, Steps: 64, Validation: 0.02, Seed: 1, Precision: "auto",
	}}
}

// newTrainCommand builds "llmz train".
func newTrainCommand(a *app) *cobra.Command {
	o := newTrainOptions()
	cmd := &cobra.Command{
		Use:     "train CORPUS...",
		Short:   "Train an LSTM, a GRU or a GPT and write a GGUF",
		Long:    trainLong,
		Example: trainExample,
		Args:    minArgs(1, "a CORPUS: files, directories or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTrain(cmd.Context(), a, &o, cmd.Flags().Changed, args)
		},
	}
	fs := cmd.Flags()
	c := &o.config
	fs.StringVarP(&o.output, "output", "o", "", "the GGUF file to write (required)")
	fs.BoolVarP(&o.force, "force", "f", false, "overwrite the output, and start over where there is a checkpoint")
	fs.StringVar(&o.init, "init", "", "start from the weights of `MODEL`: a name, a GGUF, safetensors or PyTorch file")
	fs.StringVar(&c.Shape.Arch, "arch", c.Shape.Arch, "lstm, gru, gpt (Llama's architecture) or gpt2 (GPT-2's)")
	fs.IntVar(&c.Shape.Layers, "layers", 0, "layers (default: lstm 1, gru 3, gpt 4)")
	fs.IntVar(&c.Shape.Hidden, "hidden", 0, "units of a layer (default: lstm 288, gru 512, gpt 256)")
	fs.IntVar(&c.Shape.Embed, "embed", 0, "size of a byte's embedding (default: lstm 64, gru 128)")
	fs.IntVar(&c.Shape.Heads, "heads", 0, "attention heads of a gpt (default: one for 64 units)")
	fs.IntVar(&c.Shape.Vocabulary, "vocabulary", 0, "tokens of a gpt (default: 512 to 8192, by the size of the corpus)")
	fs.IntVar(&c.Shape.Context, "context", 0, "tokens that a gpt looks back on (default 512)")
	fs.Float64Var(&o.minutes, "minutes", o.minutes, "how long to train")
	fs.Float64Var(&c.Epochs, "epochs", 0, "train on this many times the corpus instead")
	fs.IntVar(&c.Updates, "updates", 0, "make this many updates instead")
	fs.IntVar(&c.Patience, "patience", c.Patience, "stop after this many validations without a new best; 0: never")
	fs.Float64Var(&c.Rate, "rate", 0, "peak learning rate (default: lstm and gpt 0.004, gru 0.002, with --init 0.001)")
	fs.StringVar(&c.Optimiser, "optimiser", trainer.Muon, "of the matrices inside the layers: muon or adamw, which is faster by the byte and learns less of it")
	fs.IntVar(&c.WarmUp, "warm-up", c.WarmUp, "updates until the peak")
	fs.Float64Var(&c.CoolDown, "cool-down", 0, "share of the training at whose end the rate falls, after having been even, so that --resume can make it longer (default: a cosine all along)")
	fs.IntVar(&c.Streams, "streams", 0, "texts read in parallel (default: lstm and gru 64, gpt 16)")
	fs.IntVar(&c.Steps, "steps", c.Steps, "bytes of back-propagation through time; a gpt has --context")
	fs.Float64Var(&c.Validation, "validation", c.Validation, "share of the corpus to hold back")
	fs.StringVar(&o.weights, "weights", "", "shares of the texts to cut from each CORPUS, such as 3,1,1 (default: by size)")
	fs.BoolVar(&o.augment, "augment", false, "rewrite some of the texts: CRLF, tabs, upper case, Latin-1, indentation")
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "the same seed and --updates or --epochs give the same model on the same machine")
	fs.StringVar(&c.Precision, "precision", c.Precision, "of products: auto, f32 or bf16")
	fs.VarP(&o.threads, "threads", "T", "0 = all cores; never changes the output")
	fs.BoolVar(&o.float, "float", false, "write float32 weights, four times the size, to go on training with")
	fs.Float64Var(&o.checkpoint, "checkpoint-minutes", o.checkpoint, "time between checkpoints")
	fs.BoolVar(&c.Resume, "resume", false, "go on from the checkpoint of an interrupted training")
	return cmd
}

// complete turns the flags into a configuration.
func (o *trainOptions) complete(ctx context.Context, a *app, changed func(string) bool) error {
	c := &o.config
	if o.output == "" || o.output == filejob.Stdio {
		return usagef("train needs -o FILE.gguf")
	}
	switch {
	case changed("epochs") && changed("updates"), changed("minutes") && (changed("epochs") || changed("updates")):
		return usagef("give one of --minutes, --epochs and --updates")
	case !changed("epochs") && !changed("updates"):
		c.For = time.Duration(o.minutes * float64(time.Minute))
	}
	if c.For <= 0 && c.Epochs <= 0 && c.Updates <= 0 {
		return usagef("the training must last longer than nothing")
	}
	if !(c.CoolDown >= 0 && c.CoolDown <= 1) { // NaN is neither
		return usagef("--cool-down %g: use 0 to 1", c.CoolDown)
	}
	if !(o.checkpoint >= 0 && o.checkpoint <= maxCheckpointMinutes) {
		return usagef("--checkpoint-minutes %g: use a number of minutes, not below 0", o.checkpoint)
	}
	if c.Patience < 0 {
		return usagef("--patience %d: must not be below 0", c.Patience)
	}
	if err := o.shape(ctx, a, changed); err != nil {
		return err
	}
	if c.Rate == 0 {
		c.Rate = map[string]float64{"lstm": 0.004, "gru": 0.002, "gpt": 0.004, "gpt2": 0.004}[c.Shape.Arch]
		if o.init != "" {
			c.Rate = 0.001
		}
	}
	if o.augment {
		c.Augment = trainer.DefaultAugment
	}
	if c.For == 0 {
		// Validating by the clock would choose other weights on another day.
		c.ValidateUpdates = 200
	}
	if c.For > 0 && c.Shape.Parameters() < smallModel {
		// A short training should have a curve too.
		c.ValidateEvery = min(time.Minute, max(c.For/15, 5*time.Second))
	}
	c.Threads = int(o.threads)
	if !outfile.Direct(o.output) { // beside a device is no place for one
		c.Checkpoint = o.output + checkpointSuffix
	}
	c.CheckpointEvery = time.Duration(o.checkpoint * float64(time.Minute))
	switch {
	case o.force:
	case !outfile.Direct(o.output) && filejob.Exists(o.output):
		return &filejob.Error{Path: o.output, Err: filejob.ErrExists, Help: "overwrite it with -f, or name another output with -o"}
	case c.Checkpoint != "" && filejob.Exists(c.Checkpoint) && !c.Resume:
		return withHint(fmt.Errorf("%s is left from an interrupted training", c.Checkpoint), "go on with --resume, or start over with -f")
	}
	return o.writable(ctx)
}

// writable tells before the training, rather than after it, that its files cannot be
// written.
func (o *trainOptions) writable(ctx context.Context) error {
	if o.config.Checkpoint == "" {
		return nil
	}
	for _, path := range []string{o.output, o.config.Checkpoint} {
		f, err := outfile.Create(ctx, path, outfile.Options{Replace: true})
		var pe *fs.PathError
		switch {
		case errors.As(err, &pe):
			return &filejob.Error{Path: path, Err: fmt.Errorf("cannot be written: %w", pe.Err), Help: "name a file in a directory that can be written to with -o"}
		case err != nil:
			return err
		}
		f.Abort()
	}
	return nil
}

func parseWeights(s string, n int) ([]float64, error) {
	if s == "" {
		return nil, nil
	}
	var list []float64
	for _, part := range strings.Split(s, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || !(v > 0) {
			return nil, usagef("--weights %s: %q is not a number above 0", s, part)
		}
		list = append(list, v)
	}
	if len(list) != n {
		return nil, usagef("--weights %s: %d shares for %d sources", s, len(list), n)
	}
	return list, nil
}

func runTrain(ctx context.Context, a *app, o *trainOptions, changed func(string) bool, args []string) error {
	weights, err := parseWeights(o.weights, len(args))
	if err != nil {
		return err
	}
	if err := a.checkStreams(args, false); err != nil {
		return err
	}
	if err := o.complete(ctx, a, changed); err != nil {
		return err
	}
	var done trained
	if a.wantTUI() {
		name := strings.TrimSuffix(filepath.Base(o.output), models.Extension)
		err = a.watch(ctx, "train", name, -1, func(ctx context.Context, f *progress.File) (engine.Result, error) {
			o.config.Gate = f.Gate()
			f.SetOutput(o.output)
			var err error
			done, err = o.train(ctx, a.stdin, args, weights, f.Train)
			done.warn(f.Tracker)
			return engine.Result{}, err
		})
	} else {
		report := newTrainReporter(a)
		done, err = o.train(ctx, a.stdin, args, weights, report.observe)
		if done.Warning != "" {
			a.warn(errors.New(done.Warning))
		}
	}
	if err != nil {
		interrupted := ctx.Err() != nil || exitCode(err) == exitInterrupted
		if c := &o.config; interrupted && c.Checkpoint != "" && filejob.Exists(c.Checkpoint) && !a.quiet {
			text.Fprintf(a.stderr, "Saved %s; the same command with --resume goes on.\n", c.Checkpoint)
		}
		return err
	}
	a.models.Remember(ctx, done.Output)
	return a.printTrained(done)
}

// train reads the corpus, trains on it, and writes the model and what it is
// worth.
func (o *trainOptions) train(ctx context.Context, stdin io.Reader, corpus []string, weights []float64, observe func(trainer.Event)) (trained, error) {
	c := &o.config
	var err error
	if c.Sources, err = trainer.LoadSources(ctx, corpus, weights, stdin); err != nil {
		return trained{}, err
	}
	if o.force && !c.Resume {
		if err := os.Remove(c.Checkpoint); err != nil && !errors.Is(err, os.ErrNotExist) {
			return trained{}, err
		}
	}
	if o.like, err = o.derived(corpus); err != nil {
		return trained{}, err
	}
	last := 0.0 // bits per byte of the text trained on
	r, err := trainer.Train(ctx, *c, func(e trainer.Event) {
		if p, ok := e.(*trainer.Progress); ok {
			last = p.BPC
		}
		observe(e)
	})
	if errors.Is(err, trainer.ErrCheckpoint) {
		err = withHint(err, "go on with the same files and flags as before, or start over with -f and without --resume")
	}
	if err != nil {
		return trained{}, err
	}
	t, err := o.finish(ctx, r)
	if err == nil {
		t.Warning = o.verdict(last, r.BPC)
	}
	return t, err
}

// verdict says what is wrong with a model of those bits per byte, of the text trained
// on and of the text held out.
func (o *trainOptions) verdict(trained, held float64) string {
	v := feed.TrainingOutcome{Trained: trained, Held: held}
	var texts [][]byte
	for _, s := range o.config.Sources {
		texts = append(texts, s.Data)
	}
	v.Counted = feed.CountedBPC(texts...)
	return v.Verdict()
}

// derived returns what the model's file gets from the files it learns from: it is
// open to those who may read all of them.
func (o *trainOptions) derived(corpus []string) (outfile.Attributes, error) {
	from := slices.DeleteFunc(slices.Clone(corpus), func(path string) bool { return path == filejob.Stdio })
	if filejob.Exists(o.init) {
		from = append(from, o.init)
	}
	return outfile.LikeAll(from...)
}

// trained is a finished training, in its JSON form.
type trained struct {
	Op          string  `json:"op"`
	Output      string  `json:"output"`
	Arch        string  `json:"arch"`
	Parameters  int64   `json:"parameters"`
	Updates     int     `json:"updates"`
	Bytes       int64   `json:"trained_bytes"`
	ValidBPC    float64 `json:"valid_bpc"`
	FloatBPC    float64 `json:"float_bpc"`
	IntegerBPC  float64 `json:"integer_bpc"`
	Loss        float64 `json:"quantisation_loss"`
	OutputBytes int64   `json:"output_bytes"`

	Warning string `json:"warning,omitempty"` // where it is of little use
}

// warn tells a view what is wrong with the model.
func (t trained) warn(j *feed.Tracker) {
	if t.Warning != "" {
		j.Observe(engine.Warning{Message: t.Warning})
	}
}

// finish writes the model and measures what it is worth.
func (o *trainOptions) finish(ctx context.Context, r *trainer.Result) (trained, error) {
	q, err := r.Quantisation(ctx)
	if err != nil && !errors.Is(err, trainer.ErrNoHeldOut) {
		return trained{}, err
	}
	name := strings.TrimSuffix(filepath.Base(o.output), models.Extension)
	if err := r.Save(ctx, o.output, trainer.WriteOptions{Float: o.float, Name: name}, o.like); err != nil {
		return trained{}, err
	}
	info, err := os.Stat(o.output)
	if err != nil {
		return trained{}, err
	}
	if err := os.Remove(o.config.Checkpoint); err != nil && !errors.Is(err, os.ErrNotExist) {
		return trained{}, err
	}
	t := trained{Op: "train", Output: o.output, Arch: r.Shape.Arch, Parameters: r.Shape.Parameters(), Updates: r.Updates,
		Bytes: r.Bytes, ValidBPC: r.BPC, OutputBytes: info.Size()}
	if q.Float > 0 {
		t.FloatBPC, t.IntegerBPC, t.Loss = q.Float, q.Integer, q.Loss()
	}
	return t, nil
}

func (a *app) printTrained(t trained) error {
	if a.json != jsonOff {
		return json.NewEncoder(a.out()).Encode(t)
	}
	if a.quiet {
		return nil
	}
	if t.FloatBPC > 0 {
		text.Fprintf(a.stderr, "Held-out text: %.4f bits per byte in float32, %.4f in int8 (%+.2f%%)\n", t.FloatBPC, t.IntegerBPC, 100*t.Loss)
	}
	text.Fprintf(a.stderr, "%s: %s, %s parameters, %s bytes\n", t.Output, t.Arch, text.Count(t.Parameters), text.Count(t.OutputBytes))
	return nil
}
