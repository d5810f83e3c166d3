package trainer

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/llmz/llmz/ggml/sgemm"
)

// TestMuonOrthogonalises looks at the step of one matrix: all singular values of an
// orthogonal step are alike, those of the gradient are far apart.
func TestMuonOrthogonalises(t *testing.T) {
	kernel := sgemm.Best(sgemm.F32)
	for _, s := range [][2]int{{24, 24}, {24, 7}, {16, 40}} {
		rows, cols := s[0], s[1]
		part := tensor{rows: rows, cols: cols}
		u := newMuon(part)
		r := rand.New(rand.NewPCG(1, 2))
		g := make([]float32, rows*cols)
		for i := range g {
			g[i] = float32(r.NormFloat64()) * float32(1+i/cols) // rows of very different length
		}
		w, m := make([]float32, len(g)), make([]float32, len(g))
		u.step(kernel, w, m, g, 0.5, 1, 0)
		side := min(rows, cols)
		at := func(i, k int) float64 { // as if the shorter side were the rows
			if rows > cols {
				return float64(w[k*cols+i])
			}
			return float64(w[i*cols+k])
		}
		unit := muonScale * math.Sqrt(max(1, float64(rows)/float64(cols)))
		for i := range side {
			for j := range i {
				dot := 0.0
				for k := range max(rows, cols) {
					dot += at(i, k) * at(j, k) / (unit * unit)
				}
				if math.Abs(dot) > 0.35 {
					t.Errorf("%dx%d: rows %d and %d have the product %.2f", rows, cols, i, j, dot)
				}
			}
		}
		// Downhill, whatever the sign and the scale of the gradient.
		along := 0.0
		for i := range g {
			along += float64(w[i]) * float64(g[i])
		}
		if along >= 0 {
			t.Errorf("%dx%d: the step goes uphill", rows, cols)
		}
		for i := range m {
			if m[i] != 0.5*g[i] {
				t.Fatalf("%dx%d: momentum %v of the gradient %v", rows, cols, m[i], g[i])
			}
		}
	}
}

func TestMuonDecaysAndStandsStill(t *testing.T) {
	u := newMuon(tensor{rows: 4, cols: 4})
	w, m, g := make([]float32, 16), make([]float32, 16), make([]float32, 16)
	for i := range w {
		w[i] = float32(i)
	}
	u.step(sgemm.Best(sgemm.F32), w, m, g, 1, 0.5, 0.1)
	for i, v := range w {
		if want := float32(i) * 0.95; math.Abs(float64(v-want)) > 1e-6 {
			t.Errorf("weight %d became %v without a gradient, want %v", i, v, want)
		}
	}
}

// TestMuonParts: every matrix inside a layer is stepped by exactly one optimiser.
func TestMuonParts(t *testing.T) {
	for _, arch := range []string{"gru", "lstm"} {
		p := newParams(Shape{Arch: arch, Layers: 2, Hidden: 24, Embed: 10})
		covered := make([]int, len(p.data))
		for _, u := range newMuons(p) {
			if u.t.rows != 24 {
				t.Errorf("%s: a part of %d rows", u.t.name, u.t.rows)
			}
			for i := range u.t.size() {
				covered[u.t.offset+i]++
			}
		}
		for _, l := range p.list {
			want := 0
			if l.parts > 0 {
				want = 1
			}
			for i := range l.size() {
				if covered[l.offset+i] != want {
					t.Fatalf("%s: element %d is stepped %d times", l.name, i, covered[l.offset+i])
				}
			}
		}
	}
}
