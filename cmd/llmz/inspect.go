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

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/outfile"
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
a browser. An archive shows what its own symbols cost; with -m it is decoded first, and its
content inspected with that model.
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
	in, err := a.openInspection(ctx, o, path)
	if err != nil {
		return err
	}
	defer in.close()
	run := in.run
	if t := a.terminal(); o.html == "" && t.Views && t.Keys && isTerminal(a.stdout) {
		return inspect.Show(ctx, filepath.Base(path), in.size, run, inspect.Options{
			Theme: t.Theme(), Out: a.stderr, In: a.stdin, Environ: os.Environ(),
		})
	}
	var x *engine.Inspection
	err = a.watch(ctx, "inspect", path, in.size, func(ctx context.Context, f *progress.File) (engine.Result, error) {
		var observe engine.Observer
		if f != nil {
			observe, in.gate = f.Observe, f.Gate()
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
