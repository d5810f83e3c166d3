package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
)

// typed tells whether err is one of the classes of errors about archives.
func typed(err error) bool {
	for _, class := range []error{ErrNotArchive, ErrUnsupported, ErrCorrupt, ErrTruncated, ErrChecksum} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}

// smallArchives are archives of different make-up, with what they hold.
func smallArchives(t testing.TB) map[string][2][]byte {
	text := readFile(t, "canterbury_small.bin")[:700]
	archives := map[string][2][]byte{}
	for name, o := range map[string]Options{
		"mixed":  {Model: newFakeModel("a"), Meta: Meta{Name: "a.txt", Mode: 0o644}},
		"bare":   {Model: newFakeModel("a"), NoMix: true},
		"blocks": {Model: newFakeModel("a"), NoMix: true, BlockSize: 300},
		"tokens": {Model: newFakeTokenModel()},
		"raw":    {Model: newFakeTokenModel(), NoMix: true},
	} {
		ar, _ := compress(t, text, o)
		archives[name] = [2][]byte{ar, text}
	}
	random := randomBytes(500)
	ar, _ := compress(t, random, Options{NoModel: true})
	archives["stored"] = [2][]byte{ar, random}
	return archives
}

func TestTruncationIsAlwaysSeen(t *testing.T) {
	for name, a := range smallArchives(t) {
		for n := range a[0] {
			got, _, err := decompress(a[0][:n], ReadOptions{Models: resolver()})
			if !errors.Is(err, ErrTruncated) {
				t.Fatalf("%s: %d of %d bytes: %v, want %v", name, n, len(a[0]), err, ErrTruncated)
			}
			if !bytes.HasPrefix(a[1], got) {
				t.Fatalf("%s: %d of %d bytes: wrong content", name, n, len(a[0]))
			}
		}
	}
}

func TestEveryFlippedBitIsSeen(t *testing.T) {
	for name, a := range smallArchives(t) {
		for i := range 8 * len(a[0]) {
			p := bytes.Clone(a[0])
			p[i/8] ^= 1 << (i % 8)
			got, _, err := decompress(p, ReadOptions{Models: resolver()})
			if !typed(err) {
				t.Fatalf("%s: bit %d of byte %d flipped: error %v", name, i%8, i/8, err)
			}
			if !bytes.HasPrefix(a[1], got) {
				t.Fatalf("%s: bit %d of byte %d flipped: wrong content", name, i%8, i/8)
			}
		}
	}
}

func TestWrongModels(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")[:2000]
	ar, _ := compress(t, data, Options{Model: newFakeModel("a")})
	if _, _, err := decompress(ar, ReadOptions{Models: fakeResolver{newFakeModel("b")}}); !errors.Is(err, predict.ErrModelMissing) {
		t.Errorf("missing model: %v", err)
	}
	if _, _, err := decompress(ar, ReadOptions{}); !errors.Is(err, predict.ErrModelMissing) {
		t.Errorf("no resolver: %v", err)
	}
	// A resolver that brings something else.
	other := newFakeModel("a")
	other.info.Numerics = 2
	var mismatch *MismatchError
	if _, _, err := decompress(ar, ReadOptions{Models: fakeResolver{other}}); !errors.As(err, &mismatch) || mismatch.Want.Numerics != 1 || mismatch.Have.Numerics != 2 {
		t.Errorf("other numerics: %v", err)
	}
	if other.closed.Load() != 1 {
		t.Error("the refused model was not closed")
	}
	// The right name, but it computes something else.
	skewed := newFakeModel("a")
	skewed.skew = 5
	if _, _, err := decompress(ar, ReadOptions{Models: fakeResolver{skewed}}); !errors.Is(err, ErrChecksum) && !errors.Is(err, ErrCorrupt) {
		t.Errorf("other predictions: %v", err)
	}
	// Where the archive has a probe, that is noticed at once.
	ar, _ = compress(t, data, Options{Model: newFakeTokenModel()})
	tokens := newFakeTokenModel()
	tokens.skew = 1
	if _, _, err := decompress(ar, ReadOptions{Models: fakeResolver{tokens}}); !errors.As(err, &mismatch) || !mismatch.Probed || !errors.Is(err, predict.ErrMismatch) {
		t.Errorf("other predictions, with a probe: %v", err)
	}
	tokens = newFakeTokenModel()
	tokens.info.Runtime = map[string]string{"runtime": "fake v1", "variant": "zen4"}
	if _, _, err := decompress(ar, ReadOptions{Models: fakeResolver{tokens}}); !errors.As(err, &mismatch) || mismatch.Probed {
		t.Errorf("another runtime: %v", err)
	}
}

