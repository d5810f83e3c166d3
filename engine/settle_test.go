package engine

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

// logLike returns n bytes of lines in which much comes again.
func logLike(n int) []byte {
	r := rand.New(rand.NewPCG(5, 8))
	var p []byte
	for i := 0; len(p) < n; i++ {
		p = fmt.Appendf(p, "Nov 27 18:%02d:%02d host daemon[%d]: connection from 192.168.0.%d closed by the other side\n", i/60%60, i%60, 900+r.IntN(4), r.IntN(250))
	}
	return p[:n]
}

// TestForRepeats: the first block decides which of two models codes all of them, alike for a
// Writer, for who goes on with its archive, and for parts.
func TestForRepeats(t *testing.T) {
	large, small := newFakeModel("a"), newFakeModel("b")
	text, logs := alice(t, 30_000), logLike(30_000)
	for name, c := range map[string]struct {
		content []byte
		o       Options
		want    string
	}{
		"text":            {text, Options{}, "a"},
		"logs":            {logs, Options{}, "b"},
		"rich":            {logs, Options{Rich: true}, "a"},
		"bare":            {logs, Options{NoMix: true}, "a"},
		"lanes asked for": {logs, Options{Lanes: 4}, "a"},
		"short":           {logs[:3000], Options{}, "a"},
		"no text":         {bytes.Repeat(nibbles(3000), 10), Options{}, "a"},
		"several":         {logs, Options{BlockSize: 9000}, "b"},
		"text, then logs": {append(bytes.Clone(text[:10_000]), logs...), Options{BlockSize: 10_000}, "a"},
		"logs, then text": {append(bytes.Clone(logs[:10_000]), text...), Options{BlockSize: 10_000}, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			o := c.o
			o.Model, o.ForRepeats = large, small
			made, res := compress(t, c.content, o)
			if res.Model.Name != c.want {
				t.Fatalf("coded with %s, want %s", res.Model.Name, c.want)
			}
			one := c.o
			if one.Model = large; c.want == "b" {
				one.Model = small
			}
			if want, _ := compress(t, c.content, one); !bytes.Equal(made, want) {
				t.Error("not the archive that the model makes alone")
			}
			got, _, err := decompress(made, ReadOptions{Models: resolver()})
			if err != nil || !bytes.Equal(got, c.content) {
				t.Fatalf("%d bytes came back, %v", len(got), err)
			}
			for _, at := range []int{len(made) / 3, len(made) / 2, len(made) - 1} {
				f := resumeFile(t, made[:at])
				if _, err := Resume(t.Context(), f, bytes.NewReader(c.content), o); err != nil {
					t.Fatal(err)
				}
				if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, made) {
					t.Errorf("after %d bytes it goes on to %d other bytes", at, len(got))
				}
			}
		})
	}
}

// TestForRepeatsInParts: parts are made after the first block of all has been settled on.
func TestForRepeatsInParts(t *testing.T) {
	content := append(logLike(10_000), alice(t, 25_000)...)
	o := Options{Model: newFakeModel("a"), ForRepeats: newFakeModel("b"), BlockSize: 10_000}
	want, _ := compress(t, content, o)
	unsettled := o
	unsettled.Part = PartOf(o, int64(len(content)), 2, 3)
	if _, err := NewWriter(new(bytes.Buffer), unsettled); !errors.Is(err, ErrOptions) {
		t.Errorf("a part that nobody has settled: %v", err)
	}
	o, err := o.Settle(bytes.NewReader(content), int64(len(content)))
	if err != nil || o.Model.Info().Name != "b" || o.ForRepeats != nil {
		t.Fatalf("settled on %s", o.Model.Info().Name)
	}
	var joined bytes.Buffer
	if _, err := Join(t.Context(), &joined, partFiles(makeParts(t, content, o, 3))); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(joined.Bytes(), want) {
		t.Error("joined, the parts are another archive")
	}
}
