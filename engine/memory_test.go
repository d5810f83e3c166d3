package engine

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"testing"

	"github.com/llmz/llmz/engine/archive"
	shapes "github.com/llmz/llmz/engine/block"
)

// TestMemoryDoesNotGrowWithTheInput compresses and restores many blocks whose
// mixers are large, and looks at how much memory the process has asked for.
func TestMemoryDoesNotGrowWithTheInput(t *testing.T) {
	const block, blocks = 4 << 20, 5
	data := randomBytes(block) // given up early, after the mixer has been made
	need := shapes.Shape{Length: block, Lanes: 1, Mixer: archive.MixerVersion}.Memory()
	if need < 64<<20 {
		t.Fatalf("a block takes only %d bytes", need)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var rs []io.Reader
	for range blocks {
		rs = append(rs, bytes.NewReader(data))
	}
	o := Options{NoModel: true, BlockSize: block, Threads: 1}
	res, err := Compress(context.Background(), io.Discard, io.MultiReader(rs...), o)
	if err != nil || res.Blocks != blocks {
		t.Fatalf("%d blocks, %v", res.Blocks, err)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys-after.HeapReleased) - int64(before.HeapSys-before.HeapReleased); grown > need*6/5 {
		t.Errorf("the heap has grown by %d MiB for blocks that take %d", grown>>20, need>>20)
	}
}
