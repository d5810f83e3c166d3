package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/tui/text"
)

// completeFlags completes the values of cmd's flags, and those of its commands, that have few.
func completeFlags(cmd *cobra.Command, a *app) {
	values := map[string][]string{
		"color":  {string(colorAuto), string(colorAlways), string(colorNever)},
		"json":   {string(jsonResults), string(jsonEvents)},
		"device": {"auto", "cpu", "cuda", "metal", "vulkan"},
	}
	for name, list := range values {
		if cmd.Flag(name) != nil {
			_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	if f := cmd.Flags().Lookup("model"); f != nil {
		_ = cmd.RegisterFlagCompletionFunc("model", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return append(cleanNames(a.models.Names()), noModel), cobra.ShellCompDirectiveDefault // files, too
		})
	}
	for _, c := range cmd.Commands() {
		completeFlags(c, a)
	}
}

// cleanNames returns the names that a shell may be offered: completions are lines.
func cleanNames(names []string) []string {
	return slices.DeleteFunc(names, func(s string) bool { return text.Clean(s) != s })
}

// completeCommands completes the commands that help explains.
func completeCommands(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	c, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			names = append(names, sub.Name()+"\t"+sub.Short)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// newCompletionCommand builds "llmz completion".
func newCompletionCommand(a *app) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     "Print a shell's completion script",
		Long:      "Print the script that completes llmz's commands, flags and files in a shell. bash needs\nits bash-completion package for it.",
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
