package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/archive"
)

// makeParts compresses content in parts.
func makeParts(t *testing.T, content []byte, o Options, of int) [][]byte {
	t.Helper()
	var parts [][]byte
	for n := 1; n <= of; n++ {
		o.Part = PartOf(o, int64(len(content)), n, of)
		from, to := o.Part.Range()
		ar, res := compress(t, content[from:to], o)
		if res.OriginalBytes != to-from || res.CompressedBytes != int64(len(ar)) {
			t.Errorf("part %d of %d: %d bytes of %d, %d of %d", n, of, res.OriginalBytes, to-from, res.CompressedBytes, len(ar))
		}
		parts = append(parts, ar)
	}
	return parts
}

func partFiles(parts [][]byte) []PartFile {
	var files []PartFile
	for i, p := range parts {
		files = append(files, PartFile{Name: fmt.Sprint("part ", i+1), Open: func(context.Context) (io.ReaderAt, int64, func() error, error) {
			return bytes.NewReader(p), int64(len(p)), func() error { return nil }, nil
		}})
	}
	return files
}

// TestJoin: parts joined in any order are the archive made at once, byte by byte; one after
// the other, they decode to the same content.
func TestJoin(t *testing.T) {
	text := readFile(t, "canterbury_small.bin")
	mixed := slices.Concat(text[:1500], randomBytes(1000), make([]byte, 1700), text[:800])
	meta := Meta{Name: "joined.txt", Time: time.Unix(1700000000, 5), Mode: 0o600}
	for name, o := range map[string]Options{
		"mixed":  {Model: newFakeModel("a"), Meta: meta},
		"bare":   {Model: newFakeModel("a"), NoMix: true, Lanes: 3},
		"mixer":  {NoModel: true, Meta: meta},
		"tokens": {Model: newFakeTokenModel(), Meta: meta},
		"rich":   {Model: newFakeModel("a"), Rich: true, Meta: meta},
	} {
		for what, content := range map[string][]byte{"nothing": nil, "a byte": {'x'}, "less than a block": mixed[:999], "zeros": make([]byte, 900), "random": randomBytes(500),
			"a block": mixed[:1000], "two": mixed[:1001], "five": mixed} {
			t.Run(name+"/"+what, func(t *testing.T) {
				o.BlockSize = 1000
				want, res := compress(t, content, o)
				for _, of := range []int{1, 2, 3, 7} {
					parts := makeParts(t, content, o, of)
					files := partFiles(parts)
					slices.Reverse(files)
					var got bytes.Buffer
					joined, err := Join(t.Context(), &got, files)
					if err != nil {
						t.Fatalf("%d parts: %v", of, err)
					}
					if !bytes.Equal(got.Bytes(), want) {
						t.Errorf("%d parts: %d bytes, not the %d of one run", of, got.Len(), len(want))
					}
					if joined.OriginalBytes != int64(len(content)) || joined.CompressedBytes != int64(len(want)) || joined.Blocks != res.Blocks || joined.StoredBlocks != res.StoredBlocks || joined.NeedsModel != res.NeedsModel {
						t.Errorf("%d parts: %+v", of, joined)
					}
					back, _, err := decompress(slices.Concat(parts...), ReadOptions{Models: resolver()})
					if err != nil || !bytes.Equal(back, content) {
						t.Errorf("%d parts, concatenated: %d bytes, %v", of, len(back), err)
					}
					var decoded []byte
					for n := 1; n <= of; n++ {
						from, to, err := PartRange(t.Context(), bytes.NewReader(want), int64(len(want)), n, of)
						if err != nil {
							t.Fatal(err)
						}
						var part bytes.Buffer
						if _, err := ReadRange(t.Context(), &part, bytes.NewReader(want), int64(len(want)), from, to, ReadOptions{Models: resolver()}); err != nil {
							t.Fatal(err)
						}
						decoded = append(decoded, part.Bytes()...)
					}
					if !bytes.Equal(decoded, content) {
						t.Errorf("decoded in %d parts: %d bytes", of, len(decoded))
					}
				}
			})
		}
	}
}

