package transformer

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/gguf/gguftest"
)

// rewritten writes a model with every matrix in float32, changed by edit: the same
// function of its input, but with other weights.
func rewritten(t *testing.T, path string, edit func(f *gguf.File, v map[string][]float32)) string {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v := make(map[string][]float32)
	for i := range f.Tensors {
		if v[f.Tensors[i].Name], err = f.Float32s(&f.Tensors[i]); err != nil {
			t.Fatal(err)
		}
	}
	edit(f, v)
	var w gguf.Writer
	for _, kv := range f.KV {
		w.Set(kv.Key, kv.Value)
	}
	shapes := make(map[string][]int)
	for _, ts := range f.Tensors {
		shapes[ts.Name] = ts.Shape
	}
	for _, ts := range f.Tensors {
		w.AddFloat32s(ts.Name, ts.Shape, v[ts.Name])
	}
	if out := v["output.weight"]; out != nil && shapes["output.weight"] == nil {
		w.AddFloat32s("output.weight", shapes["token_embd.weight"], out)
	}
	name := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(name, gguftest.Bytes(t, &w), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// factors of channels, as trained models have outliers.
var outlierFactors = map[int]float32{3: 60, 9: 20, 17: 35, 30: 50, 41: 25, 52: 60, 60: 40}

// enlarge multiplies channels of the outputs and divides the columns of the matrices
// that take them.
func enlarge(v map[string][]float32, cols int, outputs, inputs []string) {
	for c, f := range outlierFactors {
		for _, name := range outputs {
			if x := v[name]; x != nil {
				x[c] *= f
			}
		}
		for _, name := range inputs {
			x := v[name]
			for i := c; i < len(x); i += cols {
				x[i] /= f
			}
		}
	}
}

// enlargeRows is the same where the outputs are rows of a matrix.
func enlargeRows(v map[string][]float32, cols int, output string, first int, input string, inputCols int) {
	for c, f := range outlierFactors {
		row := v[output+".weight"][(first+c)*cols : (first+c+1)*cols]
		for i := range row {
			row[i] *= f
		}
		if b := v[output+".bias"]; b != nil {
			b[first+c] *= f
		}
		x := v[input+".weight"]
		for i := c; i < len(x); i += inputCols {
			x[i] /= f
		}
	}
}

// TestOutliers gives models the outliers of large ones, in channels behind norms and
// in values, and compares with the reference of the unchanged model.
func TestOutliers(t *testing.T) {
	if testing.Short() {
		t.Skip("the reference takes its time")
	}
	for _, c := range testModels {
		t.Run(c.name, func(t *testing.T) {
			path := testdata(c.model...)
			f, err := gguf.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			r, err := newReference(f)
			if err != nil {
				t.Fatal(err)
			}
			n := 2000
			if len(r.embed) > 10000 {
				n = 500 // the reference takes its time
			}
			plain := open(t, path, Options{})
			ids := tokensOf(t, plain, c.text, n)
			set := plain.set
			want := r.bits(plain.start.Token, ids, set.ctx, set.keep)
			got := bits(t, plain, ids, true)
			large := rewritten(t, path, func(f *gguf.File, v map[string][]float32) {
				e := r.Embed
				if v["output.weight"] == nil {
					v["output.weight"] = append([]float32(nil), v["token_embd.weight"]...)
				}
				enlarge(v, e, []string{"output_norm.weight", "output_norm.bias"}, []string{"output.weight"})
				for l := range r.Layers {
					p := fmt.Sprintf("blk.%d.", l)
					if r.Fused {
						enlargeRows(v, e, p+"attn_qkv", 2*e, p+"attn_output", e)
					}
					enlarge(v, e, []string{p + "attn_norm.weight", p + "attn_norm.bias"},
						[]string{p + "attn_qkv.weight", p + "attn_q.weight", p + "attn_k.weight", p + "attn_v.weight"})
					enlarge(v, e, []string{p + "ffn_norm.weight", p + "ffn_norm.bias"}, []string{p + "ffn_up.weight", p + "ffn_gate.weight"})
					if r.Gated {
						enlargeRows(v, e, p+"ffn_up", 0, p+"ffn_down", r.FFN)
					}
				}
			})
			withOutliers := bits(t, open(t, large, Options{}), ids, true)
			t.Logf("%d tokens: reference %.5f bits per token, here %.5f (%+.3f%%), with outliers %.5f (%+.3f%%)",
				n, want, got, 100*(got/want-1), withOutliers, 100*(withOutliers/want-1))
			if d := math.Abs(got/want - 1); d > 0.003 {
				t.Errorf("%.5f bits per token, reference %.5f", got, want)
			}
			if d := math.Abs(withOutliers/want - 1); d > 0.005 {
				t.Errorf("%.5f bits per token with outliers, reference %.5f", withOutliers, want)
			}
		})
	}
}

// TestTypes: the same weights give the same network from a file of any type that holds
// them exactly.
func TestTypes(t *testing.T) {
	c := testModels[0]
	path := testdata(c.model...)
	m := open(t, path, Options{})
	same := open(t, rewritten(t, path, func(*gguf.File, map[string][]float32) {}), Options{})
	ids := tokensOf(t, m, c.text, 40)
	if a, b := hashes(t, m, [][]int32{ids}, 1, true)[0], hashes(t, same, [][]int32{ids}, 1, true)[0]; a != b {
		t.Errorf("other frequencies from float32 (%#x) than from %v (%#x)", b, ggml.Q8_0, a)
	}
	if _, err := m.Tokenize(context.Background(), nil); err != nil {
		t.Error(err)
	}
}
