package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The help reads like a manual page: what it does, how to call it, commands,
// flags, examples, exit codes.
const usageTemplate = `Usage:
  {{.UseLine}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND [ARG...]{{$all := .Commands}}{{range $group := .Groups}}

{{$group.Title}}{{range $all}}{{if and (eq .GroupID $group.ID) (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if not .Groups}}

Commands:{{range $all}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{localFlags .}}{{end}}

Flags of all commands:
{{globalFlags .}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}

{{exitCodes}}{{if not .HasParent}}

{{topics}}{{end}}
`

const helpTemplate = `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{.UsageString}}`

func init() {
	cobra.EnableCommandSorting = false
	cobra.AddTemplateFunc("exitCodes", func() string { return exitHelp })
	cobra.AddTemplateFunc("topics", topicsHelp)
	cobra.AddTemplateFunc("localFlags", localFlags)
	cobra.AddTemplateFunc("globalFlags", func(c *cobra.Command) string {
		return strings.TrimRight(c.Root().PersistentFlags().FlagUsages(), " \n")
	})
}

// localFlags describes a command's own flags in the order of their declaration,
// which puts what belongs together side by side.
func localFlags(c *cobra.Command) string {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.SortFlags = false
	c.Flags().SortFlags = false
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if c.Root().PersistentFlags().Lookup(f.Name) == nil {
			own.AddFlag(f)
		}
	})
	return strings.TrimRight(own.FlagUsages(), " \n")
}

// newHelpCommand builds "llmz help".
func newHelpCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "help [COMMAND...|TOPIC]",
		Short:             "Help about a command or a topic",
		Long:              "Help about a command, or about a topic:\n" + topicsHelp()[strings.Index(topicsHelp(), "\n"):],
		ValidArgsFunction: completeCommands,
		RunE: func(cmd *cobra.Command, args []string) error {
			if showTopic(a, args) {
				return nil
			}
			c, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return noCommand(c, rest[0])
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}
