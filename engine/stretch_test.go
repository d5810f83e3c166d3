package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"
)

// TestStretchPlan checks that stretches cover a block, and how they follow one another.
func TestStretchPlan(t *testing.T) {
	const saves, useless = 900, 1000
	for _, c := range []struct {
		name  string
		left  int
		mixed func(i int) uint64
		want  []int // lengths, negative without the model
	}{
		{"short", 100, func(int) uint64 { return saves }, []int{100}},
		{"rest joins", 2*firstLane + 2*firstLane - 1, func(int) uint64 { return saves }, []int{4*firstLane - 1}},
		{"grow", 100 << 10, func(int) uint64 { return saves }, []int{4 << 10, 8 << 10, 16 << 10, 32 << 10, 40 << 10}},
		{"useless", 2 << 20, func(int) uint64 { return useless }, []int{4 << 10, -512 << 10, 4 << 10, -1 << 20, 4 << 10, -512<<10 + 12<<10}},
		{"comes back", 1 << 20, func(i int) uint64 { return []uint64{useless, 0, saves, saves, useless, 0, saves}[min(i, 6)] },
			[]int{4 << 10, -512 << 10, 4 << 10, 8 << 10, 16 << 10, -480 << 10}},
	} {
		p := stretchPlan{lanes: 2, left: c.left}
		var got []int
		sum := 0
		for i := 0; p.left > 0; i++ {
			mixed := uint64(0)
			if i > 0 {
				mixed = c.mixed(i - 1)
			}
			n, on := p.next(mixed, 1000)
			sum += n
			if !on {
				n = -n
			}
			got = append(got, n)
		}
		if !slices.Equal(got, c.want) || sum != c.left {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestEarlyOutput checks that the first bytes of a large block come before its end is
// decoded, in one lane and in several, and that the work ends when nobody reads on.
func TestEarlyOutput(t *testing.T) {
	content := stretchyContent(goldenContent(t))
	for name, o := range map[string]Options{
		"one lane":  {NoModel: true},
		"stretches": {Model: newFakeModel("a"), Lanes: 2},
	} {
		t.Run(name, func(t *testing.T) {
			made, _ := compress(t, content, o)
			var last Progress
			z, err := NewReader(bytes.NewReader(made), ReadOptions{Models: resolver(), ProgressInterval: time.Nanosecond,
				Observer: func(e Event) {
					if p, ok := e.(Progress); ok {
						last = p
					}
				}})
			if err != nil {
				t.Fatal(err)
			}
			first := make([]byte, 1000)
			if _, err := io.ReadFull(z, first); err != nil || !bytes.Equal(first, content[:1000]) {
				t.Fatalf("the first bytes differ: %v", err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			if last.Bytes >= int64(len(content)) {
				t.Errorf("%d of %d bytes were decoded before the first came out, or after the reader was closed", last.Bytes, len(content))
			}
		})
	}
}

// TestEarlyOutputDamaged checks that damage in a large block is an error although some
// of it came out before.
func TestEarlyOutputDamaged(t *testing.T) {
	content := stretchyContent(goldenContent(t))
	made, _ := compress(t, content, Options{Model: newFakeModel("a"), Lanes: 2})
	for at := range 3 {
		p := bytes.Clone(made)
		p[len(p)/4*(at+1)] ^= 0x10
		var out bytes.Buffer
		_, err := Decompress(context.Background(), &out, bytes.NewReader(p), ReadOptions{Models: resolver()})
		if err == nil {
			t.Errorf("damage at %d: no error, %d bytes", at, out.Len())
		}
		if !errors.Is(err, ErrChecksum) && !errors.Is(err, ErrCorrupt) {
			t.Errorf("damage at %d: %v", at, err)
		}
	}
}
