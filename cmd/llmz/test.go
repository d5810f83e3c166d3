package main

import (
	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/filejob"
)

// newTestCommand builds "llmz test".
func newTestCommand(a *app) *cobra.Command {
	o := codecOptions{mode: filejob.Test}
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Decode archives and check everything, write nothing",
		Long: `Decode each archive to nowhere and check every checksum in it. "-" is standard
input; -r takes the archives in directories.`,
		Args:              minArgs(1, "a FILE"),
		ValidArgsFunction: completeArchives,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCodec(cmd.Context(), a, &o, args)
		},
	}
	o.addRecursive(cmd.Flags())
	o.addMachineFlags(cmd.Flags())
	o.addOutputLimit(cmd.Flags())
	return cmd
}
