package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/bench"
	"github.com/llmz/llmz/models/trainer"
	"github.com/llmz/llmz/tui/text"
)

// fixedValues are the values of flags that take one of few, by the flag's name.
var fixedValues = map[string][]string{
	"arch":      {"gru", "lstm", "gpt", "gpt2"},
	"color":     {string(colorAuto), string(colorAlways), string(colorNever)},
	"device":    deviceNames,
	"format":    benchFormats,
	"gpu":       {"cuda", "vulkan", "metal"},
	"json":      {string(jsonResults), string(jsonEvents)},
	"optimiser": {trainer.Muon, "adamw"},
	"precision": {"auto", "f32", "bf16"},
	"table":     benchTables[1:],
	"runtime":   runtimeNames,
	"type":      {"q8_0", "f16", "f32"},
}

// completeFlags completes the values of cmd's flags, and those of its commands, that
// are names.
func completeFlags(cmd *cobra.Command, a *app) {
	for name, list := range fixedValues {
		if cmd.Flag(name) != nil {
			_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	if f := cmd.Flags().Lookup("model"); f != nil {
		names := func() []string { return append(cleanNames(a.models.Names()), noModel) }
		complete := completeNames(names)
		if strings.HasSuffix(f.Value.Type(), "Slice") {
			if n := cmd.Name(); n == "bench" || n == "race" {
				models := names
				names = func() []string { return append(models(), classicList()...) }
			}
			complete = completeList(names)
		}
		_ = cmd.RegisterFlagCompletionFunc("model", complete)
	}
	if cmd.Flags().Lookup("init") != nil {
		_ = cmd.RegisterFlagCompletionFunc("init", completeNames(func() []string { return cleanNames(a.models.Names()) }))
	}
	if cmd.Flags().Lookup("devices") != nil {
		_ = cmd.RegisterFlagCompletionFunc("devices", completeList(func() []string {
			list := append([]string{"all"}, deviceNames[1:]...)
			for _, k := range bench.Kernels() {
				list = append(list, "cpu:"+k)
			}
			return list
		}))
	}
	for _, c := range cmd.Commands() {
		completeFlags(c, a)
	}
}

// completeNames completes one of names, or a file.
func completeNames(names func() []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(), cobra.ShellCompDirectiveDefault
	}
}

// completeList completes names separated by commas, of which each is wanted once.
func completeList(names func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		at := strings.LastIndexByte(word, ',') + 1
		done, all := strings.Split(word[:at], ","), []string{}
		for _, n := range names() {
			if !slices.Contains(done, n) {
				all = append(all, word[:at]+n)
			}
		}
		if at == 0 {
			return all, cobra.ShellCompDirectiveNoSpace // and files
		}
		return all, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
}

// completeNothing is for commands without arguments.
func completeNothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
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
	if len(args) == 0 {
		for _, t := range topicNames() {
			names = append(names, t+"\t"+topics[t].about)
		}
	}
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
