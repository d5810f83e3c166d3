package engine

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden archives anew")

// TestGolden pins the bytes of archives: what is coded in which order, not only
// that it can be decoded. Old golden archives must decode for ever.
func TestGolden(t *testing.T) {
	text := readFile(t, "canterbury_small.bin")[:1500]
	content := append(append(append(bytes.Clone(text[:1000]), randomBytes(1000)...), text[1000:]...), text[:500]...)
	meta := Meta{Name: "golden.bin", Time: time.Unix(1700000000, 123456789), Mode: 0o640}
	for name, o := range map[string]Options{
		"bare":         {Model: newFakeModel("a"), NoMix: true, BlockSize: 1000, Lanes: 3, Meta: meta},
		"whole":        {Model: newFakeModel("a"), NoMix: true, Lanes: 2},
		"mixed":        {Model: newFakeModel("a"), BlockSize: 2000, Lanes: 3, Meta: meta},
		"alone":        {NoModel: true, Meta: meta},
		"mixed-tokens": {Model: newFakeTokenModel(), BlockSize: 2000, Lanes: 2, Meta: meta},
		"tokens":       {Model: newFakeTokenModel(), NoMix: true, BlockSize: 2000, Lanes: 2, Meta: meta},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name+".llmz")
			made, res := compress(t, content, o)
			if *update {
				if err := os.WriteFile(path, made, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(made, want) {
				t.Errorf("the archive has changed:\n%s\nwas\n%s", hex.Dump(made), hex.Dump(want))
			}
			got, back, err := decompress(want, ReadOptions{Models: resolver()})
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("%d bytes, want %d: %v", len(got), len(content), err)
			}
			if m := back.Meta; m.Name != o.Meta.Name || !m.Time.Equal(o.Meta.Time) || m.Mode != o.Meta.Mode {
				t.Errorf("meta %+v, want %+v", m, o.Meta)
			}
			if name == "bare" && (res.Blocks != 3 || res.StoredBlocks == 0) {
				t.Errorf("%d blocks, %d of them stored: not what this file is for", res.Blocks, res.StoredBlocks)
			}
			if name == "whole" && (res.Blocks != 1 || res.StoredBlocks != 0) {
				t.Errorf("%d blocks, %d of them stored: not what this file is for", res.Blocks, res.StoredBlocks)
			}
		})
	}
}
