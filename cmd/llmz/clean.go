package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/tui/text"
)

const cleanLong = `Remove the partial files that killed runs left in each FOLDER, by default in the
working directory, the data directory and the one for temporary files. What a process is at work on stays, and so
does what --resume can go on with, unless -f is given. Only the user's own files are
looked at, by the names and with the content that llmz gives them, and nothing below the
folders.`

// newCleanCommand builds "llmz clean".
func newCleanCommand(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "clean [FOLDER...]",
		Short: "Remove what killed runs left behind",
		Long:  cleanLong,
		Args:  cobra.ArbitraryArgs,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = usualFolders(a)
			}
			return a.each(cmd.Context(), args, func(_ int, dir string) error { return a.clean(cmd.Context(), dir, force) })
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "remove what --resume could go on with, too")
	return cmd
}

// usualFolders are those where llmz writes without being told so.
func usualFolders(a *app) []string {
	dirs := []string{"."}
	for _, dir := range []string{models.DataDir(), a.models.Dir, os.TempDir()} {
		if fi, err := os.Stat(dir); err == nil && fi.IsDir() {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func (a *app) clean(ctx context.Context, dir string, force bool) error {
	l, err := outfile.Clean(ctx, dir, force, isPartialArchive)
	if a.json != jsonOff {
		if e := json.NewEncoder(a.out()).Encode(map[string]any{
			"op": "clean", "folder": dir, "removed": orEmpty(l.Removed), "kept": orEmpty(l.Kept), "in_use": orEmpty(l.InUse),
		}); e != nil {
			return e
		}
	} else if !a.quiet {
		for _, path := range l.Removed {
			text.Fprintf(a.stderr, "removed %s\n", filejob.DisplayName(path))
		}
		for _, path := range l.Kept {
			text.Fprintf(a.stderr, "kept %s: --resume goes on from it, \"llmz clean -f\" removes it\n", filejob.DisplayName(path))
		}
		for _, path := range l.InUse {
			text.Fprintf(a.stderr, "in use: %s\n", filejob.DisplayName(path))
		}
	}
	if err != nil {
		return filejob.PathError(filepath.Clean(dir), err)
	}
	return nil
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// isPartialArchive tells what an interrupted compression left from what other programs
// call by such names, and from archives that somebody named so: those are whole.
func isPartialArchive(f *os.File) bool {
	head := make([]byte, len(archive.Magic))
	n, _ := f.ReadAt(head, 0)
	fi, err := f.Stat()
	if err != nil || n < len(head) || string(head) != archive.Magic {
		return false
	}
	return isDamage(archive.Walk(f, fi.Size(), func(*archive.Member) error { return nil }))
}
