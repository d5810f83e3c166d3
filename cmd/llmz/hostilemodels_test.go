//go:build unix

package main

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
)

// A modelParts is a GGUF file in parts, to be changed.
type modelParts struct {
	kv      []gguf.KV
	tensors []gguf.Tensor
	data    map[string][]byte
}

func readModelParts(t *testing.T, path string) *modelParts {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	m := &modelParts{kv: f.KV, tensors: f.Tensors, data: map[string][]byte{}}
	for i := range f.Tensors {
		if m.data[f.Tensors[i].Name], err = f.Data(&f.Tensors[i]); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m *modelParts) clone() *modelParts {
	c := &modelParts{kv: slices.Clone(m.kv), data: maps.Clone(m.data)}
	for _, x := range m.tensors {
		x.Shape = slices.Clone(x.Shape)
		c.tensors = append(c.tensors, x)
	}
	return c
}

func (m *modelParts) value(key string) any {
	for _, kv := range m.kv {
		if kv.Key == key {
			return kv.Value
		}
	}
	return nil
}

// with returns a copy in which key has another value; nil removes it.
func (m *modelParts) with(key string, value any) *modelParts {
	c := m.clone()
	i := slices.IndexFunc(c.kv, func(kv gguf.KV) bool { return kv.Key == key })
	switch {
	case value == nil:
		c.kv = slices.Delete(c.kv, i, i+1)
	case i < 0:
		c.kv = append(c.kv, gguf.KV{Key: key, Value: value})
	default:
		c.kv[i].Value = value
	}
	return c
}

// reshaped returns a copy in which a tensor has another type or shape, and data to fit.
func (m *modelParts) reshaped(i int, typ ggml.Type, shape ...int) *modelParts {
	c := m.clone()
	x := &c.tensors[i]
	x.Type, x.Shape = typ, shape
	if shape[0]%typ.BlockSize() != 0 {
		x.Shape[0] = (shape[0]/typ.BlockSize() + 1) * typ.BlockSize()
	}
	n := x.Elements() / typ.BlockSize() * typ.BlockBytes()
	c.data[x.Name] = make([]byte, n)
	copy(c.data[x.Name], m.data[x.Name])
	return c
}

func (m *modelParts) write(path string) error {
	w := new(gguf.Writer)
	for _, kv := range m.kv {
		w.Set(kv.Key, kv.Value)
	}
	for _, x := range m.tensors {
		w.AddTensor(x.Name, x.Type, x.Shape, m.data[x.Name])
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = w.WriteTo(f)
	return err
}

// variants are changed copies of a model, none of which is one.
func (m *modelParts) variants() map[string]*modelParts {
	all := map[string]*modelParts{}
	arch := m.value("general.architecture").(string)
	for _, kv := range m.kv {
		set := func(v any) { all[fmt.Sprintf("%s = %.30v (%T)", kv.Key, v, v)] = m.with(kv.Key, v) }
		set(nil)
		switch v := kv.Value.(type) {
		case uint32:
			for _, x := range []uint32{0, 1, v - 1, v + 1, 3, 7, 513, 4096, 1 << 20, 1 << 24, 1 << 31, math.MaxUint32} {
				set(x)
			}
			for _, x := range []any{"7", float32(v), int32(-1), true, uint64(v), []uint32{v, v}, []int32{-1}, []float32{float32(math.NaN())}} {
				set(x)
			}
		case float32:
			for _, x := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), -1, 0, -1e-9, 1, 1e30} {
				set(x)
			}
			for _, x := range []any{"0", uint32(1), float64(v), math.NaN(), []float32{v}} {
				set(x)
			}
		case string:
			for _, x := range []any{"", "none", "bert", "t5", "mamba", "rwkv6", "llama", "gpt2", strings.Repeat("x", 100), uint32(1)} {
				set(x)
			}
		case []string:
			change := func(name string, f func([]string) []string) {
				all[kv.Key+": "+name] = m.with(kv.Key, f(slices.Clone(v)))
			}
			change("none", func(s []string) []string { return []string{} })
			change("one", func(s []string) []string { return s[:1] })
			change("the last twice", func(s []string) []string { s[len(s)-2] = s[len(s)-1]; return s })
			change("two alike", func(s []string) []string { s[10] = s[300]; return s })
			change("one more", func(s []string) []string { return append(s, "one more") })
			change("one less", func(s []string) []string { return s[:len(s)-1] })
			change("an empty one", func(s []string) []string { s[200] = ""; return s })
			change("NUL", func(s []string) []string { s[200] = "a\x00b"; return s })
			change("not UTF-8", func(s []string) []string { s[200] = "\xff\xfe"; return s })
			change("a long one", func(s []string) []string { s[200] = strings.Repeat("y", 1<<16); return s })
			change("spaces", func(s []string) []string { s[200] = " a b "; return s })
		case []int32:
			for _, x := range []int32{-1, 0, 7, 1000, math.MaxInt32, math.MinInt32} {
				c := slices.Clone(v)
				c[len(c)/2] = x
				all[fmt.Sprintf("%s: one is %d", kv.Key, x)] = m.with(kv.Key, c)
			}
			all[kv.Key+": one less"] = m.with(kv.Key, v[:len(v)-1])
		case []float32:
			for _, x := range []float64{math.NaN(), math.Inf(1), -1e30} {
				c := slices.Clone(v)
				c[len(c)/2] = float32(x)
				all[fmt.Sprintf("%s: one is %v", kv.Key, x)] = m.with(kv.Key, c)
			}
			all[kv.Key+": one less"] = m.with(kv.Key, v[:len(v)-1])
		}
	}
	for key, values := range map[string][]any{
		"expert_count": {uint32(8), uint32(1 << 30)}, "expert_used_count": {uint32(2)}, "pooling_type": {uint32(1), uint32(99)},
		"attention.causal": {false}, "attention.key_length": {uint32(0), uint32(1), uint32(31), uint32(1 << 20)}, "attention.value_length": {uint32(0), uint32(31)},
		"attention.sliding_window": {uint32(1), uint32(1 << 31)}, "vocab_size": {uint32(1), uint32(1 << 30)}, "rope.scaling.type": {"yarn", "linear", "longrope", "x"},
		"rope.scaling.factor": {float32(0), float32(math.NaN())}, "rope.freq_base": {float32(0), float32(-1), float32(math.NaN())}, "rope.dimension_count": {uint32(0), uint32(3), uint32(1 << 20)},
		"attention.clamp_kqv": {float32(math.NaN())}, "logit_scale": {float32(math.NaN()), float32(0)}, "attention.max_alibi_bias": {float32(math.NaN()), float32(8), float32(-8)},
		"attention.layer_norm_epsilon": {float32(-1)}, "attention.layer_norm_rms_epsilon": {float32(-1)}, "attention.group_norm_epsilon": {float32(-1)}, "attention.head_count_kv": {uint32(0), uint32(3), uint32(1 << 20)},
		"leading_dense_block_count": {uint32(1 << 20)}, "nextn_predict_layers": {uint32(1 << 20)}, "ssm.conv_kernel": {uint32(4)}, "attention.shared_kv_layers": {uint32(1000)}, "tensor_data_layout": {"x"},
	} {
		for _, v := range values {
			all[fmt.Sprintf("%s.%s = %v", arch, key, v)] = m.with(arch+"."+key, v)
		}
	}
	for _, id := range []string{"bos", "eos", "unknown", "padding", "seperator", "eot", "eom", "fim_pre", "fim_suf", "mask"} {
		for _, v := range []any{uint32(1 << 30), uint32(math.MaxUint32), int32(-5), uint32(math.MaxInt32)} {
			all[fmt.Sprintf("tokenizer %s = %v", id, v)] = m.with("tokenizer.ggml."+id+"_token_id", v)
		}
	}
	kinds := map[string]bool{}
	for i := range m.tensors {
		x := &m.tensors[i]
		if strings.HasPrefix(x.Name, "blk.") && !strings.HasPrefix(x.Name, "blk.1.") {
			continue
		}
		kinds[x.Name] = true
		for _, typ := range []ggml.Type{ggml.F32, ggml.F16, ggml.BF16, ggml.Q8_0, ggml.I8, ggml.I16, ggml.I32, ggml.I64, ggml.F64} {
			if typ != x.Type {
				all[fmt.Sprintf("%s of %v", x.Name, typ)] = m.reshaped(i, typ, slices.Clone(x.Shape)...)
			}
		}
		shape := func(s ...int) { all[fmt.Sprintf("%s of shape %v", x.Name, s)] = m.reshaped(i, x.Type, s...) }
		rows := slices.Clone(x.Shape[1:])
		if len(rows) == 0 {
			shape(x.Shape[0], 2)
			shape(1)
			shape(x.Shape[0] * 2)
			shape(x.Shape[0], 1, 1, 2)
		} else {
			shape(x.Shape[0])
			shape(x.Shape[0], rows[0]-1)
			shape(x.Shape[0], rows[0]+1)
			shape(x.Shape[0]*2, rows[0])
			shape(x.Shape[0], rows[0], 2)
			shape(rows[0], x.Shape[0])
		}
		c := m.clone()
		c.tensors = slices.Delete(c.tensors, i, i+1)
		all[x.Name+" missing"] = c
		c = m.clone()
		c.data["unknown.weight"] = c.data[x.Name]
		c.tensors[i].Name = "unknown.weight"
		all[x.Name+" by another name"] = c
		c = m.clone()
		c.data[x.Name] = slices.Repeat([]byte{0xff}, len(c.data[x.Name]))
		all[x.Name+" full of NaN"] = c
	}
	return all
}

