package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

// TestEarlyOutput checks that the first bytes of a large block come before its end is
// decoded, in one lane and in several, and that the work ends when nobody reads on.
func TestEarlyOutput(t *testing.T) {
	content := stretchyContent(goldenContent(t))
	for name, o := range map[string]Options{
		"one lane":        {NoModel: true},
		"a useless model": {Model: newFakeModel("a"), Lanes: 2},
		"stretches":       {Model: newFakeModel("a"), Lanes: 2, BlockSize: len(content)},
	} {
		t.Run(name, func(t *testing.T) {
			made, _ := compress(t, content, o)
			var last Progress
			z, err := NewReader(bytes.NewReader(made), ReadOptions{Models: resolver(), ProgressInterval: time.Nanosecond,
				Observer: func(e Event) {
					if p, ok := e.(Progress); ok {
						last = p
					}
				}})
			if err != nil {
				t.Fatal(err)
			}
			first := make([]byte, 1000)
			if _, err := io.ReadFull(z, first); err != nil || !bytes.Equal(first, content[:1000]) {
				t.Fatalf("the first bytes differ: %v", err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			if last.Bytes >= int64(len(content)) {
				t.Errorf("%d of %d bytes were decoded before the first came out, or after the reader was closed", last.Bytes, len(content))
			}
		})
	}
}

// TestEarlyOutputDamaged checks that damage in a large block is an error although some
// of it came out before.
func TestEarlyOutputDamaged(t *testing.T) {
	content := stretchyContent(goldenContent(t))
	made, _ := compress(t, content, Options{Model: newFakeModel("a"), Lanes: 2, BlockSize: len(content)})
	for at := range 3 {
		p := bytes.Clone(made)
		p[len(p)/4*(at+1)] ^= 0x10
		var out bytes.Buffer
		_, err := Decompress(context.Background(), &out, bytes.NewReader(p), ReadOptions{Models: resolver()})
		if err == nil {
			t.Errorf("damage at %d: no error, %d bytes", at, out.Len())
		}
		if !errors.Is(err, ErrChecksum) && !errors.Is(err, ErrCorrupt) {
			t.Errorf("damage at %d: %v", at, err)
		}
	}
}
