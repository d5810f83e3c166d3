package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/llmz/llmz/engine/archive"
)

// TestOnlyNeeds checks what the headers of archives of one block or none name.
func TestOnlyNeeds(t *testing.T) {
	text := readFile(t, "canterbury_small.bin")[:3000]
	model := newFakeModel("a")
	for name, test := range map[string]struct {
		content      []byte
		o            Options
		model, mixer bool
		most         int // bytes of the archive, 0 for any number
	}{
		"nothing":          {nil, Options{Model: model}, false, false, 19},
		"one byte":         {[]byte("x"), Options{Model: model}, false, false, 25},
		"random":           {randomBytes(5000), Options{Model: model}, false, false, 5026},
		"random, bare":     {randomBytes(5000), Options{Model: model, NoMix: true}, false, false, 5026},
		"zeros":            {make([]byte, 9000), Options{Model: model}, false, true, 60},
		"digits":           {randomDigits(50_000), Options{Model: newFakeModel("a")}, false, true, 0},
		"letters":          {randomLetters(5000), Options{Model: model}, false, true, 0},
		"zeros, bare":      {make([]byte, 9000), Options{Model: model, NoMix: true}, true, false, 0},
		"zeros, no model":  {make([]byte, 9000), Options{NoModel: true}, false, true, 60},
		"text":             {text[:2000], Options{Model: model}, true, true, 0},
		"text, bare":       {text, Options{Model: model, NoMix: true}, true, false, 0},
		"text, no model":   {text, Options{NoModel: true}, false, true, 0},
		"text, two blocks": {text, Options{Model: model, BlockSize: 2000}, true, true, 0},
		"text, full block": {text, Options{Model: model, BlockSize: 3000}, true, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ar, res := compress(t, test.content, test.o)
			if test.most > 0 && len(ar) > test.most {
				t.Errorf("%d bytes, at most %d are wanted", len(ar), test.most)
			}
			members, err := archive.List(bytes.NewReader(ar), int64(len(ar)))
			if err != nil {
				t.Fatal(err)
			}
			h := members[0].Header
			if (h.Model != nil) != test.model || (h.Mixer != 0) != test.mixer {
				t.Errorf("model %v and mixer %d", h.Model, h.Mixer)
			}
			o := ReadOptions{}
			if test.model {
				o.Models = resolver()
			}
			got, back, err := decompress(ar, o)
			if err != nil || !bytes.Equal(got, test.content) {
				t.Errorf("%d bytes came back, %v", len(got), err)
			}
			if res.CompressedBytes != int64(len(ar)) || back.CompressedBytes != int64(len(ar)) || res.OriginalBytes != int64(len(test.content)) {
				t.Errorf("results %+v and %+v", res, back)
			}
		})
	}
}

// randomDigits returns n decimal digits.
func randomDigits(n int) []byte {
	p := randomBytes(n)
	for i := range p {
		p[i] = p[i]%10 + '0'
	}
	return p
}

// randomLetters returns n bytes of which nothing but the alphabet can be learned.
func randomLetters(n int) []byte {
	p := randomBytes(n)
	for i := range p {
		p[i] = p[i]&63 + 32
	}
	return p
}