// TestHostileModels hands changed copies of models to the program. Each must work or be
// refused: none may end llama.cpp, and with it the process.
func TestHostileModels(t *testing.T) {
	if os.Getenv(mustLlamaEnv) == "" {
		t.Skip("minutes of work: make test-llama does it")
	}
	needLlama(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "in"), []byte("It was the best of times, it was the worst of times."))
	before := patience
	patience = 2 * time.Minute
	defer func() { patience = before }()
	flags := []string{"-q", "-f", "--runtime", "llama.cpp"}
	n := 0
	for _, base := range []string{tinyModel, os.Getenv("LLMZ_TEST_GGUF")} {
		if _, err := os.Stat(base); err != nil {
			continue
		}
		m := readModelParts(t, base)
		all := m.variants()
		for _, name := range slices.Sorted(maps.Keys(all)) {
			path := filepath.Join(dir, "variant.gguf")
			if err := all[name].write(path); err != nil {
				continue // it cannot even be written
			}
			n++
			out, err := command(t, dir, append(slices.Clone(flags), "-m", path, "-o", "out", "in")...).CombinedOutput()
			if code := exitStatus(err); code != exitOK && code != exitFailed && code != exitMissing && code != exitCorrupt {
				t.Errorf("%s: %s: exit code %d\n%.300s", filepath.Base(base), name, code, out)
			}
		}
	}
	t.Logf("%d variants", n)
}