// TestWherePlaces: an error about a block says where its record starts, however it is read.
func TestWherePlaces(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")[:3000]
	one, _ := compress(t, data, Options{Model: newFakeModel("a"), BlockSize: 1000})
	two := slices.Concat(one, one)
	members, err := archive.List(bytes.NewReader(two), int64(len(two)))
	if err != nil {
		t.Fatal(err)
	}
	skewed := func() ReadOptions {
		m := newFakeModel("a")
		m.skew = 5
		return ReadOptions{Models: fakeResolver{m}}
	}
	check := func(how string, err error, block int) {
		t.Helper()
		var e *archive.Error
		at := members[block/3].Blocks[block%3].At
		if !errors.As(err, &e) || e.Block != block || e.Offset != at {
			t.Errorf("%s: %v, want block %d at offset %d", how, err, block, at)
		}
	}
	_, _, err = decompress(one, skewed())
	check("as a stream", err, 0)
	for i := range 6 {
		_, err = ReadRange(t.Context(), io.Discard, bytes.NewReader(two), int64(len(two)), int64(1000*i), int64(1000*i+1), skewed())
		check("a range", err, i)
	}
	o := skewed()
	o.Salvage = true
	_, res, err := decompress(two, o)
	if err == nil || len(res.Damaged) != 6 {
		t.Fatalf("%d damaged, %v", len(res.Damaged), err)
	}
	for i, d := range res.Damaged {
		check("salvaged", d.Err, i)
	}
}

// salvage returns what Decompress with Salvage restores.
func salvage(p []byte) ([]byte, Result, error) {
	return decompress(p, ReadOptions{Models: resolver(), Salvage: true})
}

func TestSalvage(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")
	o := Options{Model: newFakeModel("a"), NoMix: true, BlockSize: 1000}
	ar, _ := compress(t, data, o)
	members, err := archive.List(bytes.NewReader(ar), int64(len(ar)))
	if err != nil {
		t.Fatal(err)
	}
	m := members[0]
	if got, res, err := salvage(ar); err != nil || !bytes.Equal(got, data) || len(res.Damaged) != 0 {
		t.Errorf("intact archive: %v, %d damaged", err, len(res.Damaged))
	}
	cut := func(from, to int) []byte { return append(bytes.Clone(data[:from]), data[to:]...) }
	damage := func(at int64, n int) []byte {
		p := bytes.Clone(ar)
		for i := range n {
			p[int(at)+i] ^= 0x5a
		}
		return p
	}
	tests := map[string]struct {
		archive []byte
		want    []byte
		damaged []Damage
	}{
		"a payload":             {damage(m.Blocks[3].Payload+5, 3), cut(3000, 4000), []Damage{{Offset: 3000, Length: 1000}}},
		"a block's header":      {damage(m.Blocks[3].At+1, 2), cut(3000, 4000), []Damage{{Offset: 3000, Length: 1000}}},
		"two blocks":            {damage(m.Blocks[4].At+10, int(m.Blocks[4].RecordSize)), cut(4000, 6000), []Damage{{Offset: 4000, Length: 2000}}},
		"the first block":       {damage(m.Blocks[0].At, 10), cut(0, 1000), []Damage{{Offset: 0, Length: 1000}}},
		"the last block":        {damage(m.Blocks[10].At, 10), cut(10_000, len(data)), []Damage{{Offset: 10_000, Length: int64(len(data) - 10_000)}}},
		"the header":            {damage(0, 20), data, nil},
		"the header and blocks": {damage(3, int(m.Blocks[1].At)), cut(0, 2000), []Damage{{Offset: 0, Length: 2000}}},
		"the index":             {damage(m.Size-20, 5), data, []Damage{{Offset: int64(len(data)), Length: -1}}},
		"cut off":               {ar[:m.Blocks[5].Payload+3], data[:5000], []Damage{{Offset: 5000, Length: -1}}},
		"bytes removed":         {append(bytes.Clone(ar[:m.Blocks[2].Payload]), ar[m.Blocks[2].Payload+7:]...), cut(2000, 3000), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, res, err := salvage(test.archive)
			if !bytes.Equal(got, test.want) {
				t.Errorf("%d bytes restored, want %d (%v)", len(got), len(test.want), err)
			}
			if name == "the header" {
				if err != nil {
					t.Errorf("nothing is lost, but: %v", err)
				}
				return
			}
			var de *DamageError
			if !errors.As(err, &de) || !typed(err) || len(res.Damaged) == 0 {
				t.Fatalf("error %v, damage %v", err, res.Damaged)
			}
			for i, want := range test.damaged {
				if i >= len(res.Damaged) || res.Damaged[i].Offset != want.Offset || res.Damaged[i].Length != want.Length {
					t.Errorf("damage %v, want %v", res.Damaged, test.damaged)
					break
				}
			}
		})
	}
	// From something that cannot seek.
	var out bytes.Buffer
	if _, err := Decompress(context.Background(), &out, io.MultiReader(bytes.NewReader(tests["a payload"].archive)), ReadOptions{Models: resolver(), Salvage: true}); err == nil || !bytes.Equal(out.Bytes(), cut(3000, 4000)) {
		t.Errorf("from a pipe: %d bytes, %v", out.Len(), err)
	}
	if _, _, err := salvage([]byte("this is no archive, whatever you do")); !errors.Is(err, ErrNotArchive) {
		t.Errorf("no archive: %v", err)
	}
}

