package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// withoutByte is a vocabulary that one byte cannot be spelt in.
type withoutByte struct{ *fakeTokenModel }

func (m withoutByte) Tokenize(ctx context.Context, block []byte) ([]int32, error) {
	if i := bytes.IndexByte(block, 0xff); i >= 0 {
		return nil, fmt.Errorf("at offset %d: %w", i, predict.ErrNoToken)
	}
	return m.fakeTokenModel.Tokenize(ctx, block)
}

// TestNoToken: content that a model has no tokens for comes back, too, and what became of
// it is said once.
func TestNoToken(t *testing.T) {
	m := withoutByte{newFakeTokenModel()}
	text := readFile(t, "alice29.txt")[:6000]
	odd := append(bytes.Clone(text), 0xff)
	for name, c := range map[string]struct {
		content []byte
		o       Options
		needs   bool // the archive names the model
		less    bool // the archive is smaller
		said    string
	}{
		"mixed":           {odd, Options{}, false, true, "block 0"},
		"bare":            {odd, Options{NoMix: true}, false, false, "block 0"},
		"last of several": {odd, Options{BlockSize: 2000}, true, true, "block 3"},
		"all":             {bytes.Repeat([]byte{0xff}, 5000), Options{BlockSize: 1000}, true, false, "block 0"},
		"none":            {text, Options{}, true, true, ""},
	} {
		var said []string
		c.o.Model, c.o.Threads = m, 2
		c.o.Observer = func(e Event) {
			if w, ok := e.(Warning); ok {
				if said = append(said, w.Message); !errors.Is(w.Err, predict.ErrNoToken) {
					t.Errorf("%s: %v", name, w.Err)
				}
			}
		}
		ar, res := compress(t, c.content, c.o)
		if res.NeedsModel != c.needs || (len(ar) < len(c.content)) != c.less {
			t.Errorf("%s: %d bytes for %d, needs the model: %t", name, len(ar), len(c.content), res.NeedsModel)
		}
		if s := strings.Join(said, "\n"); len(said) > 1 || (c.said == "") != (len(said) == 0) || !strings.HasPrefix(s, c.said) {
			t.Errorf("%s: said %q", name, said)
		}
		got, _, err := decompress(ar, ReadOptions{Models: fakeResolver{m}})
		if err != nil || !bytes.Equal(got, c.content) {
			t.Errorf("%s: %d bytes came back, %v", name, len(got), err)
		}
		x, err := Inspect(context.Background(), c.content, InspectOptions{Model: m, NoMix: c.o.NoMix, BlockSize: c.o.BlockSize})
		if err != nil {
			t.Errorf("%s: inspect: %v", name, err)
			continue
		}
		var bytes int64
		for _, s := range x.Symbols {
			bytes += int64(s.Length)
		}
		if bytes != int64(len(c.content)) {
			t.Errorf("%s: the costs of %d bytes of %d", name, bytes, len(c.content))
		}
	}
}
