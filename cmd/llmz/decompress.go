package main

import (
	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/filejob"
)

const decompressLong = `Decompress each FILE.llmz to FILE, or standard input to standard output where no
FILE or "-" is given. Everything is checked; a damaged archive leaves no output,
unless --salvage asks for its intact blocks.`

// newDecompressCommand builds "llmz decompress".
func newDecompressCommand(a *app) *cobra.Command {
	o := codecOptions{mode: filejob.Decompress}
	cmd := &cobra.Command{
		Use:   "decompress [FILE.llmz...]",
		Short: "Decompress each FILE.llmz",
		Long:  decompressLong,
		Example: `  llmz decompress book.txt.llmz
  llmz decompress -c a.llmz b.llmz | less
  llmz decompress --salvage -o rest.txt damaged.llmz`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeArchives,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCodec(cmd.Context(), a, &o, args)
		},
	}
	o.addDecompressFlags(cmd.Flags())
	return cmd
}

// completeArchives completes the names of archives.
func completeArchives(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{filejob.Suffix[1:]}, cobra.ShellCompDirectiveFilterFileExt
}
