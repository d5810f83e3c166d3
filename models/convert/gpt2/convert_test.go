package gpt2

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

func (p *pickler) tensors(all []namedTensor) {
	p.WriteString("\x80\x02ccollections\nOrderedDict\n)R(")
	for i, t := range all {
		p.str(t.name)
		p.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((")
		p.str("storage")
		p.WriteString("ctorch\nFloatStorage\nq\x05")
		p.str(fmt.Sprint(i))
		p.str("cpu")
		p.int(len(t.data))
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
	p.tensors(all)
	put("archive/data.pkl", p.Bytes())
	for i, x := range all {
		put(fmt.Sprintf("archive/data/%d", i), floatBytes(x.data))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func torchLegacy(all []namedTensor) []byte {
	var p pickler
	p.WriteString("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.") // magic
	p.WriteString("\x80\x02M\xe9\x03.")                                        // protocol 1001
	p.WriteString("\x80\x02}(")                                                // system information
	p.str("little_endian")
	p.WriteString("\x88u.")
	p.tensors(all)
	p.WriteString("\x80\x02](")
	for i := range all {
		p.str(fmt.Sprint(i))
	}
	p.WriteString("e.")
	for _, t := range all {
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
		"other model":   {good, map[string]any{"model_type": "llama"}},
		"activation":    {good, map[string]any{"activation_function": "relu"}},
		"scaling":       {good, map[string]any{"scale_attn_by_inverse_layer_idx": true}},
		"no layers":     {good, map[string]any{"n_layer": 0}},
		"more layers":   {good, map[string]any{"n_layer": 3}},
		"heads":         {good, map[string]any{"n_head": 3}},
		"cut off":       {good[:len(good)-5], nil},
		"only a header": {good[:8], nil},
		"empty":         {nil, nil},
		"not a number":  {safetensorsBytes(nan, ""), nil},
		"short matrix":  {safetensorsBytes(short, ""), nil},
		"missing":       {safetensorsBytes(all[1:], ""), nil},
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

func FuzzCheckpoint(f *testing.F) {
	all := testTensors()[2:4]
	f.Add(safetensorsBytes(all, ""))
	f.Add(torchLegacy(all))
	var p pickler
	p.tensors(all)
	f.Add(p.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func(io.ReaderAt, int64) (map[string]tensor, error){parseSafetensors, parseTorch} {
			ts, err := parse(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				continue
			}
			if checkBounds(ts, int64(len(b))) != nil {
				continue
			}
			for _, x := range ts {
				if n, err := elements(x.shape); err != nil || x.dtype != dtypeOther && n*x.dtype.size() > len(b) {
					t.Fatalf("a tensor of %v in %d bytes", x.shape, len(b))
				}
			}
		}
	})
}
