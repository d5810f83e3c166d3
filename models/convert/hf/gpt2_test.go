package hf

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
)

const (
	tLayers, tHeads, tEmbd, tCtx, tVocab = 2, 2, 32, 8, 40
)

type namedTensor struct {
	name  string
	shape []int
	data  []float32
}

func testTensors() []namedTensor {
	r := rand.New(rand.NewPCG(1, 2))
	var all []namedTensor
	add := func(name string, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = ggml.Float16To32(ggml.Float32To16(float32(r.NormFloat64())))
		}
		all = append(all, namedTensor{name, shape, v})
	}
	add("wte.weight", tVocab, tEmbd)
	add("wpe.weight", tCtx, tEmbd)
	for l := range tLayers {
		p := fmt.Sprintf("h.%d.", l)
		for _, n := range []string{"ln_1", "ln_2"} {
			add(p+n+".weight", tEmbd)
			add(p+n+".bias", tEmbd)
		}
		for _, m := range []struct {
			name    string
			in, out int
		}{{"attn.c_attn", tEmbd, 3 * tEmbd}, {"attn.c_proj", tEmbd, tEmbd}, {"mlp.c_fc", tEmbd, 4 * tEmbd}, {"mlp.c_proj", 4 * tEmbd, tEmbd}} {
			add(p+m.name+".weight", m.in, m.out)
			add(p+m.name+".bias", m.out)
		}
	}
	add("ln_f.weight", tEmbd)
	add("ln_f.bias", tEmbd)
	return all
}

func floatBytes(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

func safetensorsBytes(all []namedTensor, prefix string) []byte {
	head := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var data []byte
	for _, t := range all {
		b := floatBytes(t.data)
		head[prefix+t.name] = map[string]any{"dtype": "F32", "shape": t.shape, "data_offsets": []int{len(data), len(data) + len(b)}}
		data = append(data, b...)
	}
	j, _ := json.Marshal(head)
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(j)))
	return append(append(out, j...), data...)
}

// pickler writes the parts of protocol 2 that torch.save uses.
type pickler struct{ bytes.Buffer }

func (p *pickler) str(s string) {
	p.WriteByte('X')
	binary.Write(p, binary.LittleEndian, uint32(len(s)))
	p.WriteString(s)
}

func (p *pickler) int(n int) {
	p.WriteByte('J')
	binary.Write(p, binary.LittleEndian, int32(n))
}

func (p *pickler) ints(v []int) {
	p.WriteByte('(')
	for _, n := range v {
		p.int(n)
	}
	p.WriteByte('t')
}

