package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"strings"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/tui/text"
)

// errRefused is the answer no.
var errRefused = errors.New("not started")

// confirmMemory asks about archives that need more memory than is allowed where -M does not
// say. It returns those that may have what they need. Where nobody can be asked, the engine
// refuses them.
func (o *codecOptions) confirmMemory(ctx context.Context, a *app, files []string) (map[string]bool, error) {
	if o.mode == filejob.Compress || o.memory != 0 || !isTerminal(a.stdin) || !isTerminal(a.stderr) {
		return nil, nil
	}
	agreed := map[string]bool{}
	in := bufio.NewReader(a.stdin)
	for _, f := range files {
		if fi, err := os.Stat(f); f == filejob.Stdio || err != nil || !fi.Mode().IsRegular() {
			continue
		}
		var most int64
		err := walkArchive(ctx, f, func(m *archive.Member) error {
			for i := range m.Blocks {
				if need, exceeds := engine.ExceedsDefault(m.Header, &m.Blocks[i].Block); exceeds {
					most = max(most, need)
				}
			}
			return nil
		})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil || most == 0 {
			continue // decoding says what is wrong
		}
		text.Fprintf(a.stderr, "llmz: %s: decoding takes about %s of memory, much for what it holds. Start? [y/N] ", filejob.DisplayName(f), text.Binary(most))
		answer, _ := in.ReadString('\n')
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			agreed[f] = true
		default:
			return nil, withHint(&filejob.Error{Path: f, Err: errRefused}, "-M SIZE allows as much without asking")
		}
	}
	return agreed, nil
}
