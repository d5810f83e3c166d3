package transformer

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/llmz/llmz/engine/lm/bpe"
	"github.com/llmz/llmz/ggml/gguf"
)

// The places where numbers are made smaller.
const (
	siteAttn = iota
	siteQuery
	siteKey
	siteValue
	siteOut
	siteFFN
	siteDown
	siteLogits
)

// fake rounds a reference's activations as a variant of quantisation would.
type fake struct {
	scheme string // "", tensor, zero, float32, pow32, pow64, ...
	bits   int    // of queries, keys and values, 0 for none
	pbits  int    // of attention weights
}

func pow2ceil(m float64) float64 { // scale with m/scale in [64, 128)
	if m == 0 {
		return 1
	}
	_, e := math.Frexp(m)
	return math.Ldexp(1, e-7)
}

func roundTo(x []float64, scale, zero float64) {
	for i, v := range x {
		x[i] = min(max(math.RoundToEven(v/scale-zero), -127), 127)*scale + zero*scale
	}
}

func absMax(x []float64) (m float64) {
	for _, v := range x {
		m = max(m, math.Abs(v))
	}
	return m
}

func (f fake) act(site int, x []float64) []float64 {
	if f.scheme == "" {
		return x
	}
	x = append([]float64(nil), x...)
	blocks := func(n int, scale func(m float64) float64) {
		for i := 0; i < len(x); i += n {
			b := x[i:min(i+n, len(x))]
			if m := absMax(b); m > 0 {
				roundTo(b, scale(m), 0)
			}
		}
	}
	switch f.scheme {
	case "token":
		blocks(len(x), func(m float64) float64 { return m / 127 })
	case "pow":
		blocks(len(x), pow2ceil)
	case "zero":
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, v := range x {
			lo, hi = min(lo, v), max(hi, v)
		}
		s := (hi - lo) / 254
		roundTo(x, s, math.RoundToEven((hi+lo)/2/s))
	case "float32":
		blocks(32, func(m float64) float64 { return m / 127 })
	case "pow16":
		blocks(16, pow2ceil)
	case "pow32":
		blocks(32, pow2ceil)
	case "pow64":
		blocks(64, pow2ceil)
	case "16bit":
		m := absMax(x) / 32767
		for i, v := range x {
			x[i] = math.RoundToEven(v/m) * m
		}
	}
	return x
}

func (f fake) head(site int, x []float64) {
	bits := f.bits
	if bits == 0 {
		return
	}
	if site == siteQuery && bits > 8 {
		s := pow2ceil(absMax(x)) / 128
		for i, v := range x {
			x[i] = math.RoundToEven(v/s) * s
		}
		return
	}
	roundTo(x, pow2ceil(absMax(x)), 0)
}

func (f fake) weights(p []float64) {
	if f.pbits == 0 {
		return
	}
	s := float64(int(1)<<f.pbits - 1)
	for i, v := range p {
		p[i] = math.RoundToEven(v*s) / s
	}
}

// quantise replaces the weights of all matrices by those of int8 rows.
func (r *reference) quantise(skipEmbed bool) {
	rows := func(w [][]float64) {
		for _, row := range w {
			if m := absMax(row); m > 0 {
				roundTo(row, m/127, 0)
			}
		}
	}
	for i := range r.layers {
		y := &r.layers[i]
		for _, m := range []*refMatrix{&y.q, &y.k, &y.v, &y.o, &y.up, &y.gate, &y.down} {
			rows(m.w)
		}
	}
	if !skipEmbed {
		rows(r.embed)
		if &r.out[0][0] != &r.embed[0][0] {
			rows(r.out)
		}
	}
}

// outliers multiplies channels of all norms by factors and divides the columns of
// what follows: the model stays the same.
func (r *reference) outliers(channels []int, factors []float64) {
	apply := func(n refNorm, ms ...*refMatrix) {
		for i, c := range channels {
			n.gain[c] *= factors[i]
			n.bias[c] *= factors[i]
			for _, m := range ms {
				for _, row := range m.w {
					row[c] /= factors[i]
				}
			}
		}
	}
	for i := range r.layers {
		y := &r.layers[i]
		apply(y.attn, &y.q, &y.k, &y.v)
		if r.Gated {
			apply(y.ffn, &y.up, &y.gate)
		} else {
			apply(y.ffn, &y.up)
		}
	}
	out := r.ownOutput()
	apply(r.norm, &refMatrix{w: out})
}

