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
	"strings"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/tui/inspect"
	"github.com/llmz/llmz/tui/progress"
	"github.com/llmz/llmz/tui/text"
)

// inspectLimit is how much of a file is inspected where no range is named: what
// is known of each symbol takes some 80 bytes of memory.
const inspectLimit = 1 << 20

// inspectMost is the most that is inspected at once.
const inspectMost = 16 << 20

type inspectOptions struct {
	model   string
	html    string
	bytes   byteRange
	noMix   bool
	lanes   int
	threads threadCount
	force   bool
}

const inspectLong = `Run a model over FILE and show what each symbol costs in bits: as a coloured text to
move around in, with what the model expected instead; or with --html as one page for
a browser. An archive is decoded first, and inspected with its own model.
Without a terminal, or with --no-tui, the text and the totals of its lines are printed.`

// newInspectCommand builds "llmz inspect".
func newInspectCommand(a *app) *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:     "inspect FILE",
		Short:   "Show where the bits go, symbol by symbol",
		Long:    inspectLong,
		Example: "  llmz inspect book.txt\n  llmz inspect -m gpt2 --html book.html book.txt\n  llmz inspect --bytes 1M-1100K big.log",
		Args:    exactArgs(1, "one FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInspect(cmd.Context(), a, &o, args[0])
		},
	}
	fs := cmd.Flags()
	fs.StringVarP(&o.model, "model", "m", "", "gru (default), another model's NAME, a PATH.gguf, or none")
	fs.StringVar(&o.html, "html", "", `write a page to this file ("-": stdout) instead`)
	fs.Var(&o.bytes, "bytes", "the range to inspect, A-B, of 16 MiB at most (default: the\nfirst 1 MiB)")
	fs.BoolVar(&o.noMix, "no-mix", false, "the bare model, without context mixing")
	fs.IntVar(&o.lanes, "lanes", 0, "parallel lanes, 0: chosen from the length")
	fs.VarP(&o.threads, "threads", "T", "threads, 0 for all cores; never changes the costs")
	fs.BoolVarP(&o.force, "force", "f", false, "overwrite the page")
	return cmd
}

func runInspect(ctx context.Context, a *app, o *inspectOptions, path string) error {
	if o.html != "" && o.html != filejob.Stdio && !o.force && filejob.Exists(o.html) {
		return withHint(&filejob.Error{Path: o.html, Err: filejob.ErrExists}, "overwrite it with -f")
	}
	if o.noMix && o.model == noModel {
		return usagef("-m none leaves nothing to predict with: drop --no-mix")
	}
	read, model, err := a.openInspection(ctx, o, path)
	if err != nil {
		return err
	}
	if model != nil {
		defer model.Close()
	}
	content, err := a.inspected(o, path, read)
	if err != nil {
		return err
	}
	options := engine.InspectOptions{Model: model, NoMix: o.noMix, Lanes: o.lanes, Threads: int(o.threads)}
	run := func(ctx context.Context, observe engine.Observer) (*engine.Inspection, error) {
		options.Observer = observe
		return engine.Inspect(ctx, content, options)
	}
	if t := a.terminal(); o.html == "" && t.Views && t.Keys && isTerminal(a.stdout) {
		return inspect.Show(ctx, filepath.Base(path), int64(len(content)), run, inspect.Options{
			Theme: t.Theme(), Out: a.stderr, In: a.stdin, Environ: os.Environ(),
		})
	}
	var x *engine.Inspection
	err = a.watch(ctx, "inspect", path, int64(len(content)), func(ctx context.Context, f *progress.File) (engine.Result, error) {
		var observe engine.Observer
		if f != nil {
			observe, options.Gate = f.Observe, f.Gate()
		}
		var err error
		if x, err = run(ctx, observe); err != nil || o.html == "" || o.html == filejob.Stdio {
			return engine.Result{}, err
		}
		if f != nil {
			f.SetOutput(o.html)
		}
		return engine.Result{}, a.writePage(ctx, o, path, x)
	})
	if err != nil {
		return err
	}
	switch {
	case o.html == filejob.Stdio:
		return inspect.HTML(a.pages(), filepath.Base(path), x)
	case o.html != "":
		return nil
	case a.json != jsonOff:
		return writeInspection(a.out(), path, x)
	}
	return inspect.Text(a.out(), x, a.plainTheme(), textWidth(a.stdout))
}

// most returns how many bytes of the content are of interest, and one more to tell that
// there are others.
func (o *inspectOptions) most() int64 {
	switch {
	case !o.bytes.set:
		return inspectLimit + 1
	case o.bytes.last >= 0:
		return min(o.bytes.last-o.bytes.first, inspectMost) + 1
	}
	return inspectMost + 1
}

