package main

import (
	"context"
	"math"

	"github.com/spf13/cobra"

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
	if o.bytes.set {
		if path == filejob.Stdio {
			return usagef("--bytes needs a FILE: standard input cannot be read in any order")
		}
		o.codec.part = &filejob.Range{From: o.bytes.first, To: -1}
		if o.bytes.last >= 0 && o.bytes.last < math.MaxInt64 {
			o.codec.part.To = o.bytes.last + 1
		}
	}
	o.codec.mode, o.codec.output, o.codec.force = filejob.Decompress, filejob.Stdio, true
	return runCodec(ctx, a, &o.codec, []string{path})
}
