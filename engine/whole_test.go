package engine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"github.com/llmz/llmz/engine/archive"
)

// TestWhole: where a model is of no use at the beginning of a short block, and would be later,
// it is asked for all of it.
func TestWhole(t *testing.T) {
	text := alice(t, 45_000)
	table := randomLetters(2500)
	for name, c := range map[string]struct {
		content []byte
		mixer   uint8
		model   bool
	}{
		"a table, then text":        {append(bytes.Clone(table), text[:20_000]...), archive.MixerWhole, true},
		"a table, then little text": {append(bytes.Clone(table), text[:3000]...), archive.MixerWhole, true},
		"text, then a table":        {append(bytes.Clone(text[:20_000]), table...), archive.MixerFast, true},
		"text":                      {text[:20_000], archive.MixerFast, true},
		"tables":                    {randomLetters(20_000), archive.MixerFast, false},
		"a table, then long text":   {append(bytes.Clone(table), text...), archive.MixerWhole, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Model: newReader(), Lanes: 1}
			ar, _ := compress(t, c.content, o)
			members, err := archive.List(bytes.NewReader(ar), int64(len(ar)))
			if err != nil {
				t.Fatal(err)
			}
			h := members[0].Header
			if h.Mixer != c.mixer || (h.Model != nil) != c.model {
				t.Fatalf("mixer %d, model %v", h.Mixer, h.Model)
			}
			got, _, err := decompress(ar, ReadOptions{Models: resolver()})
			if err != nil || !bytes.Equal(got, c.content) {
				t.Fatalf("%d bytes came back, %v", len(got), err)
			}
			if alone, _ := compress(t, c.content, Options{NoModel: true}); len(ar) > len(alone) {
				t.Errorf("%d bytes, %d without the model", len(ar), len(alone))
			}
			for _, cut := range []int{10, len(ar) / 2, len(ar) - 1, len(ar)} {
				f := resumeFile(t, ar[:cut])
				if _, err := Resume(context.Background(), f, bytes.NewReader(c.content), o); err != nil {
					t.Fatalf("after %d of %d bytes: %v", cut, len(ar), err)
				}
				if again, _ := os.ReadFile(f.Name()); !bytes.Equal(again, ar) {
					t.Errorf("resumed after %d of %d bytes, it is another archive", cut, len(ar))
				}
			}
			if c.mixer == archive.MixerWhole {
				rich := o
				rich.Rich = true
				if _, err := Resume(context.Background(), resumeFile(t, ar), bytes.NewReader(c.content), rich); !errors.Is(err, ErrNotResumable) {
					t.Errorf("resumed with the rich mixer: %v", err)
				}
			}
			var joined bytes.Buffer
			if _, err := Join(t.Context(), &joined, partFiles(makeParts(t, c.content, o, 2))); err != nil || !bytes.Equal(joined.Bytes(), ar) {
				t.Errorf("joined from parts, it is another archive, of %d bytes instead of %d: %v", joined.Len(), len(ar), err)
			}
		})
	}
}
