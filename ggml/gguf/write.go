package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/llmz/llmz/ggml"
)

// Writer collects metadata and tensors and writes them as a file. The zero value
// is ready to use. The bytes depend on the calls and their order only.
type Writer struct {
	kv      []KV
	tensors []outTensor
	names   map[string]bool // "k" + key, "t" + tensor name
	err     error
}

type outTensor struct {
	Tensor
	write func(io.Writer) error
}

func (w *Writer) fail(format string, a ...any) {
	w.err = errors.Join(w.err, fmt.Errorf("gguf: "+format, a...))
}

func (w *Writer) claim(name string) bool {
	if w.names[name] {
		return false
	}
	if w.names == nil {
		w.names = make(map[string]bool)
	}
	w.names[name] = true
	return true
}

// Set adds a metadata entry; KV lists the Go types a value may have. Mistakes are
// reported by WriteTo.
func (w *Writer) Set(key string, value any) {
	switch {
	case key == "" || len(key) > maxKeyLength:
		w.fail("key of %d bytes", len(key))
	case !w.claim("k" + key):
		w.fail("key %q is set twice", key)
	case key == alignmentKey:
		w.fail("%s cannot be chosen", key)
	default:
		if err := checkValue(value, 0); err != nil {
			w.fail("key %q: %v", key, err)
		}
	}
	w.kv = append(w.kv, KV{key, value})
}

