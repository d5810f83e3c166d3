package lm

import (
	"errors"
	"math"
	"testing"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/gguf/gguftest"
)

// hostileModel returns a small model file with some values and tensors changed.
func hostileModel(t *testing.T, set map[string]any, add func(w *gguf.Writer)) error {
	t.Helper()
	kv := map[string]any{
		"general.architecture": "llama", "llama.block_count": uint32(2), "llama.embedding_length": uint32(32), "llama.attention.head_count": uint32(4),
		"llama.context_length": uint32(64), "llama.attention.layer_norm_rms_epsilon": float32(1e-5), "llama.rope.freq_base": float32(10000),
		"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": []string{"a", "b", "", ""}, "tokenizer.ggml.scores": []float32{0, -1, -2, -3},
	}
	for k, v := range set {
		kv[k] = v
	}
	w := new(gguf.Writer)
	for k, v := range kv {
		if v != nil {
			w.Set(k, v)
		}
	}
	if add != nil {
		add(w)
	} else {
		w.AddFloat32s("token_embd.weight", []int{32, 4}, make([]float32, 128))
	}
	f := gguftest.Parse(t, w)
	s, err := readShape(f)
	if err != nil {
		return err
	}
	return checkModel(f, &s)
}

func TestCheckModel(t *testing.T) {
	if err := hostileModel(t, nil, nil); err != nil {
		t.Fatal("a good model:", err)
	}
	for _, good := range []map[string]any{
		{"llama.expert_count": uint32(8), "llama.expert_used_count": uint32(2)}, {"llama.rope.scaling.type": "yarn"}, {"llama.rope.scaling.yarn_ext_factor": float32(-1)},
		{"tokenizer.ggml.padding_token_id": uint32(math.MaxUint32)}, {"llama.attention.head_count_kv": uint32(2)}, {"llama.rope.dimension_count": uint32(8)},
		{"general.description": "a\x00b"}, {"gpt2.attention.layer_norm_epsilon": float32(-1)},
	} {
		if err := hostileModel(t, good, nil); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, bad := range []map[string]any{
		{"llama.block_count": uint32(4096)}, {"llama.block_count": uint32(513)}, {"llama.block_count": uint32(0)}, {"llama.block_count": "2"},
		{"llama.attention.layer_norm_rms_epsilon": nan}, {"llama.attention.layer_norm_rms_epsilon": float32(-1)}, {"llama.attention.layer_norm_rms_epsilon": inf},
		{"llama.attention.layer_norm_rms_epsilon": math.NaN()}, {"llama.attention.layer_norm_epsilon": float32(-1e-9)}, {"llama.attention.clamp_kqv": nan},
		{"llama.rope.freq_base": float32(0)}, {"llama.rope.freq_base": nan}, {"llama.rope.scaling.factor": float32(-2)}, {"llama.rope.scaling.type": "x"}, {"llama.rope.scaling.type": uint32(1)},
		{"llama.attention.head_count": uint32(1 << 20)}, {"llama.attention.head_count_kv": uint32(0)}, {"llama.attention.head_count_kv": uint32(3)}, {"llama.attention.head_count_kv": int32(-1)},
		{"llama.attention.key_length": uint32(0)}, {"llama.attention.key_length": uint32(4)}, {"llama.rope.dimension_count": uint32(3)}, {"llama.feed_forward_length": []int32{-1}},
		{"llama.expert_count": uint32(8)}, {"llama.expert_used_count": uint32(2)}, {"llama.expert_count": uint32(1 << 30), "llama.expert_used_count": uint32(1)}, {"llama.nextn_predict_layers": uint32(3)},
		{"llama.attention.causal": false}, {"tokenizer.ggml.tokens": []string{"a", "b", "a", "c"}}, {"tokenizer.ggml.tokens": []string{"a", "b\x00", "c", "d"}}, {"tokenizer.ggml.tokens": []string{"a"}},
		{"tokenizer.ggml.scores": []float32{0, nan, 0, 0}}, {"tokenizer.ggml.bos_token_id": uint32(4)}, {"tokenizer.ggml.tokens": nil},
	} {
		if err := hostileModel(t, bad, nil); !errors.Is(err, ErrModel) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	for name, add := range map[string]func(w *gguf.Writer){
		"a bias of F16":     func(w *gguf.Writer) { w.AddTensor("blk.0.attn_q.bias", ggml.F16, []int{32}, make([]byte, 64)) },
		"a norm of Q8_0":    func(w *gguf.Writer) { w.AddTensor("blk.0.attn_norm.weight", ggml.Q8_0, []int{32}, make([]byte, 34)) },
		"weights of I32":    func(w *gguf.Writer) { w.AddTensor("blk.0.attn_q.weight", ggml.I32, []int{32, 1}, make([]byte, 128)) },
		"weights of F64":    func(w *gguf.Writer) { w.AddTensor("blk.0.attn_q.weight", ggml.F64, []int{32, 1}, make([]byte, 256)) },
		"a third layer":     func(w *gguf.Writer) { w.AddFloat32s("blk.2.attn_q.weight", []int{32, 1}, make([]float32, 32)) },
		"an odd layer":      func(w *gguf.Writer) { w.AddFloat32s("blk.x.attn_q.weight", []int{32, 1}, make([]float32, 32)) },
		"a short head":      func(w *gguf.Writer) { w.AddFloat32s("output.weight", []int{32, 3}, make([]float32, 96)) },
		"a flat vocabulary": func(w *gguf.Writer) { w.AddFloat32s("token_embd.weight", []int{128}, make([]float32, 128)) },
	} {
		if err := hostileModel(t, nil, add); !errors.Is(err, ErrModel) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
