package rnn

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/gguf/gguftest"
)

// rewrite returns the file with changed metadata and tensors: edit may change the
// value or the tensor, or say that it be left out.
func rewrite(t *testing.T, file []byte, kv func(*gguf.KV) bool, tensor func(ts *gguf.Tensor, data *[]byte) bool) []byte {
	t.Helper()
	f, err := gguf.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	var w gguf.Writer
	for _, e := range f.KV {
		if kv == nil || kv(&e) {
			w.Set(e.Key, e.Value)
		}
	}
	for i := range f.Tensors {
		ts := f.Tensors[i]
		data, err := f.Data(&ts)
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.Clone(data)
		if tensor == nil || tensor(&ts, &data) {
			w.AddTensor(ts.Name, ts.Type, ts.Shape, data)
		}
	}
	return gguftest.Bytes(t, &w)
}

func TestLoadInfo(t *testing.T) {
	prototype := Config{Cell: "gru", Layers: 3, Hidden: 512, Embed: 128}
	if n := prototype.Parameters(); n != 4302208 {
		t.Errorf("%d parameters, want 4302208", n)
	}
	c := testConfigs[1].Config
	m := load(t, randomModel(t, c, 1, true), "")
	info := m.Info()
	if info.Name != "test" || info.Numerics != 1 || info.Portability != predict.Portable || info.Kind != predict.Bytes ||
		info.Alphabet != 256 || info.Parameters != c.Parameters() || len(info.Digest) != 32 || info.Kernel == "" {
		t.Errorf("%+v", info)
	}
	if m.Config() != c {
		t.Errorf("config %+v, want %+v", m.Config(), c)
	}
}

// TestLoadFloat checks that a float model gives the bits of the same model when
// quantised beforehand.
func TestLoadFloat(t *testing.T) {
	for _, c := range testConfigs {
		a := goldenHash(t, load(t, randomModel(t, c.Config, 9, true), ""), 2, 1, 50)
		b := goldenHash(t, load(t, randomModel(t, c.Config, 9, false), ""), 2, 1, 50)
		if a != b {
			t.Errorf("%s: quantised %#x, quantised at load %#x", c.Cell, a, b)
		}
	}
}