// tensors writes a state dict. Tensors without data are masks of one byte an
// element, in storages of that class.
func (p *pickler) tensors(all []namedTensor, mask string) {
	p.WriteString("\x80\x02ccollections\nOrderedDict\n)R(")
	for i, t := range all {
		p.str(t.name)
		p.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((")
		p.str("storage")
		class, count := "FloatStorage", len(t.data)
		if t.data == nil {
			class, count = mask, 4
		}
		p.WriteString("ctorch\n" + class + "\nq\x05")
		p.str(fmt.Sprint(i))
		p.str("cpu")
		p.int(count)
		p.WriteString("tQ")
		p.int(0)
		p.ints(t.shape)
		stride, n := make([]int, len(t.shape)), 1
		for k := len(stride) - 1; k >= 0; k-- {
			stride[k] = n
			n *= t.shape[k]
		}
		p.ints(stride)
		p.WriteString("\x89ccollections\nOrderedDict\n)RtR")
	}
	p.WriteString("u.")
}

func torchZip(t *testing.T, all []namedTensor) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name string, data []byte) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		w.Write(data)
	}
	var p pickler
	p.tensors(all, "")
	put("archive/data.pkl", p.Bytes())
	for i, x := range all {
		put(fmt.Sprintf("archive/data/%d", i), floatBytes(x.data))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func torchLegacy(all []namedTensor) []byte { return torchLegacyWith(all, "") }

func torchLegacyWith(all []namedTensor, mask string) []byte {
	var p pickler
	p.WriteString("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.") // magic
	p.WriteString("\x80\x02M\xe9\x03.")                                        // protocol 1001
	p.WriteString("\x80\x02}(")                                                // system information
	p.str("little_endian")
	p.WriteString("\x88u.")
	p.tensors(all, mask)
	p.WriteString("\x80\x02](")
	for i := range all {
		p.str(fmt.Sprint(i))
	}
	p.WriteString("e.")
	for _, t := range all {
		if t.data == nil {
			binary.Write(&p, binary.LittleEndian, uint64(4))
			p.WriteString("\x01\x00\x01\x01")
			continue
		}
		binary.Write(&p, binary.LittleEndian, uint64(len(t.data)))
		p.Write(floatBytes(t.data))
	}
	return p.Bytes()
}

// folder writes a Hugging Face folder.
func folder(t *testing.T, weights string, data []byte, change map[string]any) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tiny")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cfg := map[string]any{
		"model_type": "gpt2", "n_layer": tLayers, "n_head": tHeads, "n_embd": tEmbd, "n_positions": tCtx,
		"vocab_size": tVocab, "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new",
	}
	for k, v := range change {
		cfg[k] = v
	}
	vocab := map[string]int{"<|endoftext|>": tVocab - 2}
	for i := range tVocab - 2 {
		vocab[string(rune('a'+i))] = i
	}
	write := func(name string, v any) {
		b, ok := v.([]byte)
		if !ok {
			b, _ = json.Marshal(v)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("config.json", cfg)
	write("vocab.json", vocab)
	write("merges.txt", []byte("#version: 0.2\na b\n# #\n"))
	write(weights, data)
	return dir
}

func convertAll(t *testing.T, dir string, typ ggml.Type) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Convert(context.Background(), &b, dir, Options{Type: typ}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSameFromAllFormats converts the same weights from all kinds of files.
func TestSameFromAllFormats(t *testing.T) {
	all := testTensors()
	want := convertAll(t, folder(t, "model.safetensors", safetensorsBytes(all, ""), nil), ggml.Q8_0)
	prefixed := make([]namedTensor, len(all))
	for i, x := range all {
		prefixed[i] = namedTensor{"transformer." + x.name, x.shape, x.data}
	}
	prefixed = append(prefixed, namedTensor{"lm_head.weight", all[0].shape, all[0].data}) // tied
	for name, data := range map[string][]byte{
		"zip": torchZip(t, all), "legacy": torchLegacy(all), "prefix": torchZip(t, prefixed),
	} {
		if got := convertAll(t, folder(t, "pytorch_model.bin", data, nil), ggml.Q8_0); !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes than from safetensors", name)
		}
	}
	for range 3 { // maps are walked in random order
		if got := convertAll(t, folder(t, "model.safetensors", safetensorsBytes(all, "transformer."), nil), ggml.Q8_0); !bytes.Equal(got, want) {
			t.Fatal("other bytes the next time")
		}
	}
}

// TestUnusualFolders converts the same weights and vocabulary from folders that
// differ from the plain ones in ways that are met.
func TestUnusualFolders(t *testing.T) {
	all := testTensors()
	want := convertAll(t, folder(t, "model.safetensors", safetensorsBytes(all, ""), nil), ggml.Q8_0)
	rewrite := func(dir, name string, f func([]byte) []byte) {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, f(b), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(dir string){
		"byte order marks": func(dir string) {
			for _, n := range []string{"config.json", "vocab.json", "merges.txt"} {
				rewrite(dir, n, func(b []byte) []byte { return append([]byte("\ufeff"), b...) })
			}
		},
		"ends of lines": func(dir string) {
			rewrite(dir, "merges.txt", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) })
		},
		"shards": func(dir string) {
			os.Remove(filepath.Join(dir, "model.safetensors"))
			files := map[string]string{}
			for i, part := range [][]namedTensor{all[:5], all[5:]} {
				n := fmt.Sprintf("model-%05d-of-00002.safetensors", i+1)
				if err := os.WriteFile(filepath.Join(dir, n), safetensorsBytes(part, "transformer."), 0o644); err != nil {
					t.Fatal(err)
				}
				for _, x := range part {
					files["transformer."+x.name] = n
				}
			}
			b, _ := json.Marshal(map[string]any{"metadata": map[string]int{"total_size": 1}, "weight_map": files})
			if err := os.WriteFile(filepath.Join(dir, "model.safetensors.index.json"), b, 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"wrappers": func(dir string) {
			rewrite(dir, "model.safetensors", func([]byte) []byte { return safetensorsBytes(all, "module._orig_mod.transformer.") })
		},
		"old names of the vocabulary": func(dir string) {
			os.Rename(filepath.Join(dir, "vocab.json"), filepath.Join(dir, "encoder.json"))
			os.Rename(filepath.Join(dir, "merges.txt"), filepath.Join(dir, "vocab.bpe"))
		},
		"tokenizer.json alone": func(dir string) { tokenizerOnly(t, dir, []any{"a b", []string{"#", "#"}}) },
	} {
		dir := folder(t, "model.safetensors", safetensorsBytes(all, ""), nil)
		change(dir)
		if got := convertAll(t, dir, ggml.Q8_0); !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes", name)
		}
	}
}

// tokenizerOnly replaces a folder's vocabulary by a tokenizer.json.
func tokenizerOnly(t *testing.T, dir string, merges []any) {
	t.Helper()
	var vocab map[string]int
	b, err := os.ReadFile(filepath.Join(dir, "vocab.json"))
	if err == nil {
		err = json.Unmarshal(b, &vocab)
	}
	if err != nil {
		t.Fatal(err)
	}
	id := vocab[endOfText]
	delete(vocab, endOfText)
	b, _ = json.Marshal(map[string]any{
		"version":       "1.0",
		"added_tokens":  []any{map[string]any{"id": id, "content": endOfText, "special": true}},
		"pre_tokenizer": map[string]any{"type": "ByteLevel", "add_prefix_space": false},
		"model":         map[string]any{"type": "BPE", "vocab": vocab, "merges": merges},
	})
	os.Remove(filepath.Join(dir, "vocab.json"))
	os.Remove(filepath.Join(dir, "merges.txt"))
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRange: what a type cannot hold is refused, never written as an infinity.
func TestRange(t *testing.T) {
	for _, c := range []struct {
		value float32
		ok    []ggml.Type
	}{
		{60000, []ggml.Type{ggml.F32, ggml.F16, ggml.Q8_0}},
		{-70000, []ggml.Type{ggml.F32, ggml.Q8_0}},
		{1e7, []ggml.Type{ggml.F32}},
		{1e-42, []ggml.Type{ggml.F32, ggml.F16, ggml.Q8_0}},
	} {
		all := testTensors()
		for i, x := range all {
			if x.name == "h.0.mlp.c_fc.weight" {
				all[i].data[0] = c.value
			}
		}
		dir := folder(t, "model.safetensors", safetensorsBytes(all, ""), nil)
		for _, typ := range []ggml.Type{ggml.F32, ggml.F16, ggml.Q8_0} {
			var b bytes.Buffer
			err := Convert(context.Background(), &b, dir, Options{Type: typ})
			if slices.Contains(c.ok, typ) != (err == nil) || err != nil && !errors.Is(err, ErrFormat) {
				t.Errorf("%v as %v: %v", c.value, typ, err)
			}
			if err != nil {
				continue
			}
			f, err := gguf.Parse(b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			for i := range f.Tensors {
				v, err := f.Float32s(&f.Tensors[i])
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range v {
					if math.IsInf(float64(x), 0) || math.IsNaN(float64(x)) {
						t.Fatalf("%v as %v: %s holds %v", c.value, typ, f.Tensors[i].Name, x)
					}
				}
			}
		}
	}
}

// TestMaskedLegacy converts what GPT-2's folders of 2019 are like: masks of bytes
// between the weights.
func TestMaskedLegacy(t *testing.T) {
	all := testTensors()
	want := convertAll(t, folder(t, "model.safetensors", safetensorsBytes(all, ""), nil), ggml.F16)
	mask := func(name string) namedTensor { return namedTensor{name, []int{1, 1, 2, 2}, nil} }
	masked := slices.Concat(all[:4], []namedTensor{mask("h.0.attn.bias")}, all[4:], []namedTensor{mask("h.1.attn.bias")})
	for _, class := range []string{"ByteStorage", "BoolStorage"} {
		if got := convertAll(t, folder(t, "pytorch_model.bin", torchLegacyWith(masked, class), nil), ggml.F16); !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes", class)
		}
	}
}

func TestContent(t *testing.T) {
	all := testTensors()
	dir := folder(t, "model.safetensors", safetensorsBytes(all, ""), nil)
	for typ, tolerance := range map[ggml.Type]float64{ggml.F32: 0, ggml.F16: 0, ggml.Q8_0: 0.02} {
		f, err := gguf.Parse(convertAll(t, dir, typ))
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := gguf.Get[string](f, "general.name"); v != "tiny" {
			t.Errorf("name %q", v)
		}
		if v, _ := gguf.Get[uint32](f, "gpt2.context_length"); v != tCtx {
			t.Errorf("context length %d", v)
		}
		if v, _ := gguf.Get[uint32](f, "tokenizer.ggml.bos_token_id"); v != tVocab-2 {
			t.Errorf("start symbol %d", v)
		}
		tokens, _ := gguf.Get[[]string](f, "tokenizer.ggml.tokens")
		types, _ := gguf.Get[[]int32](f, "tokenizer.ggml.token_type")
		merges, _ := gguf.Get[[]string](f, "tokenizer.ggml.merges")
		if len(tokens) != tVocab || tokens[tVocab-1] != "[PAD39]" || types[tVocab-1] != tokenUnused || types[tVocab-2] != tokenControl || !slices.Equal(merges, []string{"a b", "# #"}) {
			t.Errorf("vocabulary %q %v %q", tokens, types, merges)
		}
		for from, to := range map[string]string{"wte.weight": "token_embd.weight", "h.1.mlp.c_proj.weight": "blk.1.ffn_down.weight", "h.0.attn.c_attn.bias": "blk.0.attn_qkv.bias", "wpe.weight": "position_embd.weight"} {
			x := all[slices.IndexFunc(all, func(n namedTensor) bool { return n.name == from })]
			tn, err := f.Tensor(to)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Float32s(tn)
			if err != nil {
				t.Fatal(err)
			}
			want := x.data
			if from == "h.1.mlp.c_proj.weight" {
				want = make([]float32, len(x.data)) // [in, out] becomes rows of in
				for i := range x.shape[0] {
					for o := range x.shape[1] {
						want[o*x.shape[0]+i] = x.data[i*x.shape[1]+o]
					}
				}
				if tn.Shape[0] != x.shape[0] {
					t.Errorf("%s has rows of %d", to, tn.Shape[0])
				}
			}
			for i := range want {
				if math.Abs(float64(got[i]-want[i])) > tolerance {
					t.Fatalf("%v %s[%d] = %v, want %v", typ, to, i, got[i], want[i])
				}
			}
		}
	}
}

func TestUntiedHead(t *testing.T) {
	all := testTensors()
	head := slices.Clone(all[0].data)
	head[7]++
	all = append(all, namedTensor{"lm_head.weight", all[0].shape, head})
	f, err := gguf.Parse(convertAll(t, folder(t, "pytorch_model.bin", torchZip(t, all), nil), ggml.F16))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tensor("output.weight"); err != nil {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	all := testTensors()
	good := safetensorsBytes(all, "")
	nan := slices.Clone(all)
	nan[3].data = slices.Clone(nan[3].data)
	nan[3].data[1] = float32(math.NaN())
	short := slices.Clone(all)
	short[0] = namedTensor{"wte.weight", []int{tVocab - 1, tEmbd}, short[0].data[:(tVocab-1)*tEmbd]}
	for name, c := range map[string]struct {
		data   []byte
		change map[string]any
	}{
		"a vocabulary of no end": {good, map[string]any{"vocab_size": 1 << 24}},
		"a pointer":              {[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), nil},
		"other model":            {good, map[string]any{"model_type": "bert"}},
		"activation":             {good, map[string]any{"activation_function": "relu"}},
		"scaling":                {good, map[string]any{"scale_attn_by_inverse_layer_idx": true}},
		"no layers":              {good, map[string]any{"n_layer": 0}},
		"more layers":            {good, map[string]any{"n_layer": 3}},
		"heads":                  {good, map[string]any{"n_head": 3}},
		"cut off":                {good[:len(good)-5], nil},
		"only a header":          {good[:8], nil},
		"empty":                  {nil, nil},
		"not a number":           {safetensorsBytes(nan, ""), nil},
		"short matrix":           {safetensorsBytes(short, ""), nil},
		"missing":                {safetensorsBytes(all[1:], ""), nil},
	} {
		dir := folder(t, "model.safetensors", c.data, c.change)
		if err := Convert(context.Background(), io.Discard, dir, Options{Type: ggml.F16}); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if err := Convert(context.Background(), io.Discard, t.TempDir(), Options{Type: ggml.F16}); !errors.Is(err, ErrFormat) {
		t.Errorf("empty folder: error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Convert(ctx, io.Discard, folder(t, "model.safetensors", good, nil), Options{Type: ggml.F16}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}
