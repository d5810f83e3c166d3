package convert

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/llmz/llmz/engine/rnn"
)

// tiny returns a network with random weights.
func tiny(cell string) *Network {
	r := rand.New(rand.NewPCG(1, 2))
	n := &Network{Config: rnn.Config{Cell: cell, Layers: 2, Hidden: 8, Embed: 4}, Tensors: map[string]Tensor{}}
	for _, s := range specs(n.Config) {
		t := Tensor{Shape: []int{s.rows, s.cols}, Data: make([]float32, max(s.rows, 1)*s.cols)}
		if s.rows == 0 {
			t.Shape = t.Shape[1:]
		}
		for i := range t.Data {
			t.Data[i] = float32(r.NormFloat64())
		}
		n.Tensors[s.name] = t
	}
	return n
}

func equal(t *testing.T, got, want *Network, tolerance float64) {
	t.Helper()
	if got.Config != want.Config {
		t.Fatalf("config %+v, want %+v", got.Config, want.Config)
	}
	if len(got.Tensors) != len(want.Tensors) {
		t.Fatalf("%d tensors, want %d", len(got.Tensors), len(want.Tensors))
	}
	for name, w := range want.Tensors {
		g := got.Tensors[name]
		if !slices.Equal(g.Shape, w.Shape) {
			t.Fatalf("%s: shape %v, want %v", name, g.Shape, w.Shape)
		}
		for i := range w.Data {
			if math.Abs(float64(g.Data[i]-w.Data[i])) > tolerance {
				t.Fatalf("%s[%d] = %v, want %v", name, i, g.Data[i], w.Data[i])
			}
		}
	}
}

func TestGGUFRoundTrip(t *testing.T) {
	for _, cell := range []string{"gru", "lstm"} {
		for _, quantise := range []bool{false, true} {
			want := tiny(cell)
			var file bytes.Buffer
			if err := want.WriteGGUF(&file, WriteOptions{Quantise: quantise, Name: "tiny"}); err != nil {
				t.Fatal(err)
			}
			got, err := Read(file.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			tolerance := 0.0
			if quantise {
				tolerance = 4.5 / 254 // values are below 4.5, steps of max/127
			}
			equal(t, got, want, tolerance)
			m, err := rnn.Load(file.Bytes(), rnn.Options{Name: "tiny"})
			if err != nil {
				t.Fatal(err)
			}
			if m.Config() != want.Config {
				t.Errorf("engine reads %+v, want %+v", m.Config(), want.Config)
			}
			// Quantised once, a network is a fixed point.
			if quantise {
				var again bytes.Buffer
				if err := got.WriteGGUF(&again, WriteOptions{Quantise: true, Name: "tiny"}); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(again.Bytes(), file.Bytes()) {
					t.Error("quantising a quantised network changes it")
				}
			}
		}
	}
}

// safetensors writes n in that format, with other module names.
func safetensors(n *Network) []byte {
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var body []byte
	for _, name := range slices.Sorted(maps.Keys(n.Tensors)) {
		t := n.Tensors[name]
		from := len(body)
		for _, v := range t.Data {
			body = binary.LittleEndian.AppendUint32(body, math.Float32bits(v))
		}
		header[name] = map[string]any{"dtype": "F32", "shape": t.Shape, "data_offsets": [2]int{from, len(body)}}
	}
	text, _ := json.Marshal(header)
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(out, text...), body...)
}

func TestSafetensors(t *testing.T) {
	want := tiny("gru")
	got, err := Read(safetensors(want))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, want, 0)
}