func TestLoadRejects(t *testing.T) {
	file := randomModel(t, testConfigs[0].Config, 1, true)
	floats := randomModel(t, testConfigs[0].Config, 1, false)
	set := func(key string, v any) func(*gguf.KV) bool {
		return func(e *gguf.KV) bool {
			if e.Key == key {
				e.Value = v
			}
			return true
		}
	}
	change := func(name string, f func(ts *gguf.Tensor, data *[]byte)) func(*gguf.Tensor, *[]byte) bool {
		return func(ts *gguf.Tensor, data *[]byte) bool {
			if ts.Name == name {
				f(ts, data)
			}
			return true
		}
	}
	put := func(v float32) func(ts *gguf.Tensor, data *[]byte) {
		return func(_ *gguf.Tensor, data *[]byte) {
			b := math.Float32bits(v)
			copy((*data)[8:], []byte{byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24)})
		}
	}
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"architecture", "architecture", rewrite(t, file, set("general.architecture", "llama"), nil)},
		{"cell", "cell", rewrite(t, file, set("llmz.cell", "rnn"), nil)},
		{"numerics", "numerics 2", rewrite(t, file, set("llmz.numerics", uint32(2)), nil)},
		{"layers 0", "llmz.layers is 0", rewrite(t, file, set("llmz.layers", uint32(0)), nil)},
		{"layers", "missing", rewrite(t, file, set("llmz.layers", uint32(3)), nil)},
		{"layers huge", "llmz.layers", rewrite(t, file, set("llmz.layers", uint32(1<<31)), nil)},
		{"hidden", "shape", rewrite(t, file, set("llmz.hidden", uint32(47)), nil)},
		{"hidden huge", "llmz.hidden", rewrite(t, file, set("llmz.hidden", uint32(1<<31)), nil)},
		{"embed", "shape", rewrite(t, file, set("llmz.embed", uint32(21)), nil)},
		{"hidden type", "hidden", rewrite(t, file, set("llmz.hidden", float32(48)), nil)},
		{"no metadata", "missing", rewrite(t, file, func(e *gguf.KV) bool { return e.Key != "llmz.embed" }, nil)},
		{"no bias", "missing", rewrite(t, file, nil, func(ts *gguf.Tensor, _ *[]byte) bool { return ts.Name != "fc.bias" })},
		{"no scale", "missing", rewrite(t, file, nil, func(ts *gguf.Tensor, _ *[]byte) bool { return ts.Name != "fc.weight.scale" })},
		{"weight -128", "-128", rewrite(t, file, nil, change("fc.weight", func(_ *gguf.Tensor, d *[]byte) { (*d)[5] = 0x80 }))},
		{"bias NaN", "value 2", rewrite(t, file, nil, change("fc.bias", put(float32(math.NaN()))))},
		{"scale Inf", "value 2", rewrite(t, file, nil, change("fc.weight.scale", put(float32(math.Inf(1)))))},
		{"scale huge", "value 2", rewrite(t, file, nil, change("fc.weight.scale", put(1e7)))},
		{"weight NaN", "value 2", rewrite(t, floats, nil, change("fc.weight", put(float32(math.NaN()))))},
		{"transposed", "shape", rewrite(t, file, nil, change("fc.weight", func(ts *gguf.Tensor, _ *[]byte) {
			ts.Shape[0], ts.Shape[1] = ts.Shape[1], ts.Shape[0]
		}))},
		{"type", "type I16", rewrite(t, file, nil, change("fc.bias", func(ts *gguf.Tensor, d *[]byte) {
			ts.Type, *d = ggml.I16, (*d)[:len(*d)/2]
		}))},
	} {
		_, err := Load(c.file, Options{})
		if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
	if _, err := Load([]byte("no model"), Options{}); !errors.Is(err, gguf.ErrFormat) {
		t.Errorf("not a GGUF: %v", err)
	}
}

// TestZeroWeights predicts all bytes alike.
func TestZeroWeights(t *testing.T) {
	file := rewrite(t, randomModel(t, testConfigs[0].Config, 1, true), nil, func(_ *gguf.Tensor, d *[]byte) bool {
		clear(*d)
		return true
	})
	s := open(t, load(t, file, ""), 1, 1)
	if err := s.Step([]int32{predict.Start}); err != nil {
		t.Fatal(err)
	}
	f, total := s.Freqs(0)
	for _, v := range f {
		if uint32(v)*256 != total {
			t.Fatalf("frequency %d of %d", v, total)
		}
	}
}

func TestLanes(t *testing.T) {
	var m Model
	last := 0
	for _, n := range []int{0, 1, 10846, 32 << 10, 100 << 10, 152089, 512 << 10, 4<<20 - 1, 4 << 20, 16 << 20, 1 << 40} {
		l := m.Lanes(n)
		if l < 1 || l > maxLanes || l < last {
			t.Errorf("%d lanes for %d bytes", l, n)
		}
		last = l
	}
	for n, want := range map[int]int{10846: 1, 64 << 10: 1, 152089: 2, 512 << 10: 8, 16 << 20: maxLanes} {
		if got := m.Lanes(n); got != want {
			t.Errorf("%d lanes for %d bytes, want %d", got, n, want)
		}
	}
}

// FuzzLoad checks that no file makes Load panic.
func FuzzLoad(f *testing.F) {
	f.Add(randomModel(f, Config{Cell: "gru", Layers: 1, Hidden: 4, Embed: 4}, 1, true))
	f.Add(randomModel(f, Config{Cell: "lstm", Layers: 1, Hidden: 2, Embed: 4}, 1, false))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Load(b, Options{})
		if err != nil {
			if !errors.Is(err, gguf.ErrFormat) && !errors.Is(err, ErrModel) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		s := open(t, m, 2, 1)
		if err := s.Step([]int32{predict.Start, 'x'}); err != nil {
			t.Fatal(err)
		}
	})
}
