package rich

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/llmz/llmz/ggml/simd"
)

// TestNetworkProducts compares the vector code of this machine, whatever is in use,
// with plain Go, at the extremes too.
func TestNetworkProducts(t *testing.T) {
	defer func(v bool) { vector = v }(vector)
	vector = simd.AVX2.Runs() || simd.NEON.Runs()
	if !vector {
		t.Log("no vector code in this build for this machine")
	}
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 500 {
		w := make([]int32, 20*numInputs)
		for i := range w {
			w[i] = r.Int32N(2*weightMax+1) - weightMax
		}
		var x inputs
		for i := range x {
			x[i] = (r.Int32N(2*maxStretch+1) - maxStretch) << 16
		}
		var off [numSets]uint32
		var e, got, want [numSets]int32
		for k, at := range r.Perm(20)[:numSets] {
			off[k] = uint32(at * numInputs)
			e[k] = r.Int32N(1<<16-1) - (1<<15 - 1)
		}
		if round%4 == 0 {
			fill(x[:], maxStretch<<16)
			fill(w, weightMax)
		}
		n := inputChunk * (1 + r.IntN(numInputs/inputChunk))
		dots(w, &x, &got, &off, n)
		dotsGeneric(w, &x, &want, &off, n)
		if got != want {
			t.Fatalf("dots: %v, want %v", got, want)
		}
		v := slices.Clone(w)
		trains(w, &x, &e, &off, n)
		trainsGeneric(v, &x, &e, &off, n)
		if !slices.Equal(w, v) {
			t.Fatalf("round %d: trains differ", round)
		}
	}
}

func TestLogistic(t *testing.T) {
	last := uint32(0)
	for x := int32(-4000); x <= 4000; x++ {
		p := squash(x)
		if p < 1 || p > 65535 || p < last {
			t.Fatalf("squash(%d) = %d after %d", x, p, last)
		}
		if p+squash(-x) != 65536 {
			t.Fatalf("squash(%d)+squash(%d) is not 1", x, -x)
		}
		last = p
	}
	if squash(0) != 32768 || squash(256) != 47911 { // 65536/(1+1/e) = 47910.9…
		t.Errorf("squash(0) = %d, squash(256) = %d", squash(0), squash(256))
	}
	for p := uint32(1); p < 65536; p++ {
		x := stretch(p)
		if x+stretch(65535-p) != 0 {
			t.Fatalf("stretch(%d) and stretch(%d) do not cancel out", p, 65535-p)
		}
		// The middle of sixteen probabilities.
		if d := int32(squash(x)) - int32(p&^15|8); d < -70 || d > 70 {
			t.Fatalf("squash(stretch(%d)) = %d", p, squash(x))
		}
	}
}
