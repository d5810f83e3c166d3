package main

import "github.com/spf13/cobra"

// newCompletionCommand builds "llmz completion".
func newCompletionCommand(a *app) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     "Print a shell's completion script",
		Long:      "Print the script that completes llmz's commands, flags and files in a shell.",
		Example:   "  llmz completion bash > /etc/bash_completion.d/llmz\n  llmz completion zsh > \"${fpath[1]}/_llmz\"\n  llmz completion fish > ~/.config/fish/completions/llmz.fish",
		Args:      exactArgs(1, "a shell: bash, zsh, fish or powershell"),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.out(), true)
			case "zsh":
				return root.GenZshCompletion(a.out())
			case "fish":
				return root.GenFishCompletion(a.out(), true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.out())
			}
			return usagef("there is no completion for %q: choose bash, zsh, fish or powershell", args[0])
		},
	}
}
