package main

import (
	"context"
	"math"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/filejob"
)

const catLong = `Write the content of archives to standard output, one after the other, or the bytes
from A to B of one. Only the blocks that hold them are decoded.

Bytes are counted from 0, and A and B are both included, as in HTTP: 0-99 are the
first 100, "500-" is from 500 on. k (or K, KiB) is 1024 bytes, kB is 1000, likewise
M and G: 1k-2k are the 1,025 bytes from 1024 to 2048.`

type catOptions struct {
	bytes byteRange
	codec codecOptions
}

// newCatCommand builds "llmz cat".
func newCatCommand(a *app) *cobra.Command {
	var o catOptions
	cmd := &cobra.Command{
		Use:               "cat [--bytes A-B] FILE...",
		Short:             "Write archives' content, or a range of it, to stdout",
		Long:              catLong,
		Example:           "  llmz cat log.llmz | grep error\n  llmz cat --bytes 1000000-1000999 big.llmz\n  llmz cat --bytes 1G- big.llmz",
		Args:              minArgs(1, "a FILE"),
		ValidArgsFunction: completeArchives,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCat(cmd.Context(), a, &o, args)
		},
	}
	cmd.Flags().Var(&o.bytes, "bytes", "the bytes from A to B only, from 0 on and both included;\nk, M, G: times 1024, kB, MB, GB: times 1000")
	o.codec.addMachineFlags(cmd.Flags())
	o.codec.addOutputLimit(cmd.Flags())
	return cmd
}

// runCat writes what is asked for of the archives to stdout.
func runCat(ctx context.Context, a *app, o *catOptions, paths []string) error {
	if o.bytes.set {
		if len(paths) > 1 {
			return usagef("--bytes takes one FILE, not %d", len(paths))
		}
		if paths[0] == filejob.Stdio {
			return usagef("--bytes needs a FILE: standard input cannot be read in any order")
		}
		o.codec.bytes = &filejob.Range{From: o.bytes.first, To: -1}
		if o.bytes.last >= 0 && o.bytes.last < math.MaxInt64 {
			o.codec.bytes.To = o.bytes.last + 1
		}
	}
	o.codec.mode, o.codec.output, o.codec.force = filejob.Decompress, filejob.Stdio, true
	return runCodec(ctx, a, &o.codec, paths)
}
