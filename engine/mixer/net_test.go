package mixer

import (
	"math/rand/v2"
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
	for range 500 {
		w := make([]int32, 20*numInputs)
		for i := range w {
			w[i] = r.Int32N(2*weightMax+1) - weightMax
		}
		var x inputs
		for i := range x {
			x[i] = r.Int32N(2*maxStretch+1) - maxStretch
		}
		var off [numSets]uint32
		var e, got, want [numSets]int32
		for k, at := range r.Perm(20)[:numSets] {
			off[k] = uint32(at * numInputs)
			e[k] = r.Int32N(1<<19-1) - (1<<18 - 1)
		}
		if r.IntN(4) == 0 {
			for i := range x {
				x[i] = maxStretch
			}
			for i := range w {
				w[i] = weightMax
			}
		}
		dots(w, &x, &got, &off)
		dotsGeneric(w, &x, &want, &off)
		if got != want {
			t.Fatalf("dots: %v, want %v", got, want)
		}
		v := append([]int32(nil), w...)
		trains(w, &x, &e, &off)
		trainsGeneric(v, &x, &e, &off)
		for i := range w {
			if w[i] != v[i] {
				t.Fatalf("trains: weight %d is %d, want %d", i, w[i], v[i])
			}
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
		for _, near := range []int32{x - 1, x + 1} {
			if d, n := int32(squash(x))-int32(p), int32(squash(near))-int32(p); n*n < d*d {
				t.Fatalf("stretch(%d) = %d, but %d is nearer", p, x, near)
			}
		}
	}
}

func TestWarmStart(t *testing.T) {
	w, ok := readWarm(warmFile)
	if !ok {
		t.Fatalf("warm.bin has %d bytes, which do not fit", len(warmFile))
	}
	if _, ok := readWarm(warmFile[1:]); ok {
		t.Error("a short warm start was accepted")
	}
	if w.Weights[1][0][inModel] <= w.Weights[0][0][inModel]/2 {
		t.Error("the model has no weight")
	}
	cold, warm := 0.0, 0.0
	text := testBlocks(t)["text"][:3000]
	for i, to := range []*float64{&cold, &warm} {
		x, err := New(Config{BlockLen: len(text), Lanes: 1})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			x.adopt(coldStart(), 0)
		}
		var c costCoder
		for _, b := range text {
			x.Code(&c, 0, nil, 0, b)
		}
		*to = c.cost
	}
	if warm > 0.99*cold {
		t.Errorf("the warm start saves too little: %.0f bits, cold %.0f", warm, cold)
	}
}

// TestAllowed: vector code is used if it runs and is allowed.
func TestAllowed(t *testing.T) {
	if want := simd.Use(simd.AVX2) || simd.Use(simd.NEON); vector != want {
		t.Errorf("vector code: %t, want %t", vector, want)
	}
}
