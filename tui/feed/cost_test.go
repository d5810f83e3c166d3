package feed_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
)

// What watching costs a compression: compare the two, they must not differ by
// more than 1%.
func BenchmarkCompress(b *testing.B) {
	content, err := os.ReadFile(filepath.Join("..", "..", "testdata", "canterbury_small.bin"))
	if err != nil {
		b.Fatal(err)
	}
	for _, watched := range []bool{false, true} {
		name := map[bool]string{false: "alone", true: "watched"}[watched]
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				o := engine.Options{NoModel: true, Threads: 1, Size: int64(len(content))}
				if watched {
					j := feed.New(context.Background(), "a", o.Size, nil)
					o.Observer = j.Observe
					j.Snapshot()
				}
				if _, err := engine.Compress(context.Background(), io.Discard, bytes.NewReader(content), o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