// resumeFile is a file that holds content.
func resumeFile(t *testing.T, content []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.part")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestResumeOnly resumes archives of one block or none, whole or cut off, with
// the input as it was and grown.
func TestResumeOnly(t *testing.T) {
	o := Options{Model: newFakeModel("a"), Meta: Meta{Name: "x", Mode: 0o600}}
	for name, content := range map[string][]byte{
		"text": readFile(t, "canterbury_small.bin")[:600], "random": randomBytes(300), "zeros": make([]byte, 3000), "nothing": {},
	} {
		full, _ := compress(t, content, o)
		grown := append(bytes.Clone(content), "and so on, and so on, and so on"...)
		fullGrown, _ := compress(t, grown, o)
		for _, cut := range []int{5, 20, len(full) - 2, len(full)} {
			for _, test := range []struct{ input, want []byte }{{content, full}, {grown, fullGrown}} {
				f := resumeFile(t, full[:cut])
				res, err := Resume(context.Background(), f, bytes.NewReader(test.input), o)
				if err != nil {
					t.Fatalf("%s, after %d of %d bytes: %v", name, cut, len(full), err)
				}
				got, _ := os.ReadFile(f.Name())
				if !bytes.Equal(got, test.want) {
					t.Errorf("%s, after %d of %d bytes: the archive differs from an uninterrupted one", name, cut, len(full))
				}
				if res.OriginalBytes != int64(len(test.input)) || res.CompressedBytes != int64(len(test.want)) || res.Blocks != min(len(test.input), 1) {
					t.Errorf("%s, after %d of %d bytes: result %+v", name, cut, len(full), res)
				}
			}
		}
		// Shorter than before, or another one.
		if len(content) > 0 {
			other := bytes.Clone(content)
			other[len(other)/2]++
			for _, input := range [][]byte{content[:len(content)-1], other} {
				f := resumeFile(t, full)
				if _, err := Resume(context.Background(), f, bytes.NewReader(input), o); !errors.Is(err, ErrNotResumable) {
					t.Errorf("%s: another input: %v", name, err)
				}
				if got, _ := os.ReadFile(f.Name()); !bytes.Equal(got, full) {
					t.Errorf("%s: the refused file has changed", name)
				}
			}
		}
	}
	// Blocks smaller than the one there: the block is cut up where the input has grown.
	content := readFile(t, "canterbury_small.bin")[:3000]
	full, _ := compress(t, content, o)
	o.BlockSize = 1000
	grown := append(bytes.Clone(content), 'x')
	want, _ := compress(t, grown, o)
	f := resumeFile(t, full)
	if _, err := Resume(context.Background(), f, bytes.NewReader(grown), o); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(f.Name()); !bytes.Equal(got, want) {
		t.Error("smaller blocks: the archive differs from an uninterrupted one")
	}
}

// TestSalvageOnly checks that damage in an archive's only block is told exactly, and
// does not hide what follows.
func TestSalvageOnly(t *testing.T) {
	text := readFile(t, "canterbury_small.bin")
	one, _ := compress(t, text[:3000], Options{Model: newFakeModel("a")})
	two, _ := compress(t, text[:5000], Options{Model: newFakeModel("a"), NoMix: true})
	ar := append(bytes.Clone(one), two...)
	for _, at := range []int{len(one) / 2, len(one) - 1} {
		p := bytes.Clone(ar)
		p[at] ^= 1
		got, res, err := salvage(p)
		if err == nil || !bytes.Equal(got, text[:5000]) {
			t.Errorf("byte %d damaged: %d bytes, %v", at, len(got), err)
		}
		if len(res.Damaged) != 1 || res.Damaged[0].Offset != 0 || res.Damaged[0].Length != 3000 {
			t.Errorf("byte %d damaged: %v", at, res.Damaged)
		}
	}
	for n := range one {
		if _, res, err := salvage(one[:n]); err == nil || len(res.Damaged) == 0 && n > 50 {
			t.Errorf("%d of %d bytes: %v, %v", n, len(one), res.Damaged, err)
		}
	}
}

// TestHopeless: a model is not asked about blocks that look random and are, but about those that
// only look so.
func TestHopeless(t *testing.T) {
	asked := errors.New("the model was asked")
	m := newFakeModel("a")
	m.fail = asked
	twice := randomBytes(20_000)
	for name, c := range map[string]struct {
		content []byte
		want    error
	}{
		"random":       {randomBytes(50_000), nil},
		"a short one":  {randomBytes(5000), asked},
		"twice":        {append(bytes.Clone(twice), twice...), asked},
		"text":         {alice(t, 20_000), asked},
		"blocks of it": {randomBytes(150_000), nil},
	} {
		started := 0
		o := Options{Model: m, BlockSize: 60_000, Threads: 1, Observer: func(e Event) {
			if s, ok := e.(Started); ok && s.Model.Name == "a" {
				started++
			}
		}}
		var made bytes.Buffer
		_, err := Compress(t.Context(), &made, bytes.NewReader(c.content), o)
		if !errors.Is(err, c.want) || c.want == nil && (err != nil || started != 1) {
			t.Errorf("%s: %v, started %d times", name, err, started)
			continue
		}
		if c.want != nil {
			continue
		}
		if got, _, err := decompress(made.Bytes(), ReadOptions{Models: resolver()}); err != nil || !bytes.Equal(got, c.content) {
			t.Errorf("%s: %d bytes came back, %v", name, len(got), err)
		}
	}
}

// TestLittle: whatever a model and a richer mixer make of a little content, naming them never
// makes an archive larger than that of the fast mixer alone; and it can be resumed.
func TestLittle(t *testing.T) {
	text := alice(t, 3000)
	tokens := newFakeTokenModel()
	tokens.info.Bundled = true
	records := make([]byte, 3000)
	for i := range records {
		records[i] = byte(i % 12 * (i / 12 % 5))
	}
	for kind, all := range map[string][]byte{"text": text, "records": records, "random": randomBytes(3000), "zeros": make([]byte, 3000)} {
		for _, n := range []int{1, 2, 6, 15, 40, 99, 250, 700} {
			content := all[len(all)-n:]
			alone, _ := compress(t, content, Options{NoModel: true})
			for name, o := range map[string]Options{
				"model":           {Model: newFakeModel("a")},
				"tokens":          {Model: tokens},
				"rich":            {NoModel: true, Rich: true},
				"model and rich":  {Model: newFakeModel("a"), Rich: true},
				"tokens and rich": {Model: tokens, Rich: true},
			} {
				t.Run(fmt.Sprintf("%s/%d/%s", kind, n, name), func(t *testing.T) {
					made, _ := compress(t, content, o)
					if len(made) > len(alone) && 200*len(made) > 201*len(alone) {
						t.Errorf("%d bytes, %d alone", len(made), len(alone))
					}
					got, _, err := decompress(made, ReadOptions{Models: resolver()})
					if err != nil || !bytes.Equal(got, content) {
						t.Fatalf("%d bytes came back, %v", len(got), err)
					}
					f := resumeFile(t, made)
					if _, err := Resume(t.Context(), f, bytes.NewReader(content), o); err != nil {
						t.Fatal(err)
					}
					if again, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(again, made) {
						t.Errorf("resumed, it has %d bytes, not %d: %v", len(again), len(made), err)
					}
				})
			}
		}
	}
}
