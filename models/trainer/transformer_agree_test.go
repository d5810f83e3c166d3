package trainer

import (
	"crypto/sha256"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/llmz/llmz/engine/lm"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	native "github.com/llmz/llmz/engine/lm/transformer"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/engine/predict"
)

// A comparison is a trained model in another program's hands: the probabilities of all
// tokens that it and the training's own forward pass give, position by position.
type comparison struct {
	targets   []int32
	got, want [][]float64
}

// compare trains a model, writes it, runs it with what open opens, and compares.
func compare(t *testing.T, arch string, o WriteOptions, open func(path string, digest []byte) (predict.Model, error)) comparison {
	t.Helper()
	c := smallTransformer(arch)
	c.Updates = 100
	r := train(t, c)
	path := filepath.Join(t.TempDir(), "a.gguf")
	if err := r.Save(t.Context(), path, o, outfile.Attributes{}); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(file)
	m, err := open(path, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	length := r.Shape.Context
	session, err := m.NewSession(t.Context(), predict.SessionOptions{Lanes: 1, Threads: 1, MaxSteps: length})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()

	n := filled(t, r.Shape, "f32", 1, 1, 1)
	if err := n.p.set(readModel(t, file).Weights); err != nil {
		t.Fatal(err)
	}
	if n.tok, err = r.Vocabulary.Tokenizer(); err != nil {
		t.Fatal(err)
	}
	n.start = r.Vocabulary.Start
	n.fill(0, text[100:])
	x := comparison{targets: n.target}
	n.prepare(true)
	w := newWorker(n, 1)
	n.scale = 1 // so that the gradient of the logits is the probabilities, less one for the target
	w.run(0, 1, nil)
	for i, id := range n.target {
		prev := n.input[i]
		if i == 0 {
			prev = predict.Start
		}
		if err := session.Step([]int32{prev}); err != nil {
			t.Fatal(err)
		}
		freqs, total := session.Freqs(0)
		got, want := make([]float64, len(freqs)), make([]float64, len(freqs))
		for token, f := range freqs {
			got[token] = float64(f) / float64(total)
			want[token] = float64(w.logits[i*r.Shape.Vocabulary+token])
		}
		want[id]++
		x.got, x.want = append(x.got, got), append(x.want, want)
	}
	return x
}

// bits returns the cost of the text by both.
func (x comparison) bits() (got, want float64) {
	for i, id := range x.targets {
		got -= math.Log2(x.got[i][id])
		want -= math.Log2(x.want[i][id])
	}
	return got, want
}

// TestLlamaCppAgrees runs trained models in llama.cpp.
func TestLlamaCppAgrees(t *testing.T) {
	if _, err := llamacpp.Locate(llamacpp.CPU); err != nil {
		if os.Getenv("LLMZ_TEST_LLAMA") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for _, arch := range []string{GPT, GPT2} {
		x := compare(t, arch, WriteOptions{Float: true}, func(path string, _ []byte) (predict.Model, error) {
			return lm.Open(t.Context(), lm.Options{Path: path})
		})
		for i := range x.got {
			for token, got := range x.got[i] {
				// llama.cpp's cache is in float16, and every token has a least frequency.
				if want := x.want[i][token]; math.Abs(got-want) > 0.01*want+2e-4 {
					t.Fatalf("%s: position %d: token %d has the probability %.6f in llama.cpp, %.6f in training", arch, i, token, got, want)
				}
			}
		}
	}
}

// TestNativeAgrees runs trained models on the bundled graph, whose activations are
// rounded to 8 bits.
func TestNativeAgrees(t *testing.T) {
	for _, arch := range []string{GPT, GPT2} {
		x := compare(t, arch, WriteOptions{}, func(path string, digest []byte) (predict.Model, error) {
			return native.Open(t.Context(), native.Options{Path: path, Digest: digest})
		})
		got, want := x.bits()
		t.Logf("%s: %.2f bits on the graph, %.2f in training", arch, got, want)
		if math.Abs(got/want-1) > 0.03 {
			t.Errorf("%s: %.2f bits on the graph, %.2f in training", arch, got, want)
		}
	}
}