// throughLlama compresses with llama.cpp.
var throughLlama = []string{"-q", "--yes", "--no-verify", "-m", "tiny.gguf", "in", "--runtime", "llama.cpp"}

// TestModelCutOffInUse cuts a model file off while llama.cpp works with it.
func TestModelCutOffInUse(t *testing.T) {
	needLlama(t)
	for _, wait := range []time.Duration{100 * time.Millisecond, time.Second} {
		dir := t.TempDir()
		tinyIn(t, dir)
		bigText(t, filepath.Join(dir, "in"), 40_000)
		cmd := command(t, dir, throughLlama...)
		time.AfterFunc(wait, func() { os.Truncate(filepath.Join(dir, "tiny.gguf"), 100) })
		out, err := cmd.CombinedOutput()
		if code := exitStatus(err); code == exitUsage || code < 0 || strings.Contains(string(out), "goroutine") {
			t.Errorf("after %v: exit code %d\n%.500s", wait, code, out)
		}
	}
}

// TestLibraryCutOffInUse cuts llama.cpp's libraries off while they are at work: there is no
// way on, but there is a sentence, and an exit code that does not mean usage.
func TestLibraryCutOffInUse(t *testing.T) {
	in := needLlama(t)
	dir := t.TempDir()
	libs := filepath.Join(dir, "libs")
	if err := os.CopyFS(libs, os.DirFS(in.Dir)); err != nil {
		t.Fatal(err)
	}
	tinyIn(t, dir)
	bigText(t, filepath.Join(dir, "in"), 40_000)
	cmd := command(t, dir, throughLlama...)
	cmd.Env = append(cmd.Env, llamacpp.EnvLib+"="+libs)
	time.AfterFunc(time.Second, func() {
		files, _ := filepath.Glob(filepath.Join(libs, "*.so*"))
		for _, f := range files {
			os.Truncate(f, 5000)
		}
	})
	out, err := cmd.CombinedOutput()
	if code := exitStatus(err); code == exitUsage || code < 0 || strings.Contains(string(out), "goroutine") {
		t.Errorf("exit code %d\n%.500s", code, out)
	}
	t.Logf("exit code %d, %.200s", exitStatus(err), out)
}