func checkValue(v any, depth int) error {
	t, et, ok := typeOf(v)
	if !ok {
		return fmt.Errorf("a %T cannot be stored", v)
	}
	if t == TypeArray && depth >= maxNesting {
		return fmt.Errorf("arrays nested over %d deep", maxNesting)
	}
	if et == TypeArray {
		for _, e := range v.([]any) {
			if t, _, ok := typeOf(e); !ok || t != TypeArray {
				return fmt.Errorf("a %T in an array of arrays", e)
			}
			if err := checkValue(e, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// AddTensor adds a tensor whose data, in the file's encoding, is in memory. Shape
// is as in Tensor. Mistakes are reported by WriteTo.
func (w *Writer) AddTensor(name string, t ggml.Type, shape []int, data []byte) {
	w.AddTensorFunc(name, t, shape, func(out io.Writer) error {
		_, err := out.Write(data)
		return err
	})
}

// AddTensorFunc adds a tensor whose data is written by write when its turn comes.
func (w *Writer) AddTensorFunc(name string, t ggml.Type, shape []int, write func(io.Writer) error) {
	o := outTensor{Tensor{Name: name, Type: t, Shape: append([]int(nil), shape...)}, write}
	switch {
	case name == "" || len(name) > maxNameLength:
		w.fail("tensor name of %d bytes, not 1 to %d", len(name), maxNameLength)
	case !w.claim("t" + name):
		w.fail("tensor %q is added twice", name)
	case !t.Known():
		w.fail("tensor %q: unknown %v", name, t)
	case len(shape) < 1 || len(shape) > maxDims:
		w.fail("tensor %q: %d dimensions, not 1 to %d", name, len(shape), maxDims)
	default:
		n := int64(1)
		for _, d := range shape {
			if d < 1 || int64(d) > math.MaxInt64/16/n {
				w.fail("tensor %q: impossible dimension %d", name, d)
				break
			}
			n *= int64(d)
		}
		if shape[0]%t.BlockSize() != 0 {
			w.fail("tensor %q: rows of %d elements are not whole blocks of %v", name, shape[0], t)
		}
		o.Size = n / int64(t.BlockSize()) * int64(t.BlockBytes())
	}
	w.tensors = append(w.tensors, o)
}

// AddFloat32s adds a tensor of type F32.
func (w *Writer) AddFloat32s(name string, shape []int, v []float32) {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	w.AddTensor(name, ggml.F32, shape, b)
}

// AddInt8s adds a tensor of type I8.
func (w *Writer) AddInt8s(name string, shape []int, v []int8) {
	b := make([]byte, len(v))
	for i, x := range v {
		b[i] = byte(x)
	}
	w.AddTensor(name, ggml.I8, shape, b)
}

// WriteTo writes the file.
func (w *Writer) WriteTo(dst io.Writer) (int64, error) {
	if w.err != nil {
		return 0, w.err
	}
	c := &countWriter{w: bufio.NewWriterSize(dst, 64<<10)}
	c.bytes([]byte(magic))
	c.uint(Version, 4)
	c.uint(uint64(len(w.tensors)), 8)
	c.uint(uint64(len(w.kv)), 8)
	for _, kv := range w.kv {
		c.string(kv.Key)
		t, _, _ := typeOf(kv.Value)
		c.uint(uint64(t), 4)
		c.value(kv.Value)
	}
	var off int64
	for i := range w.tensors {
		t := &w.tensors[i]
		c.string(t.Name)
		c.uint(uint64(len(t.Shape)), 4)
		for _, d := range t.Shape {
			c.uint(uint64(d), 8)
		}
		c.uint(uint64(t.Type), 4)
		c.uint(uint64(off), 8)
		off += (t.Size + defaultAlignment - 1) / defaultAlignment * defaultAlignment
	}
	c.pad()
	for i := range w.tensors {
		t := &w.tensors[i]
		start := c.n
		if c.err == nil {
			if err := t.write(c); err != nil {
				return c.n, fmt.Errorf("gguf: write tensor %q: %w", t.Name, err)
			}
		}
		if c.err == nil && c.n-start != t.Size {
			return c.n, fmt.Errorf("gguf: tensor %q of type %v and shape %v has %d bytes, not %d", t.Name, t.Type, t.Shape, t.Size, c.n-start)
		}
		c.pad()
	}
	if c.err == nil {
		c.err = c.w.Flush()
	}
	return c.n, c.err
}

// countWriter encodes values and keeps the first error.
type countWriter struct {
	w   *bufio.Writer
	n   int64
	err error
}

func (c *countWriter) Write(b []byte) (int, error) {
	c.bytes(b)
	return len(b), c.err
}

func (c *countWriter) bytes(b []byte) {
	if c.err == nil {
		var n int
		n, c.err = c.w.Write(b)
		c.n += int64(n)
	}
}

func (c *countWriter) uint(v uint64, n int) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	c.bytes(b[:n])
}

func (c *countWriter) string(s string) {
	c.uint(uint64(len(s)), 8)
	c.bytes([]byte(s))
}

func (c *countWriter) pad() {
	var zero [defaultAlignment]byte
	c.bytes(zero[:-c.n&(defaultAlignment-1)])
}

func (c *countWriter) value(v any) {
	switch v := v.(type) {
	case uint8:
		c.uint(uint64(v), 1)
	case int8:
		c.uint(uint64(v), 1)
	case uint16:
		c.uint(uint64(v), 2)
	case int16:
		c.uint(uint64(v), 2)
	case uint32:
		c.uint(uint64(v), 4)
	case int32:
		c.uint(uint64(v), 4)
	case float32:
		c.uint(uint64(math.Float32bits(v)), 4)
	case uint64:
		c.uint(v, 8)
	case int64:
		c.uint(uint64(v), 8)
	case float64:
		c.uint(math.Float64bits(v), 8)
	case bool:
		if v {
			c.uint(1, 1)
		} else {
			c.uint(0, 1)
		}
	case string:
		c.string(v)
	case []uint8:
		array(c, v)
	case []int8:
		array(c, v)
	case []uint16:
		array(c, v)
	case []int16:
		array(c, v)
	case []uint32:
		array(c, v)
	case []int32:
		array(c, v)
	case []float32:
		array(c, v)
	case []bool:
		array(c, v)
	case []string:
		array(c, v)
	case []uint64:
		array(c, v)
	case []int64:
		array(c, v)
	case []float64:
		array(c, v)
	case []any:
		array(c, v)
	}
}

func array[T any](c *countWriter, v []T) {
	_, et, _ := typeOf(v)
	c.uint(uint64(et), 4)
	c.uint(uint64(len(v)), 8)
	for _, e := range v {
		c.value(e)
	}
}