// TestSalvageIgnoresNestedArchives damages a stored block that holds an archive
// itself.
func TestSalvageIgnoresNestedArchives(t *testing.T) {
	inner, _ := compress(t, readFile(t, "canterbury_small.bin"), Options{Model: newFakeModel("a"), NoMix: true, BlockSize: 1000})
	content := append(randomBytes(3000), inner...)
	ar, res := compress(t, content, Options{Model: newFakeModel("b"), NoMix: true, BlockSize: len(content) / 2})
	if res.StoredBlocks == 0 {
		t.Fatal("no block is stored")
	}
	members, _ := archive.List(bytes.NewReader(ar), int64(len(ar)))
	b := members[0].Blocks[0]
	ar[b.At+1] ^= 0xff // its header, so that what it holds is searched
	got, _, err := salvage(ar)
	if err == nil || !bytes.Equal(got, content[b.Length:]) {
		t.Errorf("%d bytes, want %d: %v", len(got), len(content)-b.Length, err)
	}
}

func TestSalvageConcatenation(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")
	a, _ := compress(t, data, Options{Model: newFakeModel("a"), NoMix: true, BlockSize: 4000})
	b, _ := compress(t, data, Options{NoModel: true})
	ar := append(bytes.Clone(a), b...)
	for i := range 40 {
		ar[len(a)-20+i] ^= 0x11 // the first one's index and the second one's header
	}
	got, res, err := salvage(ar)
	if err == nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, want the %d of the first member: %v", len(got), len(data), err)
	}
	if len(res.Damaged) == 0 || res.Damaged[len(res.Damaged)-1].Length != -1 {
		t.Errorf("damage: %v", res.Damaged)
	}
}

func FuzzDecompress(f *testing.F) {
	for _, a := range smallArchives(f) {
		f.Add(a[0], false)
		f.Add(a[0][:len(a[0])/2], true)
	}
	r := resolver()
	f.Fuzz(func(t *testing.T, p []byte, salvage bool) {
		if members, err := archive.List(bytes.NewReader(p), int64(len(p))); err == nil {
			for i := range members {
				if members[i].Length() > 1<<16 {
					t.Skip("slow")
				}
			}
		} else if len(members) == 0 && !salvage && !typed(err) {
			t.Fatalf("error without a class: %v", err)
		}
		ctx := &limitedWriter{left: 1 << 20}
		_, err := Decompress(context.Background(), ctx, bytes.NewReader(p), ReadOptions{Models: r, Salvage: salvage, Threads: 1, MemoryLimit: 64 << 20})
		if err != nil && !typed(err) && !errors.Is(err, predict.ErrModelMissing) && !errors.Is(err, predict.ErrMismatch) && !errors.Is(err, ErrMemory) && !errors.Is(err, errFull) {
			t.Fatalf("error without a class: %v", err)
		}
	})
}

var errFull = errors.New("full")

type limitedWriter struct{ left int }

func (w *limitedWriter) Write(p []byte) (int, error) {
	if len(p) > w.left {
		return 0, errFull
	}
	w.left -= len(p)
	return len(p), nil
}

func TestErrorsSayWhere(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")
	ar, _ := compress(t, data, Options{Model: newFakeModel("a"), NoMix: true, BlockSize: 1000})
	members, _ := archive.List(bytes.NewReader(ar), int64(len(ar)))
	b := members[0].Blocks[7]
	ar[b.Payload+3] ^= 1
	_, _, err := decompress(ar, ReadOptions{Models: resolver()})
	var e *archive.Error
	if !errors.As(err, &e) || e.Block != 7 || e.Offset != b.At || e.Class != ErrChecksum {
		t.Errorf("error %+v, want block 7 at %d", err, b.At)
	}
	if want := fmt.Sprintf("block 7 at offset %d: checksum mismatch: the coded data is damaged", b.At); err.Error() != want {
		t.Errorf("message %q, want %q", err, want)
	}
}
