package transformer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/cpu"
	"github.com/llmz/llmz/ggml/gguf"
)

// randomGPT2 writes a model of GPT-2's shape with random weights in Q8_0, and the
// vocabulary of gpt2-tiny. What it predicts is of no use; how fast it is does not
// depend on that.
func randomGPT2(t testing.TB, path string, layers int) {
	t.Helper()
	tiny, err := gguf.Open(testdata("gpt2-tiny", "gpt2-tiny.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer tiny.Close()
	const embed, heads, vocab = 768, 12, 50257
	shape := map[string]uint32{
		"gpt2.block_count": uint32(layers), "gpt2.context_length": 1024, "gpt2.embedding_length": embed,
		"gpt2.feed_forward_length": 4 * embed, "gpt2.attention.head_count": heads,
	}
	var w gguf.Writer
	for _, kv := range tiny.KV {
		if v, ok := shape[kv.Key]; ok {
			w.Set(kv.Key, v)
			continue
		}
		w.Set(kv.Key, kv.Value)
	}
	r := rand.New(rand.NewPCG(1, 2))
	vector := func(name string, n int, around float32) {
		v := make([]float32, n)
		for i := range v {
			v[i] = around + float32(r.NormFloat64())*0.05
		}
		w.AddFloat32s(name, []int{n}, v)
	}
	matrix := func(name string, rows, cols int) {
		scale := ggml.Float32To16(0.04 / 74)
		w.AddTensorFunc(name+".weight", ggml.Q8_0, []int{cols, rows}, func(dst io.Writer) error {
			b := bufio.NewWriter(dst)
			for range rows * cols / 32 {
				b.Write([]byte{byte(scale), byte(scale >> 8)})
				for range 4 {
					x := r.Uint64()
					for i := range 8 {
						b.WriteByte(byte(max(int8(x>>(8*i)), -127)))
					}
				}
			}
			return b.Flush()
		})
	}
	matrix("token_embd", vocab, embed)
	pos := make([]float32, 1024*embed)
	for i := range pos {
		pos[i] = float32(r.NormFloat64()) * 0.02
	}
	w.AddFloat32s("position_embd.weight", []int{embed, 1024}, pos)
	for l := range layers {
		p := fmt.Sprintf("blk.%d.", l)
		for _, name := range []string{"attn_norm", "ffn_norm"} {
			vector(p+name+".weight", embed, 1)
			vector(p+name+".bias", embed, 0)
		}
		for _, m := range []struct {
			name       string
			rows, cols int
		}{{"attn_qkv", 3 * embed, embed}, {"attn_output", embed, embed}, {"ffn_up", 4 * embed, embed}, {"ffn_down", embed, 4 * embed}} {
			matrix(p+m.name, m.rows, m.cols)
			vector(p+m.name+".bias", m.rows, 0)
		}
	}
	vector("output_norm.weight", embed, 1)
	vector("output_norm.bias", embed, 0)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// speedModel returns a model of GPT-2's or DistilGPT-2's shape. LLMZ_BENCH_DIR keeps
// its file.
func speedModel(b testing.TB, layers int, kern string) *Model {
	dir := os.Getenv("LLMZ_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	path := filepath.Join(dir, fmt.Sprintf("random-gpt2-%d.gguf", layers))
	if _, err := os.Stat(path); err != nil {
		randomGPT2(b, path, layers)
	}
	backend, err := cpu.New(kern)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	m := open(b, path, Options{Backend: backend})
	if l, ok := b.(interface{ Logf(string, ...any) }); ok {
		l.Logf("loaded in %v", time.Since(began).Round(time.Millisecond))
	}
	return m
}

// BenchmarkSession measures blocks of random tokens, a whole window and part of the
// next, in both directions: with the tokens known beforehand, and one by one.
func BenchmarkSession(b *testing.B) {
	for _, layers := range []int{12, 6} {
		for _, kern := range cpu.Kernels() {
			if kern == "generic" {
				continue
			}
			m := speedModel(b, layers, kern)
			for _, lanes := range []int{1, 4, 16, 32} {
				for _, foresee := range []bool{true, false} {
					how := map[bool]string{true: "encode", false: "decode"}[foresee]
					steps := 1200
					if n, err := strconv.Atoi(os.Getenv("LLMZ_BENCH_STEPS")); err == nil {
						steps = n
					}
					b.Run(fmt.Sprintf("layers=%d/%s/lanes=%d/%s", layers, kern, lanes, how), func(b *testing.B) {
						r := rand.New(rand.NewPCG(3, 4))
						tokens := make([][]int32, lanes)
						for i := range tokens {
							tokens[i] = make([]int32, steps)
							for j := range tokens[i] {
								tokens[i][j] = r.Int32N(50257)
							}
						}
						for b.Loop() {
							block(b, m, tokens, foresee)
						}
						b.ReportMetric(float64(b.N*lanes*steps)/b.Elapsed().Seconds(), "tokens/s")
					})
				}
			}
			m.Close()
		}
	}
}

// block codes a block, but for the coding itself.
func block(b testing.TB, m *Model, lanes [][]int32, foresee bool) {
	s, err := m.newSession(context.Background(), predict.SessionOptions{Lanes: len(lanes), Threads: 2})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if foresee {
		s.Foresee(predict.KnownLanes(lanes))
	}
	prev := make([]int32, len(lanes))
	for i := range prev {
		prev[i] = predict.Start
	}
	for step := range lanes[0] {
		if err := s.Step(prev); err != nil {
			b.Fatal(err)
		}
		for i := range prev {
			s.Freqs(i)
			prev[i] = lanes[i][step]
		}
	}
}
