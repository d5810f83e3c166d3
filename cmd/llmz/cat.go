package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/filejob"
)

const catLong = `Write the content of an archive to standard output, or the bytes from A to B of it,
counted from 0 and both included ("500-": from 500 on). Only the blocks that hold
the range are decoded.`

type catOptions struct {
	bytes byteRange
	codec codecOptions
}

// newCatCommand builds "llmz cat".
func newCatCommand(a *app) *cobra.Command {
	var o catOptions
	cmd := &cobra.Command{
		Use:               "cat [--bytes A-B] FILE",
		Short:             "Write an archive's content, or a range of it, to stdout",
		Long:              catLong,
		Example:           "  llmz cat log.llmz | grep error\n  llmz cat --bytes 1000000-1000999 big.llmz\n  llmz cat --bytes 1G- big.llmz",
		Args:              exactArgs(1, "one FILE"),
		ValidArgsFunction: completeArchives,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCat(cmd.Context(), a, &o, args[0])
		},
	}
	cmd.Flags().Var(&o.bytes, "bytes", "the bytes from A to B only, both included")
	o.codec.addMachineFlags(cmd.Flags())
	return cmd
}

// runCat writes what is asked for of the archive at path to stdout.
func runCat(ctx context.Context, a *app, o *catOptions, path string) error {
	o.codec.mode = filejob.Decompress
	if err := o.codec.check([]string{path}); err != nil {
		return err
	}
	a.models.Device = o.codec.device
	_, read, err := o.codec.engineOptions(ctx, a)
	if err != nil {
		return err
	}
	if path == filejob.Stdio {
		if o.bytes.set {
			return usagef("--bytes needs a FILE: standard input cannot be read in any order")
		}
		_, err := engine.Decompress(ctx, a.stdout, a.stdin, read)
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return filejob.PathError(path, err)
	}
	defer f.Close()
	if !o.bytes.set {
		_, err = engine.Decompress(ctx, a.stdout, f, read)
	} else {
		err = catRange(ctx, a, o.bytes, f, read)
	}
	if err != nil && ctx.Err() == nil {
		return &filejob.Error{Path: path, Err: err}
	}
	return err
}

func catRange(ctx context.Context, a *app, r byteRange, f *os.File, read engine.ReadOptions) error {
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	to := int64(-1) // the end
	if r.last >= 0 {
		to = r.last + 1
	}
	_, err = engine.ReadRange(ctx, a.stdout, f, fi.Size(), r.first, to, read)
	return err
}
