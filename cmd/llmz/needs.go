package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/tui/text"
)

// A modelFile is a model that is not part of the program: who decodes what it
// compressed needs its file.
type modelFile struct {
	info   predict.Info
	origin models.Origin
}

// modelFile returns what decoding is going to need of m, false if that is nothing.
func (a *app) modelFile(m predict.Model) (modelFile, bool) {
	if m == nil || m.Info().Bundled {
		return modelFile{}, false
	}
	return modelFile{m.Info(), a.models.OriginOf(m.Info())}, true
}

func (f modelFile) String() string {
	s := fmt.Sprintf("%s (SHA-256 %s", f.info.Name, shortDigest(f.info.Digest))
	if f.origin.Path != "" {
		s += ", " + f.origin.Path
	}
	if f.origin.From != "" {
		s += `, from "llmz models pull ` + f.origin.From + `"`
	}
	return s + ")"
}

// keep says how the file is kept.
func (f modelFile) keep() string {
	if f.origin.Stored || f.origin.Path == "" {
		return "keep it"
	}
	return fmt.Sprintf(`keep it; "llmz models add %s" keeps a copy`, f.origin.Path)
}

// noteModel says once what decoding is going to need. Where the file is not in the
// store, that is a warning.
func (a *app) noteModel(m predict.Model, quiet bool) {
	f, ok := a.modelFile(m)
	switch {
	case !ok || a.quiet:
	case !f.origin.Stored:
		a.warn(withHint(fmt.Errorf("decoding needs the model %s, which is not part of llmz", f), f.keep()))
	case !quiet:
		text.Fprintf(a.messages(), "llmz: decoding needs the model %s, which is not part of llmz\n", f)
	}
}

// confirmModel asks before sources are removed whose archives need a model that is not
// part of the program: without its file, they are lost.
func (a *app) confirmModel(ctx context.Context, m predict.Model) error {
	f, ok := a.modelFile(m)
	if !ok {
		return nil
	}
	what := fmt.Sprintf("decoding needs the model %s, which is not part of llmz; without it the archives cannot be decoded", f)
	yes, err := a.ask(ctx, what+". Remove the sources?")
	switch {
	case errors.Is(err, errNobody):
		return withHint(fmt.Errorf("%w: %s, and nobody can be asked", errNotStarted, what), "-f removes the sources all the same; "+f.keep())
	case err != nil:
		return err
	case !yes:
		return withHint(errNotStarted, "without --rm the sources stay; "+f.keep())
	}
	return nil
}

// errNobody means that there is no terminal to ask at.
var errNobody = errors.New("there is no terminal")

// ask asks a question at the terminal.
func (a *app) ask(ctx context.Context, question string) (yes bool, err error) {
	if !isTerminal(a.stdin) || !isTerminal(a.stderr) {
		return false, errNobody
	}
	text.Fprintf(a.stderr, "llmz: %s [y/N] ", question)
	// What was typed before the input ended counts; nothing is no.
	answer, _ := bufio.NewReader(ctxio.Reader(ctx, a.stdin)).ReadString('\n')
	if ctx.Err() != nil {
		text.Fprintln(a.stderr)
		return false, ctx.Err()
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}
