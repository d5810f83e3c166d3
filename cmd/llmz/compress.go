package main

import (
	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/filejob"
)

const compressLong = `Compress each FILE to FILE.llmz, or standard input to standard output where no
FILE or "-" is given. The source is kept unless --rm is given, and then it is
removed only after the archive has been decoded and compared. The output appears
whole or not at all.`

// newCompressCommand builds "llmz compress".
func newCompressCommand(a *app) *cobra.Command {
	o := codecOptions{mode: filejob.Compress}
	cmd := &cobra.Command{
		Use:   "compress [FILE...]",
		Short: "Compress each FILE to FILE.llmz",
		Long:  compressLong,
		Example: `  llmz compress book.txt
  llmz compress -m lstm -o logs.llmz < logs
  llmz compress --resume big.tar     go on where an interrupted run stopped`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCodec(cmd.Context(), a, &o, args)
		},
	}
	o.addCompressFlags(cmd.Flags())
	return cmd
}