// TestStateDict reads files in torch.save's formats; testdata/statedict.py made them.
func TestStateDict(t *testing.T) {
	for _, name := range []string{"tiny.pt", "tiny4.pt", "big.pt", "legacy.bin"} {
		got, err := Load("testdata/" + name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := (rnn.Config{Cell: "gru", Layers: 2, Hidden: 4, Embed: 3}); got.Config != want {
			t.Fatalf("%s: config %+v, want %+v", name, got.Config, want)
		}
		// The script numbers the values of each tensor: value i of tensor k is k + i/4096.
		for k, s := range specs(got.Config) {
			for i, v := range got.Tensors[s.name].Data {
				if want := float32(k) + float32(i)/4096; v != want {
					t.Fatalf("%s: %s[%d] = %v, want %v", name, s.name, i, v, want)
				}
			}
		}
	}
}

func TestModuleNames(t *testing.T) {
	want := tiny("lstm")
	renamed := map[string]Tensor{}
	for name, v := range want.Tensors {
		switch name {
		case "embedding.weight":
			name = "model.emb.weight"
		case "fc.weight", "fc.bias":
			name = "model.head." + name[3:]
		default:
			name = "model.rnn." + name[5:]
		}
		renamed[name] = v
	}
	got, err := NewNetwork(renamed)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, want, 0)
}

func TestUnsuitableNetworks(t *testing.T) {
	for name, change := range map[string]func(map[string]Tensor){
		"missing":    func(m map[string]Tensor) { delete(m, "gru.bias_ih_l1") },
		"no cell":    func(m map[string]Tensor) { delete(m, "gru.weight_hh_l0") },
		"extra":      func(m map[string]Tensor) { m["conv.weight"] = Tensor{[]int{2, 2}, make([]float32, 4)} },
		"shape":      func(m map[string]Tensor) { m["fc.weight"] = Tensor{[]int{256, 9}, make([]float32, 256*9)} },
		"not finite": func(m map[string]Tensor) { m["fc.bias"].Data[3] = float32(math.NaN()) },
		"length":     func(m map[string]Tensor) { m["fc.bias"] = Tensor{[]int{256}, make([]float32, 255)} },
		"gates":      func(m map[string]Tensor) { m["gru.weight_hh_l0"] = Tensor{[]int{16, 8}, make([]float32, 128)} },
	} {
		n := tiny("gru")
		change(n.Tensors)
		if _, err := NewNetwork(n.Tensors); !errors.Is(err, ErrWeights) {
			t.Errorf("%s: got %v, want ErrWeights", name, err)
		}
	}
}

// TestSharedTensors: tensors that share their data in the file are not copied
// without end.
func TestSharedTensors(t *testing.T) {
	header := map[string]any{}
	for i := range 2000 {
		header[fmt.Sprint("t", i)] = map[string]any{"dtype": "F32", "shape": []int{512, 512}, "data_offsets": [2]int{0, 4 << 18}}
	}
	text, _ := json.Marshal(header)
	b := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	b = append(b, make([]byte, 4<<18)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Read(b)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrWeights) || used > 64<<20 {
		t.Errorf("%v, %d MiB set aside", err, used>>20)
	}
}

func TestRNNWritesWholeFilesOnly(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "a.safetensors"), filepath.Join(dir, "a.gguf")
	if err := os.WriteFile(in, safetensors(tiny("lstm")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := RNN(t.Context(), in, out, WriteOptions{Quantise: true}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in, []byte("nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := RNN(t.Context(), in, filepath.Join(dir, "b.gguf"), WriteOptions{}); !errors.Is(err, ErrWeights) {
		t.Fatalf("got %v, want ErrWeights", err)
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 2 {
		t.Errorf("%d files, want the input and one output", len(left))
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"tiny.pt", "tiny4.pt", "big.pt", "legacy.bin"} {
		if b, err := os.ReadFile("testdata/" + name); err == nil {
			f.Add(b)
		}
	}
	f.Add(safetensors(tiny("gru")))
	var g bytes.Buffer
	if err := tiny("lstm").WriteGGUF(&g, WriteOptions{Quantise: true}); err != nil {
		f.Fatal(err)
	}
	f.Add(g.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, err := Read(b); err == nil {
			if err := n.WriteGGUF(&bytes.Buffer{}, WriteOptions{}); err != nil {
				t.Error(fmt.Errorf("what was read cannot be written: %w", err))
			}
		}
	})
}