// inspected returns the part of the content that was asked for, of what was read of it.
func (a *app) inspected(o *inspectOptions, path string, read excerpt) ([]byte, error) {
	n := int64(len(read.content))
	switch {
	case !o.bytes.set && n > inspectLimit:
		a.warn(fmt.Errorf("%s: only the first %s are inspected; --bytes chooses others", path, text.Binary(inspectLimit)))
		return read.content[:inspectLimit], nil
	case o.bytes.set && n == 0:
		return nil, usagef("%s has %s bytes: there is no byte %s", path, text.Count(read.before), text.Count(o.bytes.first))
	case n > inspectMost:
		return nil, usagef("no more than %s can be inspected at once: name a smaller range with --bytes", text.Binary(inspectMost))
	}
	return read.content, nil
}

// An excerpt is a part of some content: what is of interest, and how many bytes came before.
type excerpt struct {
	content []byte
	before  int64
}

// readExcerpt reads what is of interest.
func (o *inspectOptions) readExcerpt(r io.Reader) (e excerpt, err error) {
	if o.bytes.set {
		if e.before, err = io.CopyN(io.Discard, r, o.bytes.first); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return e, err
		}
	}
	e.content, err = io.ReadAll(io.LimitReader(r, o.most()))
	return e, err
}

// openInspection returns what is of interest of a file, or of an archive's content, and the
// model to look at it with; nil for none.
func (a *app) openInspection(ctx context.Context, o *inspectOptions, path string) (read excerpt, model predict.Model, err error) {
	fi, err := os.Stat(path)
	if err != nil {
		return read, nil, err
	}
	if fi.IsDir() {
		return read, nil, &filejob.Error{Path: path, Err: errors.New("is a directory")}
	}
	f, err := ctxio.OpenReader(ctx, path)
	if err != nil {
		return read, nil, err
	}
	defer f.Close()
	name := o.model
	if !strings.HasSuffix(path, filejob.Suffix) {
		if read, err = o.readExcerpt(f); err != nil {
			return read, nil, err
		}
	} else {
		r, err := engine.NewReaderContext(ctx, f, engine.ReadOptions{Models: a.models})
		if err != nil {
			return read, nil, &filejob.Error{Path: path, Err: err}
		}
		header := r.Header()
		read, err = o.readExcerpt(r)
		r.Close()
		if err != nil {
			return read, nil, &filejob.Error{Path: path, Err: err}
		}
		if ref, ok := engine.ModelRef(header); ok && name == "" {
			m, err := a.models.Resolve(ctx, ref)
			return read, m, err
		}
	}
	switch name {
	case noModel:
		return read, nil, nil
	case "":
		name = a.settings.model()
	}
	m, err := a.models.Open(ctx, name)
	return read, m, err
}

// writePage writes the heat-map as a page; it appears whole or not at all.
func (a *app) writePage(ctx context.Context, o *inspectOptions, path string, x *engine.Inspection) error {
	// The text is in it: it is open to those who may read the file.
	attributes, err := outfile.LikeAll(path)
	if err != nil {
		return err
	}
	err = outfile.Write(ctx, o.html, outfile.Options{Replace: o.force}, attributes, func(w io.Writer) error {
		return inspect.HTML(w, filepath.Base(path), x)
	})
	if errors.Is(err, fs.ErrExist) {
		return withHint(&filejob.Error{Path: o.html, Err: filejob.ErrExists}, "overwrite it with -f")
	}
	if err == nil && !a.quiet {
		text.Fprintf(a.messages(), "%s: %.3f BPC, %s symbols\n", o.html, x.Bits/float64(max(1, len(x.Content))), text.Count(int64(len(x.Symbols))))
	}
	return err
}

// An inspectObject is the JSON form of a symbol's cost.
type inspectObject struct {
	Op        string        `json:"op"`
	File      string        `json:"file"`
	Model     string        `json:"model"`
	Offset    int64         `json:"offset"`
	Length    int32         `json:"length"`
	Bits      float32       `json:"bits"`
	ModelBits float32       `json:"model_bits"`
	Rank      int32         `json:"rank,omitempty"`
	Expected  []guessObject `json:"expected,omitempty"`
}

// A guessObject is a symbol the model expected; its bytes are in hexadecimal,
// since they need not be text.
type guessObject struct {
	Bytes string  `json:"bytes"`
	P     float32 `json:"p"`
}

// writeInspection prints one object for each symbol.
func writeInspection(w io.Writer, path string, x *engine.Inspection) error {
	enc := json.NewEncoder(w)
	for i := range x.Symbols {
		s := &x.Symbols[i]
		o := inspectObject{Op: "inspect", File: path, Model: modelName(x.Model), Offset: s.Offset, Length: s.Length,
			Bits: s.Bits, ModelBits: s.ModelBits, Rank: s.Rank}
		for _, g := range s.Guesses {
			if g.P > 0 {
				o.Expected = append(o.Expected, guessObject{fmt.Sprintf("%x", x.Bytes(g)), g.P})
			}
		}
		if err := enc.Encode(o); err != nil {
			return err
		}
	}
	return nil
}
