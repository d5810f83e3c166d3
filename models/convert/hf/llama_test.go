package hf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/lm/transformer"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
)

const storiesFile = "../../../testdata/stories260K/stories260K.gguf"

// namesInLayer are the names of a layer's tensors in a folder, by those in GGUF.
var namesInLayer = map[string]string{
	"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
	"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
	"ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}

func nameInFolder(name string) string {
	switch name {
	case "token_embd.weight":
		return "model.embed_tokens.weight"
	case "output_norm.weight":
		return "model.norm.weight"
	case "output.weight":
		return "lm_head.weight"
	}
	part := strings.Split(name, ".") // blk, N, name, weight
	return "model.layers." + part[1] + "." + namesInLayer[part[2]] + "." + part[3]
}

// halves is the reverse of what GGUF's llama wants: rows of neighbouring pairs become
// rows of halves of heads.
func halves(v []float32, rows, size int) []float32 {
	cols := len(v) / rows
	out := make([]float32, len(v))
	for r := range rows {
		h, i, j := r/size, r%size/2, r%2
		copy(out[(h*size+j*size/2+i)*cols:], v[r*cols:(r+1)*cols])
	}
	return out
}

func writeFolder(t *testing.T, config, tokenizer map[string]any, weights []byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, v := range map[string]any{"config.json": config, "tokenizer.json": tokenizer, "model.safetensors": weights} {
		b, ok := v.([]byte)
		if !ok {
			b, _ = json.Marshal(v)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// convertFile converts a folder to a file.
func convertFile(t *testing.T, dir string, typ ggml.Type) (string, *gguf.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.gguf")
	b := convertAll(t, dir, typ)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return path, f
}

func openModel(t *testing.T, path string) *transformer.Model {
	t.Helper()
	m, err := transformer.Open(context.Background(), transformer.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// frequencies returns those of each step of one lane.
func frequencies(t *testing.T, m *transformer.Model, ids []int32) (all [][]uint32) {
	t.Helper()
	s, err := m.NewSession(context.Background(), predict.SessionOptions{Lanes: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	prev := []int32{predict.Start}
	for _, id := range ids {
		if err := s.Step(prev); err != nil {
			t.Fatal(err)
		}
		f, _ := s.Freqs(0)
		all = append(all, slices.Clone(f))
		prev[0] = id
	}
	return all
}

// llamaTokenizer is a tokenizer.json as those of Llama 2.
func llamaTokenizer(tokens []string) map[string]any {
	vocab := map[string]int{}
	for i, s := range tokens {
		vocab[s] = i
	}
	var added []any
	for i, s := range tokens[:3] {
		added = append(added, map[string]any{"id": i, "content": s, "special": true})
	}
	return map[string]any{
		"added_tokens": added, "pre_tokenizer": nil,
		"model": map[string]any{"type": "BPE", "vocab": vocab, "merges": []string{}, "unk_token": "<unk>", "byte_fallback": true},
	}
}

// storiesFolder makes a folder as Hugging Face's of a trained model.
func storiesFolder(t *testing.T, typ string, change map[string]any) (dir string, f *gguf.File) {
	t.Helper()
	f, err := gguf.Open(storiesFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	tokens, err := gguf.Get[[]string](f, "tokenizer.ggml.tokens")
	if err != nil {
		t.Fatal(err)
	}
	var all []namedTensor
	for i := range f.Tensors {
		x := &f.Tensors[i]
		v, err := f.Float32s(x)
		if err != nil {
			t.Fatal(err)
		}
		shape := slices.Clone(x.Shape)
		slices.Reverse(shape)
		if typ == "llama" && (strings.Contains(x.Name, "attn_q.") || strings.Contains(x.Name, "attn_k.")) {
			v = halves(v, shape[0], 8)
		}
		all = append(all, namedTensor{nameInFolder(x.Name), shape, v})
	}
	all = append(all, namedTensor{"model.layers.0.self_attn.rotary_emb.inv_freq", []int{4}, make([]float32, 4)})
	config := map[string]any{
		"model_type": typ, "hidden_act": "silu", "num_hidden_layers": 5, "num_attention_heads": 8, "num_key_value_heads": 4,
		"hidden_size": 64, "intermediate_size": 172, "max_position_embeddings": 128, "vocab_size": 512, "rms_norm_eps": 1e-5,
		"bos_token_id": 1, "eos_token_id": []int{2, 0}, "tie_word_embeddings": false, "rope_scaling": nil, "rope_theta": 10000.0,
	}
	maps.Copy(config, change)
	return writeFolder(t, config, llamaTokenizer(tokens), safetensorsBytes(all, "")), f
}

// TestLlama converts a trained model back from what its folder would be.
func TestLlama(t *testing.T) {
	dir, want := storiesFolder(t, "llama", nil)
	path, got := convertFile(t, dir, ggml.F32)
	if len(got.Tensors) != len(want.Tensors) {
		t.Errorf("%d tensors, want %d", len(got.Tensors), len(want.Tensors))
	}
	for i := range want.Tensors {
		x := &want.Tensors[i]
		y, err := got.Tensor(x.Name)
		if err != nil {
			t.Fatal(err)
		}
		a, err1 := want.Float32s(x)
		b, err2 := got.Float32s(y)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(x.Shape, y.Shape) || !slices.Equal(a, b) {
			t.Errorf("%s differs", x.Name)
		}
	}
	for _, kv := range want.KV {
		switch kv.Key {
		case "general.name", "tokenizer.ggml.scores", "tokenizer.ggml.seperator_token_id", "tokenizer.ggml.padding_token_id":
			continue
		}
		if v, ok := got.Value(kv.Key); !ok || fmt.Sprint(v) != fmt.Sprint(kv.Value) {
			t.Errorf("%s is %v, want %v", kv.Key, v, kv.Value)
		}
	}
	if b, _ := gguf.Get[float32](got, "llama.rope.freq_base"); b != 10000 {
		t.Errorf("rope.freq_base %v", b)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(storiesFile), "stories.txt"))
	if err != nil {
		t.Fatal(err)
	}
	m, original := openModel(t, path), openModel(t, storiesFile)
	ids, err1 := m.Tokenize(context.Background(), text)
	same, err2 := original.Tokenize(context.Background(), text)
	if err := errors.Join(err1, err2); err != nil || !slices.Equal(ids, same) {
		t.Fatalf("other tokens (%v)", err)
	}
	a, b := frequencies(t, m, ids[:150]), frequencies(t, original, ids[:150])
	for i := range a {
		if !slices.Equal(a[i], b[i]) {
			t.Fatalf("other frequencies at token %d", i)
		}
	}
}

// TestLlamaTypes converts to the other types, tied, and with a newer config.json.
func TestLlamaTypes(t *testing.T) {
	for _, typ := range []ggml.Type{ggml.F16, ggml.Q8_0} {
		dir, _ := storiesFolder(t, "llama", map[string]any{
			"tie_word_embeddings": true, "rope_theta": nil, "head_dim": 8, "layer_types": []string{"full_attention"},
			"rope_parameters": map[string]any{"rope_type": "default", "rope_theta": 500000.0},
		})
		path, f := convertFile(t, dir, typ)
		if _, err := f.Tensor("output.weight"); err == nil {
			t.Error("a tied output matrix is in the file")
		}
		if b, _ := gguf.Get[float32](f, "llama.rope.freq_base"); b != 500000 {
			t.Errorf("rope.freq_base %v", b)
		}
		if x, err := f.Tensor("blk.0.attn_q.weight"); err != nil || x.Type != typ {
			t.Errorf("attn_q: %v, want %v", err, typ)
		}
		openModel(t, path)
	}
}

// bytePairTokenizer is a tokenizer.json of byte-level BPE with all bytes' tokens.
func bytePairTokenizer(pre any) map[string]any {
	vocab := map[string]int{}
	for b := range 256 { // GPT-2's printable alphabet
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae) {
			r = 0x100 + rune(len(vocab))
			for ; vocab[string(r)] != 0; r++ {
			}
		}
		vocab[string(r)] = b
	}
	vocab["ab"] = 256
	return map[string]any{
		"pre_tokenizer": pre,
		"model":         map[string]any{"type": "BPE", "vocab": vocab, "merges": []any{[]string{"a", "b"}}},
		"added_tokens": []any{
			map[string]any{"id": 257, "content": "<|endoftext|>", "special": true},
			map[string]any{"id": 258, "content": "<tool call>", "special": false},
		},
	}
}

func split(regex string) any {
	return map[string]any{"type": "Sequence", "pretokenizers": []any{
		map[string]any{"type": "Split", "pattern": map[string]any{"Regex": regex}, "behavior": "Isolated"},
		map[string]any{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},
	}}
}

const (
	qwenPattern   = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	llama3Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

var smollmPre = map[string]any{"type": "Sequence", "pretokenizers": []any{
	map[string]any{"type": "Digits", "individual_digits": true},
	map[string]any{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
}}

// qwenFolder makes a folder of a random model.
func qwenFolder(t *testing.T, pre any) (dir string, all []namedTensor) {
	r := rand.New(rand.NewPCG(3, 4))
	add := func(name string, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64()) / 4
		}
		all = append(all, namedTensor{name, shape, v})
	}
	add("model.embed_tokens.weight", 260, 32)
	for l := range 2 {
		p := fmt.Sprintf("model.layers.%d.", l)
		add(p+"input_layernorm.weight", 32)
		add(p+"post_attention_layernorm.weight", 32)
		for _, m := range []string{"q", "k", "v"} {
			rows := 16
			if m == "q" {
				rows = 32
			}
			add(p+"self_attn."+m+"_proj.weight", rows, 32)
			add(p+"self_attn."+m+"_proj.bias", rows)
		}
		add(p+"self_attn.o_proj.weight", 32, 32)
		add(p+"mlp.gate_proj.weight", 64, 32)
		add(p+"mlp.up_proj.weight", 64, 32)
		add(p+"mlp.down_proj.weight", 32, 64)
	}
	add("model.norm.weight", 32)
	config := map[string]any{
		"model_type": "qwen2", "hidden_act": "silu", "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
		"hidden_size": 32, "intermediate_size": 64, "max_position_embeddings": 64, "vocab_size": 260, "rms_norm_eps": 1e-6,
		"bos_token_id": 257, "tie_word_embeddings": true, "rope_theta": 1e6,
		"use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 1,
	}
	return writeFolder(t, config, bytePairTokenizer(pre), safetensorsBytes(all, "")), all
}

// TestQwen2: biases are taken over, rows stay where they are.
func TestQwen2(t *testing.T) {
	dir, all := qwenFolder(t, split(qwenPattern))
	path, f := convertFile(t, dir, ggml.F32)
	if len(f.Tensors) != len(all) {
		t.Errorf("%d tensors of %d", len(f.Tensors), len(all))
	}
	for i := range f.Tensors {
		x := &f.Tensors[i]
		v, err := f.Float32s(x)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(all, func(n namedTensor) bool { return n.name == nameInFolder(x.Name) })
		if at < 0 || !slices.Equal(v, all[at].data) {
			t.Errorf("%s differs", x.Name)
		}
	}
	for key, want := range map[string]any{
		"general.architecture": "qwen2", "qwen2.block_count": uint32(2), "qwen2.context_length": uint32(64), "qwen2.embedding_length": uint32(32),
		"qwen2.feed_forward_length": uint32(64), "qwen2.attention.head_count": uint32(4), "qwen2.attention.head_count_kv": uint32(2),
		"qwen2.attention.layer_norm_rms_epsilon": float32(1e-6), "qwen2.rope.dimension_count": uint32(8), "qwen2.rope.freq_base": float32(1e6),
		"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2", "tokenizer.ggml.bos_token_id": uint32(257), "tokenizer.ggml.eos_token_id": uint32(257),
	} {
		if v, _ := f.Value(key); v != want {
			t.Errorf("%s is %v, want %v", key, v, want)
		}
	}
	types, _ := gguf.Get[[]int32](f, "tokenizer.ggml.token_type")
	if !slices.Equal(types[255:], []int32{tokenNormal, tokenNormal, tokenControl, tokenUser, tokenUnused}) {
		t.Errorf("types %v", types[255:])
	}
	m := openModel(t, path)
	ids, err := m.Tokenize(context.Background(), []byte("abba\x00\xff 12"))
	if err != nil || ids[0] != 256 {
		t.Fatalf("tokens %v (%v)", ids, err)
	}
	if f := frequencies(t, m, ids); len(f[0]) != 260 {
		t.Errorf("%d frequencies", len(f[0]))
	}
}

func TestPreTokenizers(t *testing.T) {
	for name, c := range map[string]struct {
		pre  any
		want string
	}{
		"GPT-2":             {map[string]any{"type": "ByteLevel"}, "gpt-2"},
		"SmolLM2":           {smollmPre, "smollm"},
		"Qwen2":             {split(qwenPattern), "qwen2"},
		"Llama 3":           {split(llama3Pattern), "llama-bpe"},
		"another pattern":   {split(`\w+`), ""},
		"no bytes":          {map[string]any{"type": "Whitespace"}, ""},
		"none":              {nil, ""},
		"another step":      {map[string]any{"type": "Sequence", "pretokenizers": []any{map[string]any{"type": "Punctuation"}, map[string]any{"type": "ByteLevel"}}}, ""},
		"of a wrong type":   {map[string]any{"type": 3}, ""},
		"an empty sequence": {map[string]any{"type": "Sequence"}, ""},
	} {
		dir, _ := qwenFolder(t, c.pre)
		var b bytes.Buffer
		err := Convert(context.Background(), &b, dir, Options{Type: ggml.F32})
		if c.want == "" {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("%s: error %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f, err := gguf.Parse(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if pre, _ := gguf.Get[string](f, "tokenizer.ggml.pre"); pre != c.want {
			t.Errorf("%s: %q, want %q", name, pre, c.want)
		}
	}
}

// TestLlamaRefused: what the architecture does not have is refused by name.
func TestLlamaRefused(t *testing.T) {
	scaled := map[string]any{"type": "linear", "factor": 2.0}
	for name, c := range map[string]struct {
		change map[string]any
		says   string
	}{
		"scaled rotations":       {map[string]any{"rope_scaling": scaled}, "rope_scaling"},
		"newer scaled rotations": {map[string]any{"rope_scaling": map[string]any{"rope_type": "llama3"}}, "rope_scaling"},
		"newest":                 {map[string]any{"rope_parameters": map[string]any{"rope_type": "yarn"}}, "rope_scaling"},
		"partial rotations":      {map[string]any{"partial_rotary_factor": 0.5}, "partial_rotary_factor"},
		"a window":               {map[string]any{"sliding_window": 64}, "sliding_window"},
		"a window in use":        {map[string]any{"sliding_window": 64, "use_sliding_window": true}, "sliding_window"},
		"layers of windows":      {map[string]any{"layer_types": []string{"full_attention", "sliding_attention"}}, "sliding_window"},
		"biases":                 {map[string]any{"attention_bias": true}, "attention_bias"},
		"other biases":           {map[string]any{"mlp_bias": true}, "mlp_bias"},
		"activation":             {map[string]any{"hidden_act": "gelu"}, "hidden_act"},
		"wide heads":             {map[string]any{"head_dim": 16}, "head_dim"},
		"quantised":              {map[string]any{"quantization_config": map[string]any{"bits": 4}}, "quantization_config"},
		"heads that don't fit":   {map[string]any{"num_attention_heads": 7}, "heads"},
		"odd heads":              {map[string]any{"num_attention_heads": 64}, "heads"},
		"groups that don't fit":  {map[string]any{"num_key_value_heads": 3}, "heads"},
		"no keys":                {map[string]any{"num_key_value_heads": 0}, "size of 0"},
		"negative":               {map[string]any{"hidden_size": -64}, "size of -64"},
		"no layers":              {map[string]any{"num_hidden_layers": nil}, "size of 0"},
		"many layers":            {map[string]any{"num_hidden_layers": 1 << 30}, "size of"},
		"more layers":            {map[string]any{"num_hidden_layers": 6}, "layers.5"},
		"fewer layers":           {map[string]any{"num_hidden_layers": 4}, "layers.4"},
		"another width":          {map[string]any{"intermediate_size": 171}, "gate_proj"},
		"no room":                {map[string]any{"max_position_embeddings": 0}, "size of 0"},
		"vocabulary":             {map[string]any{"vocab_size": 1 << 23}, "vocabulary"},
		"small vocabulary":       {map[string]any{"vocab_size": 511}, "token"},
		"no epsilon":             {map[string]any{"rms_norm_eps": 0}, "rms_norm_eps"},
		"large epsilon":          {map[string]any{"rms_norm_eps": 1e300}, "rms_norm_eps"},
		"no rotation":            {map[string]any{"rope_theta": 0}, "rope_theta"},
		"words":                  {map[string]any{"hidden_size": "64"}, "hidden_size"},
		"a start of words":       {map[string]any{"bos_token_id": "<s>"}, "config.json"},
		"another family":         {map[string]any{"model_type": "gemma2"}, "gemma2"},
	} {
		dir, _ := storiesFolder(t, "llama", c.change)
		err := Convert(context.Background(), io.Discard, dir, Options{Type: ggml.F32})
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one about %s", name, err, c.says)
		}
	}
	dir, _ := storiesFolder(t, "qwen2", nil) // has no biases
	if err := Convert(context.Background(), io.Discard, dir, Options{Type: ggml.F32}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "q_proj.bias") {
		t.Errorf("no biases: error %v", err)
	}
}
