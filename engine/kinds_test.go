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

// TestKindsTextFirst: that a model is left does not make it useless where it was of use before.
func TestKindsTextFirst(t *testing.T) {
	content := slices.Concat(readFile(t, "alice29.txt")[:20_000], nibbles(50_000))
	for _, rich := range []bool{false} {
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
