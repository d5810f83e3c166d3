package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/models"
)

func newModelsAddCommand(a *app) *cobra.Command {
	var o models.AddOptions
	cmd := &cobra.Command{
		Use:   "add FILE.gguf...",
		Short: "Keep copies of model files in the data directory",
		Long: `Copy model files into the data directory, where -m takes them by name and archives made
with them find them, wherever the originals go. A model used by its path is found
again without that, as long as the file stays where it is.`,
		Example: "  llmz models add notes.gguf\n  llmz models add --name logs-2026 /mnt/usb/logs.gguf",
		Args:    minArgs(1, "a FILE.gguf"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{models.Extension[1:]}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Name != "" && len(args) > 1 {
				return usagef("--name takes one FILE, not %d", len(args))
			}
			return a.each(cmd.Context(), args, func(_ int, path string) error {
				add := o
				add.Path = path
				p, err := a.models.Add(cmd.Context(), add)
				if errors.Is(err, models.ErrExists) {
					return withHint(err, "it is another model: -f replaces it, --name keeps this one beside it")
				}
				if err != nil {
					return err
				}
				return a.printPulled(p, "add")
			})
		},
	}
	cmd.Flags().StringVar(&o.Name, "name", "", "keep it under this name (default: the file's)")
	cmd.Flags().BoolVarP(&o.Force, "force", "f", false, "replace a model of that name")
	return cmd
}
