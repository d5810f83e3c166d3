package main

import "github.com/spf13/cobra"

const rootLong = `llmz losslessly compresses files with language models: a model predicts the next
byte, and an arithmetic coder spends as few bits on it as the prediction was good.`

const exitHelp = `Exit codes:
  0    done
  1    failed, or some file was skipped
  2    usage
  3    corrupt or mismatched data
  4    a model or runtime is missing
  130  interrupted`

// The commands' groups in the help.
const (
	groupFiles   = "files"
	groupCompare = "compare"
	groupSetup   = "setup"
)

// newRootCommand builds the command tree. A command is added here, with the
// group it is listed under.
func newRootCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:           "llmz [FILE...]",
		Short:         "Compress files losslessly with language models",
		Long:          rootLong,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q", args[0])
			}
			return cmd.Help()
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &usageError{err: err, hint: `"` + c.CommandPath() + ` --help" lists its flags`}
	})
	addGlobalFlags(cmd, a)

	cmd.AddGroup(
		&cobra.Group{ID: groupFiles, Title: "Files:"},
		&cobra.Group{ID: groupCompare, Title: "Models compared:"},
		&cobra.Group{ID: groupSetup, Title: "Set-up:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			cmd.AddCommand(c)
		}
	}
	add(groupSetup,
		newCompletionCommand(a),
		newVersionCommand(a),
	)
	help := newHelpCommand()
	add(groupSetup, help)
	cmd.SetHelpCommand(help)
	cmd.SetUsageTemplate(usageTemplate)
	cmd.SetHelpTemplate(helpTemplate)
	return cmd
}

// addGlobalFlags declares the flags that every command has.
func addGlobalFlags(cmd *cobra.Command, a *app) {
	fs := cmd.PersistentFlags()
	fs.BoolVarP(&a.quiet, "quiet", "q", false, "print nothing but errors")
	fs.BoolVarP(&a.verbose, "verbose", "v", false, "print more")
	fs.BoolVar(&a.noTUI, "no-tui", false, "plain text on stderr; the default when it is not a terminal")
	fs.Var(&a.color, "color", "colours: auto, always or never (NO_COLOR is respected)")
	fs.Var(&a.json, "json", "results as JSON on stdout, one object per line; --json=events: progress, too")
	fs.Lookup("json").NoOptDefVal = string(jsonResults)
}
