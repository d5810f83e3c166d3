package transformer

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/llmz/llmz/engine/lm/bpe"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/gguf/gguftest"
)

// A tiny is a model file of a few kilobytes with random weights, in parts, to be changed.
type tiny struct {
	arch    string
	kv      map[string]any
	tensors map[string]*tinyTensor
}

type tinyTensor struct {
	typ   ggml.Type
	shape []int
	v     []float32
}

const (
	tinyEmbed, tinyHeads, tinyKV, tinyFFN, tinyLayers, tinyVocab = 32, 4, 2, 48, 2, 258
	tinyContext                                                  = 16
)

func newTiny(arch string) *tiny {
	m := &tiny{arch: arch, tensors: map[string]*tinyTensor{}}
	family := families[arch]
	tokens := make([]string, tinyVocab)
	for i := range 256 {
		tokens[i] = bpe.Printable([]byte{byte(i)})
	}
	tokens[256], tokens[257] = bpe.Printable([]byte("th")), "<|endoftext|>"
	types := slices.Repeat([]int32{1}, tinyVocab)
	types[257] = 3
	m.kv = map[string]any{
		"general.architecture": arch, arch + ".block_count": uint32(tinyLayers), arch + ".embedding_length": uint32(tinyEmbed),
		arch + ".attention.head_count": uint32(tinyHeads), arch + ".feed_forward_length": uint32(tinyFFN), arch + ".context_length": uint32(tinyContext),
		"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types,
		"tokenizer.ggml.merges": []string{"t h"}, "tokenizer.ggml.bos_token_id": uint32(257),
	}
	c := Config{Family: family}
	m.kv[arch+"."+c.epsilonKey()] = float32(1e-5)
	kv := tinyHeads
	if !family.Fused {
		kv = tinyKV
		m.kv[arch+".attention.head_count_kv"] = uint32(kv)
		m.kv[arch+".rope.freq_base"] = float32(10000)
	}
	r := rand.New(rand.NewPCG(18, 1))
	add := func(name string, typ ggml.Type, shape ...int) {
		t := &tinyTensor{typ, shape, make([]float32, shape[0])}
		if len(shape) == 2 {
			t.v = make([]float32, shape[0]*shape[1])
		}
		for i := range t.v {
			t.v[i] = float32(r.NormFloat64() * 0.1)
			if len(shape) == 1 {
				t.v[i]++
			}
		}
		m.tensors[name] = t
	}
	add("token_embd.weight", ggml.Q8_0, tinyEmbed, tinyVocab)
	add("output_norm.weight", ggml.F32, tinyEmbed)
	if family.Learned {
		add("position_embd.weight", ggml.F32, tinyEmbed, tinyContext)
		add("output_norm.bias", ggml.F32, tinyEmbed)
	}
	for _, p := range []string{"blk.0.", "blk.1."} {
		linear := func(name string, rows, cols int, bias bool) {
			typ := ggml.Q8_0
			if cols%ggml.QK8_0 != 0 {
				typ = ggml.F16
			}
			add(p+name+".weight", typ, cols, rows)
			if bias {
				add(p+name+".bias", ggml.F32, rows)
			}
		}
		for _, n := range []string{"attn_norm", "ffn_norm"} {
			add(p+n+".weight", ggml.F32, tinyEmbed)
			if !family.RMS {
				add(p+n+".bias", ggml.F32, tinyEmbed)
			}
		}
		if family.Fused {
			linear("attn_qkv", 3*tinyEmbed, tinyEmbed, true)
		} else {
			own := arch == "qwen2"
			linear("attn_q", tinyEmbed, tinyEmbed, own)
			linear("attn_k", kv*tinyEmbed/tinyHeads, tinyEmbed, own)
			linear("attn_v", kv*tinyEmbed/tinyHeads, tinyEmbed, own)
		}
		linear("attn_output", tinyEmbed, tinyEmbed, family.Fused)
		linear("ffn_up", tinyFFN, tinyEmbed, family.Fused)
		if family.Gated {
			linear("ffn_gate", tinyFFN, tinyEmbed, false)
		}
		linear("ffn_down", tinyEmbed, tinyFFN, family.Fused)
	}
	return m
}

// set changes a setting of the architecture's; nil removes it.
func (m *tiny) set(key string, v any) {
	if v == nil {
		delete(m.kv, m.arch+"."+key)
		return
	}
	m.kv[m.arch+"."+key] = v
}

// bytes returns the file.
func (m *tiny) bytes(t testing.TB) []byte {
	t.Helper()
	w := new(gguf.Writer)
	for _, k := range slices.Sorted(maps.Keys(m.kv)) {
		w.Set(k, m.kv[k])
	}
	for _, name := range slices.Sorted(maps.Keys(m.tensors)) {
		x := m.tensors[name]
		switch x.typ {
		case ggml.F32:
			w.AddFloat32s(name, x.shape, x.v)
		case ggml.F16:
			b := make([]byte, 0, 2*len(x.v))
			for _, v := range x.v {
				h := ggml.Float32To16(v)
				b = append(b, byte(h), byte(h>>8))
			}
			w.AddTensor(name, ggml.F16, x.shape, b)
		case ggml.Q8_0:
			q, err := ggml.QuantizeQ8_0(x.v)
			if err != nil {
				t.Fatal(err)
			}
			w.AddTensor(name, ggml.Q8_0, x.shape, q)
		default:
			n := len(x.v) / x.typ.BlockSize() * x.typ.BlockBytes()
			w.AddTensor(name, x.typ, x.shape, make([]byte, n))
		}
	}
	return gguftest.Bytes(t, w)
}

// try loads a model and codes a little with it; what is loaded must work.
func try(t testing.TB, file []byte) error {
	t.Helper()
	f, err := gguf.Parse(file)
	if err != nil {
		return err
	}
	m, err := load(context.Background(), f, Options{Path: "x.gguf", Digest: make([]byte, 32)})
	if err != nil {
		return err
	}
	defer m.Close()
	if m.MemoryBytes(1) <= 0 {
		t.Error("no memory is said to be taken")
	}
	text := []byte("the\x00\xff th\xe2\x82 <|endoftext|>")
	ids, err := m.Tokenize(context.Background(), text)
	if err != nil {
		if !errors.Is(err, predict.ErrNoToken) {
			t.Errorf("tokenizing: %v", err)
		}
		ids = []int32{0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1}
	} else {
		var back []byte
		for _, id := range ids {
			back = append(back, m.TokenBytes(id)...)
		}
		if !bytes.Equal(back, text) {
			t.Errorf("%q came back as %q", text, back)
		}
	}
	one := hashes(t, m, [][]int32{ids, ids[:1]}, 1, true)
	if two := hashes(t, m, [][]int32{ids}, 2, false); one[0] != two[0] {
		t.Error("other frequencies token by token than at once")
	}
	s, err := m.newSession(context.Background(), predict.SessionOptions{Lanes: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Step([]int32{predict.Start}); err != nil {
		t.Fatal(err)
	}
	freqs, total := s.Freqs(0)
	var sum uint64
	for i, v := range freqs {
		if sum += uint64(v); v == 0 {
			t.Fatalf("token %d has no frequency", i)
		}
	}
	if sum != uint64(total) || len(freqs) != m.config.Vocab {
		t.Errorf("%d frequencies sum to %d, the total is %d", len(freqs), sum, total)
	}
	return nil
}