// TestJoinRefuses: what does not fit together is named.
func TestJoinRefuses(t *testing.T) {
	content := readFile(t, "canterbury_small.bin")[:5500]
	o := Options{Model: newFakeModel("a"), BlockSize: 1000, Meta: Meta{Name: "a.txt", Time: time.Unix(1700000000, 0), Mode: 0o600}}
	good := makeParts(t, content, o, 4)
	other := func(change func(*Options)) []byte {
		o := o
		change(&o)
		return makeParts(t, content, o, 4)[2]
	}
	damaged := func(at int) []byte {
		p := bytes.Clone(good[2])
		p[at] ^= 1
		return p
	}
	whole, _ := compress(t, content, o)
	with := func(third ...[]byte) [][]byte { return slices.Concat(good[:2], third, good[3:]) }
	for name, c := range map[string]struct {
		parts [][]byte
		want  string
		class error
	}{
		"none":               {nil, "no parts", ErrOptions},
		"one missing":        {with(), "part 3 is missing, of 4", ErrParts},
		"two missing":        {good[1:3], "parts 1, 4 are missing, of 4", ErrParts},
		"twice":              {with(good[2], good[2]), "part 4: parts do not fit together: part 3 is there twice, in part 3, too", ErrParts},
		"no part":            {with(whole), "part 3: parts do not fit together: it is no part", ErrParts},
		"two in a file":      {with(slices.Concat(good[2], good[2])), "part 3: parts do not fit together: it holds several archives", ErrParts},
		"no archive":         {with([]byte("hello, this is text")), "part 3: ", ErrNotArchive},
		"another model":      {with(other(func(o *Options) { o.Model = newFakeModel("b") })), "part 3: parts do not fit together: it was made with the model b", ErrParts},
		"no model":           {with(other(func(o *Options) { o.NoModel = true })), "part 3: parts do not fit together: it was made with the model none", ErrParts},
		"not mixed":          {with(other(func(o *Options) { o.NoMix = true })), "part 3: parts do not fit together: it was made with mixing version 0", ErrParts},
		"other blocks":       {with(other(func(o *Options) { o.BlockSize = 700 })), "part 3: parts do not fit together: it has blocks of 700 bytes, not of 1000", ErrParts},
		"other lanes":        {with(other(func(o *Options) { o.Lanes = 2 })), "part 3: parts do not fit together: it was made with another number of lanes", ErrParts},
		"another name":       {with(other(func(o *Options) { o.Meta.Name = "b.txt" })), `part 3: parts do not fit together: it is a part of "b.txt", not of "a.txt"`, ErrParts},
		"another time":       {with(other(func(o *Options) { o.Meta.Time = time.Unix(1, 0) })), "part 3: parts do not fit together: it is a part of a file of another time", ErrParts},
		"another mode":       {with(other(func(o *Options) { o.Meta.Mode = 0o644 })), "part 3: parts do not fit together: it is a part of a file of another mode", ErrParts},
		"another size":       {with(makeParts(t, content[:5400], o, 4)[2]), "part 3: parts do not fit together: it is a part of 5400 bytes, not of 5500", ErrParts},
		"of another number":  {with(makeParts(t, content, o, 5)[2]), "part 3: parts do not fit together: it is one of 5 parts, not of 4", ErrParts},
		"damaged data":       {with(damaged(len(good[2]) / 2)), "part 3: ", ErrChecksum},
		"damaged header":     {with(damaged(12)), "part 3: ", ErrChecksum},
		"damaged digests":    {with(damaged(len(good[2]) - 20)), "part 3: ", ErrChecksum},
		"cut off":            {with(good[2][:len(good[2])-30]), "part 3: ", ErrTruncated},
		"not all of a range": {with(shortPart(t, content, o)), "part 3: ", ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			_, err := Join(t.Context(), &out, partFiles(c.parts))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) && !strings.Contains(err.Error(), c.want) || !errors.Is(err, c.class) {
				t.Errorf("%v", err)
			}
			if out.Len() > 0 && !strings.HasPrefix(name, "damaged data") {
				t.Errorf("%d bytes were written", out.Len())
			}
		})
	}
}

// shortPart makes part 3 of 4 from the wrong bytes.
func shortPart(t *testing.T, content []byte, o Options) []byte {
	o.Part = PartOf(o, int64(len(content)), 3, 4)
	var out bytes.Buffer
	h := o.header()
	w, err := archive.NewWriter(&out, h)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(archive.NewSummer(h).Sum()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPartOfWrongLength: a part is all of its range.
func TestPartOfWrongLength(t *testing.T) {
	o := Options{NoModel: true, BlockSize: 1000}
	o.Part = PartOf(o, 5000, 2, 3)
	if _, err := Compress(t.Context(), io.Discard, bytes.NewReader(make([]byte, 1500)), o); !errors.Is(err, ErrOptions) {
		t.Errorf("%v", err)
	}
	o.BlockSize = 2000
	if _, err := NewWriter(io.Discard, o); !errors.Is(err, ErrOptions) {
		t.Errorf("other blocks: %v", err)
	}
}

// TestPartsCoverTheContent: ranges follow one another and hold whole blocks.
func TestPartsCoverTheContent(t *testing.T) {
	for _, size := range []int64{0, 1, 999, 1000, 1001, 123_456, 1 << 40} {
		for _, of := range []int{1, 2, 3, 16, 1000} {
			at, least, most := int64(0), int64(1<<62), int64(0)
			for n := 1; n <= of; n++ {
				p := PartOf(Options{NoModel: true, BlockSize: 1000}, size, n, of)
				from, to := p.Range()
				if from != at || to < from || from%1000 != 0 && from != size || to%1000 != 0 && to != size {
					t.Fatalf("%d bytes, part %d of %d: %d to %d, after %d", size, n, of, from, to, at)
				}
				at = to
				least, most = min(least, (to-from+999)/1000), max(most, (to-from+999)/1000)
			}
			if at != size || most > least+1 {
				t.Errorf("%d bytes in %d parts: they end at %d and have %d to %d blocks", size, of, at, least, most)
			}
		}
	}
}

// TestDamagedPartsAreSalvaged: what is intact of a part comes back, as of other archives.
func TestDamagedPartsAreSalvaged(t *testing.T) {
	content := readFile(t, "canterbury_small.bin")[:5500]
	o := Options{Model: newFakeModel("a"), BlockSize: 1000}
	step := 7
	if testing.Short() {
		step = 41
	}
	for n, part := range makeParts(t, content, o, 4) {
		from, to := PartOf(o, int64(len(content)), n+1, 4).Range()
		for at := n; at < len(part); at += step {
			p := bytes.Clone(part)
			p[at] ^= 1
			var out bytes.Buffer
			res, err := Salvage(t.Context(), &out, bytes.NewReader(p), int64(len(p)), ReadOptions{Models: resolver()})
			lost := int64(0)
			for _, d := range res.Damaged {
				lost += max(d.Length, 0)
			}
			if out.Len() == 0 && to-from <= 1000 {
				continue // its only block
			}
			if err == nil && !bytes.Equal(out.Bytes(), content[from:to]) || lost > 1000 || to-from-int64(out.Len()) > 1000 {
				t.Fatalf("part %d, byte %d: %d bytes of %d, %d lost, %v", n+1, at, out.Len(), to-from, lost, err)
			}
		}
	}
}
