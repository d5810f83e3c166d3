package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// pages returns the documentation's files, from this folder.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "models/*.md", "models/*/*.md", "ggml/*.md", "engine/*/*.md"} {
		found, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) < 15 {
		t.Fatalf("only %d pages: %q", len(all), all)
	}
	return all
}

func readPage(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

// TestReadmeStart: what somebody needs who sees the program for the first time stands
// on the README's first screens.
func TestReadmeStart(t *testing.T) {
	lines := strings.Split(readPage(t, "../../README.md"), "\n")
	if len(lines) > 60 {
		t.Errorf("the README has %d lines: the rest belongs in docs", len(lines))
	}
	start := strings.Join(lines[:40], "\n")
	for _, want := range []string{
		"![", "go install github.com/llmz/llmz/cmd/llmz@latest",
		"\n    go run ./cmd/llmz testdata/alice29.txt ", "\n    go test ./... ",
		"\n    llmz book.txt ", "\n    llmz -d book.txt.llmz ", "\n    llmz race ",
		"`-m gru`", "`-m lstm`", "`-m none`", "\n| zpaq -m5 |", "\n| xz -9e |", "\n| zstd -19 |",
		"**Good for**", "**Not for**",
	} {
		if !strings.Contains(start, want) {
			t.Errorf("the README's first 40 lines have no %q", want)
		}
	}
	if strings.Contains(start, "not measured") {
		t.Error("a row of the README's table is missing")
	}
}

var markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinks: links to files, and to headings in them, lead somewhere.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		for _, m := range markdownLink.FindAllStringSubmatch(readPage(t, page), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			to := page
			if file != "" {
				to = filepath.Join(filepath.Dir(page), filepath.FromSlash(file))
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: link to %s: %v", page, m[1], err)
				continue
			}
			if anchor != "" && !strings.Contains(headings(readPage(t, to)), "\n"+anchor+"\n") {
				t.Errorf("%s: no heading for %s", page, m[1])
			}
		}
	}
}

// headings returns the anchors of a page's headings, one a line.
func headings(text string) string {
	anchors := "\n"
	drop := regexp.MustCompile("[^a-z0-9 _-]")
	for _, line := range strings.Split(text, "\n") {
		if title := strings.TrimLeft(line, "#"); title != line {
			title = drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			anchors += strings.ReplaceAll(title, " ", "-") + "\n"
		}
	}
	return anchors
}

// TestDocumentedCommands: the command lines of the documentation are ones that the
// program takes.
func TestDocumentedCommands(t *testing.T) {
	total := 0
	for _, page := range pages(t) {
		for _, line := range strings.Split(readPage(t, page), "\n") {
			for _, words := range commandLines(line) {
				total++
				if err := parses(words); err != nil {
					t.Errorf("%s: %q: %v", page, line, err)
				}
			}
		}
	}
	if total < 30 {
		t.Errorf("only %d command lines were found", total)
	}
}

// commandLines returns the arguments of the calls of llmz in a line of an indented block.
func commandLines(line string) (all [][]string) {
	if !strings.HasPrefix(line, "    ") {
		return nil
	}
	line, _, _ = strings.Cut(strings.TrimSpace(line), "  ") // an explanation
	line, _, _ = strings.Cut(line, " #")
	for _, part := range strings.FieldsFunc(line, func(r rune) bool { return r == '|' || r == ';' }) {
		words := strings.Fields(strings.TrimSuffix(strings.TrimSpace(part), `\`))
		for i, w := range words {
			if strings.HasPrefix(w, ">") || strings.HasPrefix(w, "<") {
				words = words[:i]
				break
			}
		}
		if len(words) > 0 && words[0] == "llmz" {
			all = append(all, words[1:])
		}
	}
	return all
}

// parses reports why the program would refuse a command line before it does anything.
func parses(args []string) error {
	a := newApp(os.Stdin, os.Stdout, os.Stderr)
	root := newRootCommand(a)
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if cmd.Args == nil {
		return cobra.ArbitraryArgs(cmd, cmd.Flags().Args())
	}
	return cmd.Args(cmd, cmd.Flags().Args())
}