// equalise undoes what outliers does, and balances what training left, with powers
// of two.
func (r *reference) equalise(how string) {
	l2 := func(x float64) float64 {
		if x <= 0 {
			return -30
		}
		return math.Log2(x)
	}
	col := func(c int, ms []*refMatrix) (m float64) {
		for _, x := range ms {
			for _, row := range x.w {
				m = max(m, math.Abs(row[c]))
			}
		}
		return m
	}
	apply := func(n refNorm, ms ...*refMatrix) {
		for c := range n.gain {
			a := max(math.Abs(n.gain[c]), math.Abs(n.bias[c])/3)
			w := col(c, ms)
			var k float64
			switch how {
			case "half":
				k = math.Round((l2(w) - l2(a)) / 2)
			case "weights":
				k = math.Round(l2(w))
			case "gain":
				k = math.Round(-l2(a))
			}
			f := math.Exp2(k)
			n.gain[c] *= f
			n.bias[c] *= f
			for _, m := range ms {
				for _, row := range m.w {
					row[c] /= f
				}
			}
		}
	}
	for i := range r.layers {
		y := &r.layers[i]
		apply(y.attn, &y.q, &y.k, &y.v)
		if r.Gated {
			apply(y.ffn, &y.up, &y.gate)
		} else {
			apply(y.ffn, &y.up)
		}
	}
	apply(r.norm, &refMatrix{w: r.ownOutput()})
}

// ownOutput makes the output matrix one of its own, where it is tied.
func (r *reference) ownOutput() [][]float64 {
	out := make([][]float64, len(r.out))
	for i := range out {
		out[i] = append([]float64(nil), r.out[i]...)
	}
	r.out = out
	return out
}

func TestVariants(t *testing.T) {
	path := os.Getenv("LLMZ_TEST_VARIANTS")
	if path == "" {
		t.Skip("LLMZ_TEST_VARIANTS names no model")
	}
	text, err := os.ReadFile(os.Getenv("LLMZ_TEST_TEXT"))
	if err != nil {
		t.Fatal(err)
	}
	load := func() (*reference, []int32, int32) {
		f, err := gguf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := newReference(f)
		if err != nil {
			t.Fatal(err)
		}
		tok, err := bpe.New(f)
		if err != nil {
			t.Fatal(err)
		}
		ids, err := tok.Tokenize(context.Background(), text)
		if err != nil {
			t.Fatal(err)
		}
		bos, _ := gguf.Integer(f, "tokenizer.ggml.bos_token_id")
		return r, ids, int32(bos)
	}
	r, ids, bos := load()
	n := min(len(ids), 1000)
	base := r.bits(bos, ids[:n], r.Context, r.Context/4)
	fmt.Printf("%s %d tokens: reference %.5f\n", filepath.Base(path), n, base)
	run := func(name string, out bool, eq string, weights bool, f fake) {
		r, _, _ := load()
		if out {
			r.outliers([]int{3, 9, 17, 30, 41, 52, 60}, []float64{60, 20, 35, 50, 25, 60, 40})
		}
		if eq != "" {
			r.equalise(eq)
		}
		if weights {
			r.quantise(false)
		}
		r.fake = f
		b := r.bits(bos, ids[:n], r.Context, r.Context/4)
		fmt.Printf("%-40s %.5f %+.3f%%\n", name, b, 100*(b/base-1))
	}
	run("weights only", false, "", true, fake{})
	run("weights only, outliers", true, "", true, fake{})
	for _, s := range []string{"token", "pow", "zero", "float32", "pow16", "pow32", "pow64", "16bit"} {
		run(s, false, "", true, fake{scheme: s})
		run(s+" outliers", true, "", true, fake{scheme: s})
	}
	for _, eq := range []string{"half", "weights", "gain"} {
		for _, s := range []string{"token", "pow32"} {
			run(s+" "+eq, false, eq, true, fake{scheme: s})
			run(s+" "+eq+" outliers", true, eq, true, fake{scheme: s})
		}
	}
	for _, f := range []fake{{bits: 8}, {bits: 9}, {pbits: 8}, {pbits: 14}, {bits: 8, pbits: 14}, {scheme: "pow32", bits: 8, pbits: 14}, {scheme: "pow32", bits: 9, pbits: 14}} {
		run(fmt.Sprintf("half %+v", f), false, "half", true, f)
	}
}
