package gguf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/llmz/llmz/ggml"
)

var allValues = []KV{
	{"general.architecture", "llmz-test"},
	{"u8", uint8(200)}, {"i8", int8(-100)}, {"u16", uint16(60000)}, {"i16", int16(-30000)},
	{"u32", uint32(4e9)}, {"i32", int32(-2e9)}, {"f32", float32(0.1)}, {"yes", true}, {"no", false},
	{"u64", uint64(math.MaxUint64)}, {"i64", int64(math.MinInt64)}, {"f64", 0.1}, {"empty", ""},
	{"au8", []uint8{1, 2}}, {"ai8", []int8{-1}}, {"au16", []uint16{9}}, {"ai16", []int16{-9, 9}},
	{"au32", []uint32{}}, {"ai32", []int32{-7, 7}}, {"af32", []float32{1.5}}, {"abool", []bool{true, false}},
	{"astr", []string{"a", "", "ünï"}}, {"au64", []uint64{1 << 63}}, {"ai64", []int64{-1}}, {"af64", []float64{math.Pi}},
	{"nested", []any{[]int32{1, 2}, []string{"x"}, []any{[]bool{true}}}},
}

// sample returns a file with every value type and tensors of four types.
func sample(t testing.TB) []byte {
	t.Helper()
	var w Writer
	for _, kv := range allValues {
		w.Set(kv.Key, kv.Value)
	}
	w.AddFloat32s("f32", []int{3, 2}, []float32{1, 2, 3, 4, 5, 6})
	w.AddTensor("f16", ggml.F16, []int{2}, []byte{0, 0x3c, 0, 0xc0})
	w.AddInt8s("i8", []int{5, 1, 1, 1}, []int8{-128, -1, 0, 1, 127})
	q, err := ggml.QuantizeQ8_0(make([]float32, 64))
	if err != nil {
		t.Fatal(err)
	}
	w.AddTensor("q8", ggml.Q8_0, []int{32, 2}, q)
	var b bytes.Buffer
	n, err := w.WriteTo(&b)
	if err != nil {
		t.Fatal(err)
	}
	if n != int64(b.Len()) {
		t.Fatalf("WriteTo says %d bytes, wrote %d", n, b.Len())
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	b := sample(t)
	if !bytes.Equal(b, sample(t)) {
		t.Error("the writer is not deterministic")
	}
	path := filepath.Join(t.TempDir(), "x.gguf")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	mem, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	disk, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	for _, f := range []*File{mem, disk} {
		if !reflect.DeepEqual(f.KV, allValues) {
			t.Errorf("metadata\n%v\nwant\n%v", f.KV, allValues)
		}
		ts, err := f.Tensor("f32")
		if err != nil {
			t.Fatal(err)
		}
		v, err := f.Float32s(ts)
		if err != nil || !reflect.DeepEqual(v, []float32{1, 2, 3, 4, 5, 6}) || ts.Elements() != 6 {
			t.Errorf("f32: %v, %v", v, err)
		}
		ts, _ = f.Tensor("f16")
		if v, err := f.Float32s(ts); err != nil || !reflect.DeepEqual(v, []float32{1, -2}) {
			t.Errorf("f16: %v, %v", v, err)
		}
		ts, _ = f.Tensor("i8")
		if d, err := f.Data(ts); err != nil || !bytes.Equal(d, []byte{0x80, 0xff, 0, 1, 0x7f}) {
			t.Errorf("i8: %v, %v", d, err)
		}
		for _, ts := range f.Tensors {
			if ts.Offset%int64(f.Alignment) != 0 {
				t.Errorf("%s is not aligned", ts.Name)
			}
		}
	}
}

func TestGet(t *testing.T) {
	f, err := Parse(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := Get[uint32](f, "u32"); err != nil || v != 4e9 {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := Get[uint32](f, "i32"); !errors.Is(err, ErrKey) {
		t.Errorf("wrong type: %v", err)
	}
	if _, err := Get[string](f, "none"); !errors.Is(err, ErrKey) {
		t.Errorf("missing: %v", err)
	}
	if _, err := f.Tensor("none"); !errors.Is(err, ErrTensor) {
		t.Errorf("missing tensor: %v", err)
	}
}

func TestIntegers(t *testing.T) {
	var w Writer
	for k, v := range map[string]any{
		"u32": uint32(7), "i32": int32(7), "u64": uint64(7), "large": uint32(math.MaxUint32), "huge": uint64(math.MaxUint64), "one": []uint32{7},
		"negative": int32(-1), "float": float32(7), "text": "7", "none": []int32{}, "two": []int32{7, 3}, "mixed": []int32{7, -3}, "bool": true,
	} {
		w.Set(k, v)
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	f, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string][]int{
		"u32": {7}, "i32": {7}, "u64": {7}, "large": {math.MaxInt32}, "huge": {math.MaxInt32}, "one": {7}, "two": {7, 3},
		"negative": nil, "float": nil, "text": nil, "none": nil, "mixed": nil, "bool": nil, "missing": nil,
	} {
		got, err := Integers(f, key)
		if want == nil && !errors.Is(err, ErrKey) || want != nil && (err != nil || !reflect.DeepEqual(got, want)) {
			t.Errorf("Integers(%s): %v, %v", key, got, err)
		}
		one, err := Integer(f, key)
		if v, _ := f.Value(key); want == nil || key == "one" || key == "two" {
			if !errors.Is(err, ErrKey) {
				t.Errorf("Integer(%s) of %v: %v, %v", key, v, one, err)
			}
		} else if err != nil || one != want[0] {
			t.Errorf("Integer(%s) of %v: %v, %v", key, v, one, err)
		}
	}
}

// TestTruncated cuts the file at every length: no cut may be accepted.
func TestTruncated(t *testing.T) {
	b := sample(t)
	f, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	last := f.Tensors[len(f.Tensors)-1]
	for n := range int(last.Offset + last.Size) {
		if _, err := Parse(b[:n]); !errors.Is(err, ErrFormat) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

// raw builds files by hand, for what the writer refuses to write.
type raw struct{ bytes.Buffer }

func (r *raw) u(n int, v uint64) *raw {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	r.Write(b[:n])
	return r
}

func (r *raw) s(s string) *raw {
	r.u(8, uint64(len(s)))
	r.WriteString(s)
	return r
}

func header(version uint32, tensors, kvs uint64) *raw {
	r := &raw{}
	r.WriteString(magic)
	return r.u(4, uint64(version)).u(8, tensors).u(8, kvs)
}

// long adds n zeros.
func long(r *raw, n int) *raw {
	r.Write(make([]byte, n))
	return r
}

func tensor(dims ...uint64) *raw {
	r := header(3, 1, 0).s("t").u(4, uint64(len(dims)))
	for _, d := range dims {
		r.u(8, d)
	}
	return r
}

func TestHostile(t *testing.T) {
	pad := make([]byte, 4096)
	const huge = 1 << 62
	for _, c := range []struct {
		name string
		r    *raw
		want string
	}{
		{"magic", func() *raw { r := &raw{}; r.WriteString("GGML1234"); return r }(), "starts with"},
		{"version", header(9, 0, 0), "version 9"},
		{"big-endian", header(3<<24, 0, 0), "big-endian"},
		{"tensor count", header(3, huge, 0), "do not fit"},
		{"key count", header(3, 0, huge), "do not fit"},
		{"more keys than any model has", long(header(3, 0, maxKV+1), 2<<20), "are the most"},
		{"more tensors than any model has", long(header(3, maxTensors+1, 0), 12<<20), "are the most"},
		{"key length", header(3, 0, 1).u(8, huge), "key of"},
		{"empty key", header(3, 0, 1).s("").u(4, 7).u(1, 1), "empty key"},
		{"duplicate key", header(3, 0, 2).s("a").u(4, 7).u(1, 1).s("a").u(4, 7).u(1, 1), "twice"},
		{"value type", header(3, 0, 1).s("a").u(4, 13), "unknown"},
		{"bool", header(3, 0, 1).s("a").u(4, 7).u(1, 2), "bool of value 2"},
		{"string length", header(3, 0, 1).s("a").u(4, 8).u(8, huge), "string of"},
		{"array length", header(3, 0, 1).s("a").u(4, 9).u(4, 10).u(8, huge), "array of"},
		{"array type", header(3, 0, 1).s("a").u(4, 9).u(4, 99).u(8, 0), "array of unknown"},
		{"array nesting", func() *raw {
			r := header(3, 0, 1).s("a").u(4, 9)
			for range 100 {
				r.u(4, 9).u(8, 1)
			}
			return r
		}(), "nested"},
		{"alignment 0", header(3, 0, 1).s(alignmentKey).u(4, 4).u(4, 0), "power of two"},
		{"alignment 48", header(3, 0, 1).s(alignmentKey).u(4, 4).u(4, 48), "power of two"},
		{"alignment huge", header(3, 0, 1).s(alignmentKey).u(4, 4).u(4, 1<<31), "power of two"},
		{"alignment type", header(3, 0, 1).s(alignmentKey).u(4, 10).u(8, 32), "power of two"},
		{"no name", header(3, 1, 0).s("").u(4, 1).u(8, 1).u(4, 0).u(8, 0), "no name"},
		{"name length", header(3, 1, 0).s(strings.Repeat("x", 65)), "tensor name"},
		{"no dimensions", tensor().u(4, 0).u(8, 0), "0 dimensions"},
		{"five dimensions", tensor(1, 1, 1, 1, 1).u(4, 0).u(8, 0), "5 dimensions"},
		{"zero dimension", tensor(4, 0).u(4, 0).u(8, 0), "impossible dimension"},
		{"overflow", tensor(1<<40, 1<<40).u(4, 0).u(8, 0), "impossible dimension"},
		{"overflow bytes", tensor(1<<61).u(4, 0).u(8, 0), "impossible dimension"},
		{"type", tensor(4).u(4, 77).u(8, 0), "unsupported type 77"},
		{"block", tensor(33).u(4, uint64(ggml.Q8_0)).u(8, 0), "whole blocks"},
		{"too large", tensor(1<<20).u(4, 0).u(8, 0), "beyond the end"},
		{"offset", tensor(4).u(4, 0).u(8, 1<<20), "beyond the end"},
		{"offset overflow", tensor(4).u(4, 0).u(8, math.MaxInt64&^31), "beyond the end"},
		{"negative offset", tensor(4).u(4, 0).u(8, 1<<63), "impossible data offset"},
		{"misaligned", tensor(4).u(4, 0).u(8, 5), "not a multiple"},
		{"duplicate tensor", header(3, 2, 0).
			s("t").u(4, 1).u(8, 1).u(4, 0).u(8, 0).
			s("t").u(4, 1).u(8, 1).u(4, 0).u(8, 32), "twice"},
		{"the same bytes", header(3, 2, 0).
			s("t").u(4, 1).u(8, 1).u(4, 0).u(8, 0).
			s("u").u(4, 1).u(8, 1).u(4, 0).u(8, 0), "share bytes"},
		{"a part of the bytes", header(3, 3, 0).
			s("t").u(4, 1).u(8, 8).u(4, 0).u(8, 64).
			s("u").u(4, 1).u(8, 17).u(4, 0).u(8, 0).
			s("v").u(4, 1).u(8, 8).u(4, 0).u(8, 96), "share bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Write(pad)
			_, err := Parse(c.r.Bytes())
			var fe *FormatError
			if !errors.As(err, &fe) || !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestWriterRejects(t *testing.T) {
	for name, f := range map[string]func(*Writer){
		"type":       func(w *Writer) { w.Set("a", 1) },
		"twice":      func(w *Writer) { w.Set("a", true); w.Set("a", true) },
		"empty key":  func(w *Writer) { w.Set("", true) },
		"alignment":  func(w *Writer) { w.Set(alignmentKey, uint32(64)) },
		"nesting":    func(w *Writer) { w.Set("a", []any{int32(1)}) },
		"length":     func(w *Writer) { w.AddTensor("a", ggml.F32, []int{2}, make([]byte, 7)) },
		"dimension":  func(w *Writer) { w.AddTensor("a", ggml.F32, []int{-1}, nil) },
		"dimensions": func(w *Writer) { w.AddTensor("a", ggml.F32, nil, nil) },
		"block":      func(w *Writer) { w.AddTensor("a", ggml.Q8_0, []int{16}, nil) },
		"name":       func(w *Writer) { w.AddTensor(strings.Repeat("n", 65), ggml.I8, []int{1}, []byte{1}) },
		"same name":  func(w *Writer) { w.AddInt8s("a", []int{1}, []int8{1}); w.AddInt8s("a", []int{1}, []int8{1}) },
	} {
		var w Writer
		f(&w)
		if _, err := w.WriteTo(io.Discard); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// FuzzParse checks that no input makes the parser panic, and that what it accepts
// can be read and written again with the same meaning.
func FuzzParse(f *testing.F) {
	f.Add(sample(f))
	f.Add(header(3, 0, 0).Bytes())
	f.Add(tensor(4).u(4, 0).u(8, 0).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		var w Writer
		for _, kv := range g.KV {
			if kv.Key != alignmentKey {
				w.Set(kv.Key, kv.Value)
			}
		}
		for i := range g.Tensors {
			ts := &g.Tensors[i]
			d, err := g.Data(ts)
			if err != nil {
				t.Fatal(err)
			}
			w.AddTensor(ts.Name, ts.Type, ts.Shape, d)
		}
		var out bytes.Buffer
		if _, err := w.WriteTo(&out); err != nil {
			t.Fatalf("cannot write what was read: %v", err)
		}
		if _, err := Parse(out.Bytes()); err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
	})
}
