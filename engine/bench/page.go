package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/outfile"
)

// A page part is what UpdatePage writes between the markers of a name.
var pageParts = []struct {
	name  string
	write func(w io.Writer, rows []Row, link func(name string) string) error
}{
	{"summary", Brief},
	{"bench", Section},
}

func markers(name string) (begin, end string) {
	return "<!-- " + name + ":begin (written by \"make benchmarks\": do not edit) -->", "<!-- " + name + ":end -->"
}

var (
	// ErrNoMarkers means that a file has no place for tables.
	ErrNoMarkers = errors.New("no <!-- bench:begin … --> and <!-- bench:end --> to write between")

	errNoRows = errors.New("no rows to write about")
)

// UpdatePage replaces what is between the markers of a Markdown file by tables
// of rows: "bench" stands for everything, "summary" for a few lines. The file is
// left alone if nothing changes.
func UpdatePage(ctx context.Context, file string, rows []Row) error {
	old, err := ctxio.ReadRegular(file, 64<<20)
	if err != nil {
		return err
	}
	text, found := old, false
	link := func(name string) string { return linkFrom(filepath.Dir(file), name) }
	for _, part := range pageParts {
		begin, end := markers(part.name)
		from, to := bytes.Index(text, []byte(begin)), bytes.Index(text, []byte(end))
		if from < 0 || to < from {
			continue
		}
		found = true
		var b bytes.Buffer
		b.Write(text[:from+len(begin)])
		b.WriteString("\n\n")
		if err := part.write(&b, rows, link); err != nil {
			return err
		}
		b.WriteString("\n")
		b.Write(text[to:])
		text = b.Bytes()
	}
	if !found {
		return fmt.Errorf("%s: %w", file, ErrNoMarkers)
	}
	if bytes.Equal(text, old) {
		return nil
	}
	like, err := outfile.LikeAll(file)
	if err != nil {
		return err
	}
	return outfile.Write(ctx, file, outfile.Options{Replace: true}, like, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// resultsDir is where "make benchmarks" writes, relative to the repository.
const resultsDir = "testdata/bench"

// linkFrom returns the way from a page's folder, the repository's or one in it,
// to a file that "make benchmarks" wrote. It is empty where there is none.
func linkFrom(dir, name string) string {
	for _, up := range []string{"", ".."} {
		to := path.Join(up, resultsDir, name)
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(to))); err == nil {
			return to
		}
	}
	return ""
}

// pictures are those that a page shows folded.
var pictures = []struct{ name, alt string }{
	{"bpc-alice29-txt", "Bits per byte along alice29.txt"},
	{"stages-alice29-txt", "The stages' shares of the time"},
	{"scaling-threads", "Speed against threads"},
	{"scaling-lanes", "Speed against lanes"},
	{"scaling-size", "Speed against the size of the input"},
}

// markdownPicture returns the Markdown of a picture, empty where it is not there.
func markdownPicture(link func(string) string, name, alt string) string {
	to := link(name + ".svg")
	if to == "" {
		return ""
	}
	return fmt.Sprintf("![%s](%s)\n\n", alt, to)
}
