package transformer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/lm/bpe"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
)

var tinyArchs = []string{"gpt2", "llama", "qwen2"}

var nan32, inf32 = float32(math.NaN()), float32(math.Inf(1))

func eachTiny(t *testing.T, f func(t *testing.T, arch string)) {
	for _, arch := range tinyArchs {
		t.Run(arch, func(t *testing.T) { f(t, arch) })
	}
}

func TestTiny(t *testing.T) {
	eachTiny(t, func(t *testing.T, arch string) {
		if err := try(t, newTiny(arch).bytes(t)); err != nil {
			t.Fatal(err)
		}
	})
}

// refused reports whether an error says that a file is none, or is for another runtime.
func refused(err error) bool {
	return errors.Is(err, ErrModel) || errors.Is(err, ErrUnsupported) || errors.Is(err, gguf.ErrFormat) || errors.Is(err, bpe.ErrVocabulary)
}

// TestSettings: what the graph does not compute is refused by name as something for
// another runtime, what cannot be is no model, and what changes nothing is taken.
func TestSettings(t *testing.T) {
	rope := []string{"llama", "qwen2"}
	for _, c := range []struct {
		key    string
		values []any
		want   error
		archs  []string // nil for all
	}{
		{"block_count", []any{nil, uint32(0), int32(-1), "2", float32(2), uint32(3), uint64(1 << 40)}, errAny, nil},
		{"block_count", []any{uint32(257), uint32(math.MaxUint32)}, ErrUnsupported, nil},
		{"embedding_length", []any{nil, uint32(0), uint32(16), uint32(64), int32(-32)}, ErrModel, nil},
		{"embedding_length", []any{uint32(33), uint32(1 << 31)}, ErrUnsupported, nil},
		{"attention.head_count", []any{nil, uint32(0), int32(-4), "4"}, ErrModel, nil},
		{"attention.head_count", []any{uint32(1 << 20), []uint32{4, 2}}, ErrUnsupported, nil},
		{"attention.head_count", []any{uint32(32), uint32(6), uint32(12)}, ErrUnsupported, []string{"gpt2"}}, // odd heads
		{"attention.head_count", []any{uint32(3), []uint32{}}, ErrModel, rope},
		{"attention.head_count_kv", []any{uint32(0), uint32(3), uint32(8), "2", true, int32(-2), uint32(math.MaxUint32)}, ErrModel, rope},
		{"attention.head_count_kv", []any{[]uint32{2, 1}, []int32{2, 4}}, ErrUnsupported, rope},
		{"attention.head_count_kv", []any{[]uint32{2, 2}, []int32{2, 2}, uint64(2)}, nil, rope},
		{"attention.head_count_kv", []any{uint32(2)}, ErrUnsupported, []string{"gpt2"}},
		{"feed_forward_length", []any{nil, uint32(0), uint32(47), uint32(49), uint32(96)}, ErrModel, nil},
		{"feed_forward_length", []any{uint32(1 << 20), []int32{48, 64}}, ErrUnsupported, nil},
		{"context_length", []any{nil, uint32(0), uint32(1), int32(-1), "16"}, ErrModel, nil},
		{"context_length", []any{uint32(1 << 31), uint32(1<<24 + 1)}, ErrUnsupported, nil},
		{"context_length", []any{uint32(2), uint32(3), uint32(5), int32(16), uint64(16)}, nil, nil},
		{"context_length", []any{uint32(17), uint32(1 << 24)}, ErrModel, []string{"gpt2"}}, // more than positions
		{"context_length", []any{uint32(1 << 24), uint32(131072)}, nil, rope},
		{"attention.layer_norm_rms_epsilon", []any{nil, nan32, inf32, -inf32, float32(0), float32(-1e-5), float32(1), 1e-5, "x"}, ErrModel, rope},
		{"attention.layer_norm_epsilon", []any{nil, nan32, float32(0), float32(-1)}, ErrModel, []string{"gpt2"}},
		{"rope.freq_base", []any{nan32, inf32, float32(0), float32(-1), float32(0.5), float32(1e30), "x", uint32(10000)}, ErrModel, rope},
		{"rope.freq_base", []any{nil, float32(1), float32(1e6), float32(1e9)}, nil, rope},
		{"rope.dimension_count", []any{uint32(0), uint32(3), uint32(10), uint32(1 << 31), int32(-8), "8"}, ErrModel, rope},
		{"rope.dimension_count", []any{uint32(8), uint32(4), uint32(2)}, nil, rope},
		// What is not known, or not computed.
		{"attn_logit_softcapping", []any{float32(50)}, ErrUnsupported, nil},
		{"final_logit_softcapping", []any{float32(30)}, ErrUnsupported, nil},
		{"use_parallel_residual", []any{true}, ErrUnsupported, nil},
		{"attention.clamp_kqv", []any{float32(8)}, ErrUnsupported, nil},
		{"attention.max_alibi_bias", []any{float32(8)}, ErrUnsupported, nil},
		{"attention.causal", []any{false}, ErrUnsupported, nil},
		{"attention.key_length", []any{uint32(16), uint32(0)}, ErrUnsupported, nil},
		{"attention.value_length", []any{uint32(4)}, ErrUnsupported, nil},
		{"attention.scale", []any{float32(1), float32(0.5), nan32}, ErrUnsupported, nil},
		{"attention.sliding_window", []any{uint32(8), uint32(15), int32(-1)}, ErrUnsupported, nil},
		{"rope.scaling.type", []any{"linear", "yarn", "longrope", uint32(1)}, ErrUnsupported, nil},
		{"rope.scaling.factor", []any{float32(8), nan32}, ErrUnsupported, nil},
		{"rope.scaling.attn_factor", []any{float32(1.5)}, ErrUnsupported, nil},
		{"rope.scale_linear", []any{float32(4)}, ErrUnsupported, nil},
		{"rope.dimension_sections", []any{[]int32{4, 4}}, ErrUnsupported, nil},
		{"expert_count", []any{uint32(8)}, ErrUnsupported, nil},
		{"expert_used_count", []any{uint32(2)}, ErrUnsupported, nil},
		{"logit_scale", []any{float32(0.5), 0.5}, ErrUnsupported, nil},
		{"embedding_scale", []any{float32(12)}, ErrUnsupported, nil},
		{"residual_scale", []any{float32(0.2)}, ErrUnsupported, nil},
		{"nextn_predict_layers", []any{uint32(1)}, ErrUnsupported, nil},
		{"tensor_data_layout", []any{"something"}, ErrUnsupported, nil},
		{"something.new", []any{uint32(1), int32(-1), true, float32(1), "on", []uint32{1}, uint8(1), int64(2)}, ErrUnsupported, nil},
		// What changes nothing.
		{"attention.key_length", []any{uint32(8), int32(8), uint64(8)}, nil, nil},
		{"attention.value_length", []any{uint32(8)}, nil, nil},
		{"attention.scale", []any{float32(0), float32(1 / math.Sqrt(8))}, nil, nil},
		{"attention.causal", []any{true}, nil, nil},
		{"attention.sliding_window", []any{uint32(0), uint32(16), uint32(4096)}, nil, nil},
		{"attn_logit_softcapping", []any{float32(0)}, nil, nil},
		{"use_parallel_residual", []any{false}, nil, nil},
		{"rope.scaling.type", []any{"none", ""}, nil, nil},
		{"rope.scaling.factor", []any{float32(1), float32(0)}, nil, nil},
		{"rope.scaling.original_context_length", []any{uint32(16)}, nil, nil},
		{"logit_scale", []any{float32(1), float32(0), 1.0}, nil, nil},
		{"expert_count", []any{uint32(0), uint64(0)}, nil, nil},
		{"vocab_size", []any{uint32(tinyVocab)}, nil, nil},
		{"tensor_data_layout", []any{"reference", "Meta AI original pth"}, nil, nil},
	} {
		archs := c.archs
		if archs == nil {
			archs = tinyArchs
		}
		for _, arch := range archs {
			for _, v := range c.values {
				m := newTiny(arch)
				m.set(c.key, v)
				err := try(t, m.bytes(t))
				switch {
				case c.want == errAny && refused(err):
				case !errors.Is(err, c.want) || c.want == nil && err != nil:
					t.Errorf("%s.%s = %v (%T): %v, want %v", arch, c.key, v, v, err, c.want)
				}
			}
		}
	}
	other := newTiny("llama")
	other.kv["gpt2.attn_logit_softcapping"] = float32(30) // not its own
	if err := try(t, other.bytes(t)); err != nil {
		t.Error(err)
	}
}

