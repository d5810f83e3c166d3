package block

import (
	"slices"
	"testing"
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
		m := &worthMixer{alone: 1000}
		p := stretchPlan{mixer: m, lanes: 2, left: c.left}
		var got []int
		sum := 0
		for i := 0; !p.ended(); i++ {
			n, lanes := p.next()
			sum += n
			if lanes > 0 {
				m.mixed = c.mixed(i)
				p.judge()
				if lanes != 2 {
					t.Errorf("%s: %d lanes", c.name, lanes)
				}
			} else {
				n = -n
			}
			got = append(got, n)
		}
		if !slices.Equal(got, c.want) || sum != c.left {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// worthMixer is a mixer that has been with a model of some use.
type worthMixer struct {
	byteMixer
	mixed, alone uint64
}

func (m *worthMixer) Worth() (mixed, alone uint64) { return m.mixed, m.alone }
