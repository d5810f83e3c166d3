package engine

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden archives anew")

// TestGolden pins the bytes of archives: what is coded in which order, not only
// that it can be decoded.
func TestGolden(t *testing.T) {
	content := goldenContent(t)
	meta := Meta{Name: "golden.bin", Time: time.Unix(1700000000, 123456789), Mode: 0o640}
	for name, o := range map[string]Options{
		"bare-digests":           {Model: newFakeModel("a"), NoMix: true, BlockSize: 1000, Lanes: 3, Meta: meta},
		"whole":                  {Model: newFakeModel("a"), NoMix: true, Lanes: 2},
		"mixed-2-digests":        {Model: newFakeModel("a"), BlockSize: 2000, Lanes: 3, Meta: meta},
		"alone-2":                {NoModel: true, Meta: meta},
		"alone-lanes-2":          {NoModel: true, Lanes: 3},
		"rests-2":                {Model: newFakeModel("a"), Lanes: 1},
		"stretches-full-2":       {Model: newFakeModel("a"), Lanes: 2, BlockSize: len(stretchyContent(content))},
		"mixed-tokens-2-digests": {Model: newFakeTokenModel(), BlockSize: 2000, Lanes: 2, Meta: meta},
		"part":                   {Model: newFakeModel("a"), NoMix: true, BlockSize: 1000, Lanes: 2, Meta: meta, Part: &Part{Number: 2, Of: 2, Total: 5000, BlockSize: 1000, Lanes: 2}},
		"alone-5":                {NoModel: true, Rich: true, Meta: meta},
		"mixed-5":                {Model: newFakeModel("a"), Rich: true, BlockSize: 2000, Lanes: 3, Meta: meta},
		"stretches-full-5":       {Model: newFakeModel("a"), Rich: true, Lanes: 2, BlockSize: 60 << 10},
		"code-5":                 {NoModel: true, Rich: true},
		"mixed-tokens-5":         {Model: newFakeTokenModel(), Rich: true, BlockSize: 2000, Lanes: 2, Meta: meta},
		"code-tokens-5":          {Model: newFakeTokenModel(), Rich: true, BlockSize: 8000},
		"kinds-5":                {Model: newReader(), Rich: true, Lanes: 4, Meta: meta},
		"mixed-6":                {Model: lean(newFakeModel("a")), BlockSize: 2000, Lanes: 3, Meta: meta},
		"stretches-full-6":       {Model: lean(newFakeModel("a")), Lanes: 2, BlockSize: 60 << 10},
		"kinds-6":                {Model: lean(newReader()), Lanes: 4, Meta: meta},
		"tokens-digests":         {Model: newFakeTokenModel(), NoMix: true, BlockSize: 2000, Lanes: 2, Meta: meta},
	} {
		t.Run(name, func(t *testing.T) {
			content := content
			switch name {
			case "stretches-full-2", "rests-2":
				content = stretchyContent(content)
			case "stretches-full-5", "stretches-full-6":
				content = stretchyContent(content)[:60<<10]
			case "code-5":
				content = codeLike()
			case "code-tokens-5":
				content = codeLike()[:9000]
			case "kinds-5", "kinds-6":
				content = severalKinds(t)
			}
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
			if name == "bare-digests" && (res.Blocks != 3 || res.StoredBlocks == 0) {
				t.Errorf("%d blocks, %d of them stored: not what this file is for", res.Blocks, res.StoredBlocks)
			}
			if name == "whole" && (res.Blocks != 1 || res.StoredBlocks != 0) {
				t.Errorf("%d blocks, %d of them stored: not what this file is for", res.Blocks, res.StoredBlocks)
			}
		})
	}
}

func goldenContent(t *testing.T) []byte {
	text := readFile(t, "canterbury_small.bin")[:1500]
	return slices.Concat(text[:1000], randomBytes(1000), text[1000:], text[:500])
}

// stretchyContent is long enough for stretches without the model.
func stretchyContent(content []byte) []byte {
	var p []byte
	for i := 0; len(p) < 600<<10; i++ {
		p = append(p, content[i%700:]...)
	}
	return p
}

// TestOldGolden decodes archives that older versions have written: for ever.
func TestOldGolden(t *testing.T) {
	long := stretchyContent(goldenContent(t))
	for _, name := range []string{"mixed", "alone", "mixed-tokens", "bare", "mixed-2", "mixed-tokens-2", "tokens", "stretches-2", "stretches-3", "alone-3", "mixed-3", "stretches-full-3", "code-3", "mixed-tokens-3", "code-tokens-3",
		"alone-4", "mixed-4", "stretches-full-4", "code-4", "mixed-tokens-4", "code-tokens-4"} {
		content := goldenContent(t)
		switch name {
		case "stretches-2":
			content = long
		case "stretches-3", "stretches-full-3", "stretches-full-4":
			content = long[:60<<10]
		case "code-3", "code-4":
			content = codeLike()
		case "code-tokens-3", "code-tokens-4":
			content = codeLike()[:9000]
		}
		p, err := os.ReadFile(filepath.Join("testdata", name+".llmz"))
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := decompress(p, ReadOptions{Models: resolver()})
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, want %d: %v", name, len(got), len(content), err)
		}
	}
}