// TestSettingsOfArchives: what an archive was made with decodes whatever has become known
// about settings since.
func TestSettingsOfArchives(t *testing.T) {
	m := newTiny("llama")
	m.set("something.new", uint32(1))
	f, err := gguf.Parse(m.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	old, err := load(context.Background(), f, Options{Path: "x.gguf", Runtime: map[string]string{keyContext: "16", keyKeep: "4"}})
	if err != nil {
		t.Fatal(err)
	}
	old.Close()
}

var errAny = errors.New("any")

// TestTensors: the same for tensors that a network is not made of, or made of wrongly.
func TestTensors(t *testing.T) {
	eachTiny(t, func(t *testing.T, arch string) {
		base := newTiny(arch)
		for _, name := range []string{
			"rope_freqs.weight", "rope_factors_long.weight", "blk.0.attn_q_norm.weight", "blk.1.ffn_gate_inp.weight", "blk.0.post_attention_norm.weight",
			"blk.0.attn_sinks.weight", "blk.2.attn_norm.weight", "blk.00.attn_norm.weight", "blk.x.attn_norm.weight", "token_embd_norm.weight", "token_embd.bias",
			"cls.weight", "blk.0.ffn_up.scale", "blk.0.attn_norm.weights", "position_embd.weight", "blk.0.attn_q.weight", "blk.0.ffn_gate.weight", "blk.0.attn_qkv.weight",
		} {
			if base.tensors[name] != nil {
				continue
			}
			m := newTiny(arch)
			m.tensors[name] = &tinyTensor{ggml.F32, []int{tinyEmbed}, make([]float32, tinyEmbed)}
			if err := try(t, m.bytes(t)); !errors.Is(err, ErrUnsupported) {
				t.Errorf("%s: %v", name, err)
			}
		}
		m := newTiny(arch)
		m.tensors["blk.0.attn_rot_embd.weight"] = &tinyTensor{ggml.F32, []int{4}, make([]float32, 4)}
		if err := try(t, m.bytes(t)); err != nil {
			t.Error(err)
		}
		for name, x := range base.tensors {
			m := newTiny(arch)
			delete(m.tensors, name)
			optional := strings.HasSuffix(name, ".bias")
			if err := try(t, m.bytes(t)); !optional && !errors.Is(err, ErrModel) || optional && err != nil {
				t.Errorf("without %s: %v", name, err)
			}
			for _, shape := range [][]int{
				{x.shape[0] * 2}, {x.shape[0], 2, 2}, slices.Concat(x.shape, []int{2}), {x.shape[0] * 2, 7}, {x.shape[0], 5000}, {32, 1},
			} {
				m := newTiny(arch)
				n := 1
				for _, d := range shape {
					n *= d
				}
				m.tensors[name] = &tinyTensor{x.typ, shape, make([]float32, n)}
				if slices.Equal(shape, x.shape) || name == "position_embd.weight" && len(shape) == 2 && shape[0] == tinyEmbed && shape[1] >= tinyContext {
					continue
				}
				if err := try(t, m.bytes(t)); !errors.Is(err, ErrModel) {
					t.Errorf("%s of shape %v: %v", name, shape, err)
				}
			}
			for _, typ := range []ggml.Type{ggml.I8, ggml.I32, ggml.F64} {
				m := newTiny(arch)
				m.tensors[name] = &tinyTensor{typ, x.shape, x.v}
				if err := try(t, m.bytes(t)); !refused(err) {
					t.Errorf("%s of %v: %v", name, typ, err)
				}
			}
		}
	})
}

// TestWeights: whatever the weights are, a model is refused, or predicts the same in every
// way of evaluating it.
func TestWeights(t *testing.T) {
	fill := func(x *tinyTensor, v float32) {
		for i := range x.v {
			x.v[i] = v
		}
	}
	for name, c := range map[string]struct {
		change func(x *tinyTensor)
		bad    bool
	}{
		"zeros":           {func(x *tinyTensor) { fill(x, 0) }, false},
		"a row of zeros":  {func(x *tinyTensor) { clear(x.v[:x.shape[0]]) }, false},
		"denormals":       {func(x *tinyTensor) { fill(x, 1e-45) }, false},
		"one denormal":    {func(x *tinyTensor) { clear(x.v); x.v[1] = -1e-45 }, false},
		"least normal":    {func(x *tinyTensor) { fill(x, 0x1p-126) }, false},
		"large":           {func(x *tinyTensor) { fill(x, 1e6) }, false},
		"large and small": {func(x *tinyTensor) { fill(x, 1e-30); x.v[0] = 1e6; x.v[len(x.v)-1] = -1e6 }, false},
		"too large":       {func(x *tinyTensor) { x.v[3] = 1e14 }, true}, // however it is balanced
		"1e38":            {func(x *tinyTensor) { x.v[len(x.v)-2] = 1e38 }, true},
		"infinite":        {func(x *tinyTensor) { x.v[len(x.v)/2] = -inf32 }, true},
		"not a number":    {func(x *tinyTensor) { x.v[len(x.v)-1] = nan32 }, true},
	} {
		t.Run(name, func(t *testing.T) {
			eachTiny(t, func(t *testing.T, arch string) {
				all := newTiny(arch)
				for name := range newTiny(arch).tensors {
					m := newTiny(arch)
					for _, x := range []*tinyTensor{m.tensors[name], all.tensors[name]} {
						x.typ = ggml.F32
						c.change(x)
					}
					if !c.bad && strings.HasPrefix(name, "blk.0.") {
						continue // as blk.1
					}
					err := try(t, m.bytes(t))
					if c.bad && !errors.Is(err, ErrModel) || !c.bad && err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				if err := try(t, all.bytes(t)); c.bad && !errors.Is(err, ErrModel) || !c.bad && err != nil {
					t.Errorf("all: %v", err)
				}
			})
		})
	}
}

// TestVocabularies: those that do not go with the network are refused.
func TestVocabularies(t *testing.T) {
	for name, change := range map[string]func(m *tiny, tokens []string){
		"one more": func(m *tiny, s []string) {
			m.kv["tokenizer.ggml.tokens"] = append(s, "x")
			delete(m.kv, "tokenizer.ggml.token_type")
		},
		"one less": func(m *tiny, s []string) {
			m.kv["tokenizer.ggml.tokens"] = s[1:]
			delete(m.kv, "tokenizer.ggml.token_type")
		},
		"none":           func(m *tiny, s []string) { m.kv["tokenizer.ggml.tokens"] = []string{} },
		"numbers":        func(m *tiny, s []string) { m.kv["tokenizer.ggml.tokens"] = []int32{1, 2} },
		"missing":        func(m *tiny, s []string) { delete(m.kv, "tokenizer.ggml.tokens") },
		"types":          func(m *tiny, s []string) { m.kv["tokenizer.ggml.token_type"] = []int32{1} },
		"another kind":   func(m *tiny, s []string) { m.kv["tokenizer.ggml.model"] = "bert" },
		"no merges":      func(m *tiny, s []string) { delete(m.kv, "tokenizer.ggml.merges") },
		"no scores":      func(m *tiny, s []string) { m.kv["tokenizer.ggml.model"] = "llama" },
		"no start":       func(m *tiny, s []string) { delete(m.kv, "tokenizer.ggml.bos_token_id") },
		"a start beyond": func(m *tiny, s []string) { m.kv["tokenizer.ggml.bos_token_id"] = uint32(tinyVocab) },
		"a start under":  func(m *tiny, s []string) { m.kv["tokenizer.ggml.bos_token_id"] = int32(-1) },
	} {
		eachTiny(t, func(t *testing.T, arch string) {
			m := newTiny(arch)
			change(m, slices.Clone(m.kv["tokenizer.ggml.tokens"].([]string)))
			if err := try(t, m.bytes(t)); !errors.Is(err, ErrModel) && !errors.Is(err, bpe.ErrVocabulary) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// FuzzLoad: no file makes the loader or a session panic.
func FuzzLoad(f *testing.F) {
	for _, arch := range tinyArchs {
		f.Add(newTiny(arch).bytes(f))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if err := try(t, file); err != nil && fmt.Sprint(err) == "" {
			t.Error("an error without words")
		}
	})
}
