package engine

import (
	"bytes"
	"context"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
)

// reader is a model that has read testdata/alice29.txt: it knows what follows eight bytes of it.
type reader struct{ *fakeModel }

func newReader() *reader { return &reader{newFakeModel("reader")} }

var readNext = sync.OnceValue(func() map[uint64]byte {
	text, err := os.ReadFile("../testdata/alice29.txt")
	if err != nil {
		panic(err)
	}
	next := make(map[uint64]byte)
	var eight uint64
	for _, b := range text {
		next[eight] = b
		eight = eight<<8 | uint64(b)
	}
	return next
})

func (r *reader) NewSession(_ context.Context, o predict.SessionOptions) (predict.Session, error) {
	return &reading{next: readNext(), lanes: make([]uint64, o.Lanes)}, nil
}

// reading keeps the last eight bytes of each lane.
type reading struct {
	next  map[uint64]byte
	lanes []uint64
	freqs [256]uint32
}

func (s *reading) Step(prev []int32) error {
	for i, b := range prev {
		if b != predict.Start {
			s.lanes[i] = s.lanes[i]<<8 | uint64(b)
		}
	}
	return nil
}

func (s *reading) Freqs(lane int) ([]uint32, uint32) {
	for i := range s.freqs {
		s.freqs[i] = 8
	}
	if b, ok := s.next[s.lanes[lane]]; ok {
		s.freqs[b] += 6144
		return s.freqs[:], 6144 + 8*256
	}
	return s.freqs[:], 8 * 256
}

func (s *reading) StageTimes() (infer, update int64) { return 0, 0 }

func (s *reading) Close() error { return nil }

// nibbles returns n bytes that are no text, in which a model finds nothing.
func nibbles(n int) []byte {
	p := randomBytes(n)
	for i := range p {
		p[i] &= 15
	}
	return p
}

// severalKinds is text, something else, and text again.
func severalKinds(t *testing.T) []byte {
	text := readFile(t, "alice29.txt")
	return slices.Concat(text[:20_000], nibbles(9000), text[20_000:30_000])
}

// TestKinds compresses texts that lie between other content: the model is asked in all of them, and
// not left out of the archive for the sake of the rest.
func TestKinds(t *testing.T) {
	text := readFile(t, "alice29.txt")
	for name, c := range map[string]struct {
		content []byte
		texts   [][2]int
	}{
		"text first":  {slices.Concat(text[:20_000], nibbles(50_000)), [][2]int{{0, 20_000}}},
		"text last":   {slices.Concat(nibbles(50_000), text[:20_000]), [][2]int{{50_000, 70_000}}},
		"in between":  {slices.Concat(nibbles(30_000), text[:20_000], nibbles(30_000)), [][2]int{{30_000, 50_000}}},
		"two texts":   {slices.Concat(text[:20_000], nibbles(30_000), text[20_000:37_000]), [][2]int{{0, 20_000}, {50_000, 67_000}}},
		"short texts": {slices.Concat(text[:9000], nibbles(10_000), text[9000:18_000], nibbles(5000)), [][2]int{{0, 9000}, {19_000, 28_000}}},
	} {
		t.Run(name, func(t *testing.T) {
			made, _ := compress(t, c.content, Options{Model: newReader(), Rich: true, Lanes: 4})
			x, err := InspectArchive(context.Background(), bytes.NewReader(made), int64(len(made)), 0, -1, ReadOptions{Models: resolver()})
			if err != nil || !bytes.Equal(x.Content, c.content) {
				t.Fatalf("%d bytes, want %d: %v", len(x.Content), len(c.content), err)
			}
			asked := func(from, to int) (n int) {
				for _, s := range x.Symbols[from:to] {
					if s.Rank > 0 {
						n++
					}
				}
				return n
			}
			in := 0
			for _, r := range c.texts {
				n := asked(r[0], r[1])
				if in += n; n < (r[1]-r[0])*9/10 {
					t.Errorf("the model was asked for %d bytes of the text at %d", n, r[0])
				}
			}
			if out := asked(0, len(c.content)) - in; out > 10_000 {
				t.Errorf("and for %d of what is no text", out)
			}
		})
	}
}

// TestKindsTextFirst: that a model is left does not make it useless where it was of use before.
func TestKindsTextFirst(t *testing.T) {
	content := slices.Concat(readFile(t, "alice29.txt")[:20_000], nibbles(50_000))
	for _, rich := range []bool{false, true} {
		made, _ := compress(t, content, Options{Model: newReader(), Rich: rich, Lanes: 4})
		alone, _ := compress(t, content, Options{NoModel: true, Rich: rich})
		members, err := archive.List(bytes.NewReader(made), int64(len(made)))
		if err != nil {
			t.Fatal(err)
		}
		if members[0].Header.Model == nil || len(made)+1000 > len(alone) {
			t.Errorf("rich %v: %d bytes, %d without a model, header %+v", rich, len(made), len(alone), members[0].Header)
		}
	}
}

// TestKindsRead reads ranges of blocks of several kinds, and what is left of damaged ones.
func TestKindsRead(t *testing.T) {
	content := severalKinds(t)
	size := len(content)/2 + 1000
	made, _ := compress(t, content, Options{Model: newReader(), Rich: true, Lanes: 4, BlockSize: size, Threads: 3})
	for _, r := range [][2]int{{0, 10}, {19_000, 28_000}, {size - 5, size + 5}, {len(content) - 3, len(content)}} {
		var out bytes.Buffer
		_, err := ReadRange(context.Background(), &out, bytes.NewReader(made), int64(len(made)), int64(r[0]), int64(r[1]), ReadOptions{Models: resolver(), Threads: 2})
		if err != nil || !bytes.Equal(out.Bytes(), content[r[0]:r[1]]) {
			t.Errorf("%d: %d bytes: %v", r, out.Len(), err)
		}
	}
	bad := bytes.Clone(made)
	bad[len(bad)/4] ^= 1
	got, res, _ := decompress(bad, ReadOptions{Models: resolver(), Salvage: true})
	if len(res.Damaged) != 1 || !bytes.Equal(got, content[size:]) {
		t.Errorf("%d bytes salvaged, %+v", len(got), res.Damaged)
	}
	if again, _ := compress(t, content, Options{Model: newReader(), Rich: true, Lanes: 4, BlockSize: size, Threads: 1}); !bytes.Equal(made, again) {
		t.Error("another archive with another number of threads")
	}
}

// TestKindsRandom: what looks random, with little else in it, is stored as soon as the model is left.
func TestKindsRandom(t *testing.T) {
	content := randomBytes(200_000)
	clear(content[:40])
	for at := 6000; at < len(content); at += 12_500 {
		copy(content[at:at+60], content[at-1000:])
	}
	for _, lanes := range []int{2, 4, 8} {
		if _, res := compress(t, content, Options{Model: newReader(), Rich: true, Lanes: lanes}); res.StoredBlocks != 1 {
			t.Errorf("%d lanes: %d bytes became %d", lanes, len(content), res.CompressedBytes)
		}
	}
}
