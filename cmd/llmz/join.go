package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/tui/text"
)

const joinLong = `Join the parts that "llmz compress --part" has made, on as many machines, to the
archive that a single run would have written, byte by byte. They may be named in
any order. Each must be there, once, intact, and made from the same file with the
same options and model: what does not fit is named. Nothing is decoded.

Without join, "cat PART..." in order gives an archive with the same content.`

type joinOptions struct {
	output string
	force  bool
}

// newJoinCommand builds "llmz join".
func newJoinCommand(a *app) *cobra.Command {
	var o joinOptions
	cmd := &cobra.Command{
		Use:               "join PART... -o FILE",
		Short:             "Make one archive of parts made with --part",
		Long:              joinLong,
		Example:           "  llmz join big.tar.part-*.llmz -o big.tar.llmz",
		Args:              minArgs(1, "the PARTs"),
		ValidArgsFunction: completeArchives,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runJoin(cmd.Context(), a, &o, args)
		},
	}
	fs := cmd.Flags()
	fs.StringVarP(&o.output, "output", "o", "", `write to PATH ("-": stdout)`)
	addSetter(fs, "stdout", "c", "write to standard output", func() { o.output = filejob.Stdio })
	fs.BoolVarP(&o.force, "force", "f", false, "overwrite; write to a terminal")
	return cmd
}

func runJoin(ctx context.Context, a *app, o *joinOptions, paths []string) error {
	if o.output == "" {
		return usagef("join needs an output: name it with -o")
	}
	files := make([]engine.PartFile, len(paths))
	for i, path := range paths {
		if path == filejob.Stdio {
			return usagef("parts are files: standard input cannot be read twice")
		}
		files[i] = engine.PartFile{Name: filejob.DisplayName(path), Open: func(ctx context.Context) (io.ReaderAt, int64, func() error, error) {
			f, size, err := openArchive(path)
			if err != nil {
				return nil, 0, nil, err
			}
			return f, size, f.Close, nil
		}}
	}
	if o.output == filejob.Stdio {
		if isTerminal(a.stdout) && !o.force {
			return withHint(errors.New("compressed data is not written to a terminal"), "name an output with -o, redirect standard output, or force it with -f")
		}
		if err := outfile.CheckStream(a.stdout); err != nil {
			return err
		}
		res, err := engine.Join(ctx, ctxio.Writer(ctx, a.stdout), files)
		return a.joined(o, paths, res, err)
	}
	if err := o.checkOutput(paths); err != nil {
		return err
	}
	attributes, err := outfile.LikeAll(paths...)
	if err != nil {
		return err
	}
	var res engine.Result
	err = outfile.Write(ctx, o.output, outfile.Options{Replace: o.force}, attributes, func(w io.Writer) error {
		var err error
		res, err = engine.Join(ctx, w, files)
		return err
	})
	if errors.Is(err, fs.ErrExist) {
		err = withHint(&filejob.Error{Path: o.output, Err: filejob.ErrExists}, "overwrite it with -f")
	}
	return a.joined(o, paths, res, err)
}

// checkOutput refuses an output that is there, or one of the parts.
func (o *joinOptions) checkOutput(paths []string) error {
	out, err := os.Stat(o.output)
	if err != nil {
		return nil
	}
	for _, path := range paths {
		if fi, err := os.Stat(path); err == nil && os.SameFile(out, fi) {
			return withHint(&filejob.Error{Path: o.output, Err: filejob.ErrIsInput}, "name another output with -o")
		}
	}
	if !o.force && filejob.Exists(o.output) && out.Mode().IsRegular() {
		return withHint(&filejob.Error{Path: o.output, Err: filejob.ErrExists}, "overwrite it with -f")
	}
	return nil
}

// joined tells what became of the parts.
func (a *app) joined(o *joinOptions, paths []string, res engine.Result, err error) error {
	if err != nil {
		return err
	}
	if a.json != jsonOff {
		r := newResultObject(filejob.Result{Result: res, Op: "join", Output: o.output})
		r.Parts = len(paths)
		(&jsonReporter{w: a.out()}).print(r)
		return nil
	}
	if !a.quiet && o.output != filejob.Stdio {
		text.Fprintf(a.messages(), "%s: %d parts, %s bytes of %s in %d blocks\n", filejob.DisplayName(filepath.Clean(o.output)), len(paths),
			text.Count(res.CompressedBytes), text.Count(res.OriginalBytes), res.Blocks)
	}
	return nil
}
