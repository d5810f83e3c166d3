//go:build manpages

package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// Builds with the tag have "llmz man DIR", which writes the manual pages. The program
// itself has no need of what makes them.
func init() {
	moreCommands = append(moreCommands, newManCommand)
}

func newManCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the manual pages into a folder",
		Hidden: true,
		Args:   exactArgs(1, "one folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeManual(cmd.Root(), args[0])
		},
	}
}

func writeManual(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root.DisableAutoGenTag = true
	root.InitDefaultHelpFlag()
	header := &doc.GenManHeader{Title: "LLMZ", Section: "1", Source: "llmz " + currentVersion().Version, Manual: "llmz manual"} // SOURCE_DATE_EPOCH is its date
	if err := doc.GenManTree(root, header, dir); err != nil {
		return err
	}
	if err := appendTo(filepath.Join(dir, "llmz.1"), manEnd()); err != nil {
		return err
	}
	for alias := range aliases {
		if err := os.WriteFile(filepath.Join(dir, alias+".1"), []byte(".so man1/llmz-decompress.1\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// manEnd is what the manual has at its end: exit codes, levels, variables and files.
func manEnd() string {
	section := func(title, text string) string {
		text = strings.ReplaceAll(text, `\`, `\e`)
		text = strings.ReplaceAll(text, "-", `\-`)
		lines := strings.Split(text, "\n")
		for i, l := range lines {
			if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
				lines[i] = `\&` + l
			}
		}
		return ".SH " + title + "\n.nf\n" + strings.Join(lines, "\n") + "\n.fi\n"
	}
	_, codes, _ := strings.Cut(exitHelp, "\n")
	return section("EXIT STATUS", codes) + section("LEVELS", levelsHelp()) + section("ENVIRONMENT", topics["environment"].text()) +
		section("FILES", `  ~/.config/llmz/config    defaults of flags
  ~/.local/share/llmz      models, and what the session remembers
  ~/.cache/llmz            the llama.cpp libraries`)
}
