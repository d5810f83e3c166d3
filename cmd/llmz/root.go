package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/tui/text"
)

const rootLong = `llmz losslessly compresses files with language models: a model predicts the next
byte, and an arithmetic coder spends as few bits on it as the prediction was good.

With file names and no command, each FILE is compressed to FILE.llmz (-d, -t and -l:
decompressed, tested, listed). Sources are kept. With no FILE, data goes from standard
input to standard output; on a terminal, an interactive session opens.`

const rootExample = `  llmz book.txt                      compress to book.txt.llmz
  llmz -d book.txt.llmz              and back
  llmz -m lstm --rm *.log            a faster model; remove what has been verified
  llmz -r --output-dir packed logs   all files in logs, to packed/logs
  tar c dir | llmz -c > dir.tar.llmz
  llmz -dc dir.tar.llmz | tar x
  llmz -t *.llmz                     check archives, write nothing
  llmz -l *.llmz                     what they hold, as a table
  llmz cat --bytes 1M-2M big.llmz    a range, decoding only the blocks that hold it
  llmz --json book.txt | jq .bpc     results for scripts`

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

// moreCommands are those of builds with tags.
var moreCommands []func(*app) *cobra.Command

// newRootCommand builds the command tree. A command is added here, with the
// group it is listed under.
func newRootCommand(a *app) *cobra.Command {
	o := codecOptions{mode: filejob.Compress}
	cmd := &cobra.Command{
		Use:           "llmz [FILE...]",
		Short:         "Compress files losslessly with language models",
		Long:          rootLong,
		Example:       rootExample,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRoot(cmd, a, &o, args)
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			if o.mode != filejob.Compress || o.list {
				return completeArchives(cmd, args, word)
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if o.version {
				return nil
			}
			if err := checkKernel(cmd); err != nil {
				return err
			}
			return a.applySettings(cmd)
		},
	}
	cmd.SetFlagErrorFunc(flagError)
	addGlobalFlags(cmd, a)
	o.addModeFlags(cmd.Flags())
	fs := cmd.Flags()
	fs.BoolVarP(&o.version, "version", "V", false, "print the version; with -v more of it")
	o.addCompressFlags(cmd.Flags())
	o.addDecompressFlags(cmd.Flags())

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
	add(groupFiles,
		newCompressCommand(a),
		newDecompressCommand(a),
		newTestCommand(a),
		newInfoCommand(a),
		newCatCommand(a),
		newJoinCommand(a),
	)
	add(groupCompare,
		newEstimateCommand(a),
		newBenchCommand(a),
		newRaceCommand(a),
		newInspectCommand(a),
	)
	cmd.AddCommand(newBenchWorkerCommand(a))
	add(groupSetup,
		newTrainCommand(a),
		newModelsCommand(a),
		newRuntimeCommand(a),
		newDoctorCommand(a),
		newCleanCommand(a),
		newCompletionCommand(a),
		newVersionCommand(a),
	)
	for _, more := range moreCommands {
		cmd.AddCommand(more(a))
	}
	help := newHelpCommand(a)
	add(groupSetup, help)
	cmd.SetHelpCommand(help)
	completeFlags(cmd, a)
	cmd.SetUsageTemplate(usageTemplate)
	cmd.SetHelpTemplate(helpTemplate)
	return cmd
}

// checkKernel refuses to compute with a kernel that is not there. What only sets up
// or tells about the machine runs all the same.
func checkKernel(cmd *cobra.Command) error {
	if err := models.CheckKernel(); err != nil && (cmd.GroupID != groupSetup || cmd.Name() == "train") {
		return &usageError{err: err, hint: `"llmz help environment" has the variables that llmz reads`}
	}
	return nil
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

// runRoot runs the command line that names no command.
func runRoot(cmd *cobra.Command, a *app, o *codecOptions, args []string) error {
	if o.version {
		return a.printVersion()
	}
	if len(args) == 0 && isTerminal(a.stdin) && isTerminal(a.stdout) {
		if t := a.terminal(); t.Views && t.Keys && !cmd.Flags().Changed("decompress") && !cmd.Flags().Changed("test") && !o.list {
			return runSession(cmd.Context(), a)
		}
		return usagef("nothing to do: name a FILE, or redirect standard input")
	}
	if o.list {
		if len(args) == 0 {
			return runInfo(cmd.Context(), a, args)
		}
		inputs, failed, err := o.inputs(a, args)
		if err != nil {
			return err
		}
		var files []string
		for _, f := range inputs {
			files = append(files, f.path)
		}
		if len(files) > 0 {
			err = runInfo(cmd.Context(), a, files)
		}
		if err == nil && failed {
			err = &reportedError{exitFailed}
		}
		return err
	}
	meant := ""
	if len(args) > 0 && !filejob.Exists(args[0]) {
		meant = closestCommand(cmd, args[0])
	}
	if meant != "" && !slices.ContainsFunc(args, filejob.Exists) {
		return usagef("there is neither a file nor a command %q; did you mean %q?", args[0], meant)
	}
	err := runCodec(cmd.Context(), a, o, args)
	if meant != "" { // one bad name does not stop the files
		text.Fprintf(a.messages(), "llmz: hint: there is no command %q, either; did you mean %q?\n", args[0], meant)
	}
	return err
}
