package gguf

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"

	"github.com/llmz/llmz/ggml"
)

// Read parses the metadata of a file of size bytes. Tensor data is read from r
// when asked for.
func Read(r io.ReaderAt, size int64) (*File, error) {
	d := &decoder{r: bufio.NewReaderSize(io.NewSectionReader(r, 0, size), 64<<10), size: size}
	f, err := d.file()
	if err != nil {
		return nil, err
	}
	f.r = r
	return f, nil
}

// The most entries that are read: models have some dozens of metadata and, of mixtures of
// experts, some ten thousand tensors. More would take minutes that nobody can break off.
const (
	maxKV      = 1 << 16
	maxTensors = 1 << 18
)

// decoder reads the part of a file before the tensor data, keeping count of where
// it is.
type decoder struct {
	r         *bufio.Reader
	off, size int64
	buf       [8]byte
}

func (d *decoder) errorf(off int64, format string, a ...any) error {
	return &FormatError{Offset: off, Msg: fmt.Sprintf(format, a...)}
}

// left returns the number of bytes that have not been read.
func (d *decoder) left() uint64 { return uint64(d.size - d.off) }

func (d *decoder) read(b []byte) error {
	n, err := io.ReadFull(d.r, b)
	d.off += int64(n)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return d.errorf(d.off, "the file ends early")
	}
	return err
}

func (d *decoder) uint(n int) (uint64, error) {
	clear(d.buf[:])
	err := d.read(d.buf[:n])
	return binary.LittleEndian.Uint64(d.buf[:]), err
}

func (d *decoder) uint32() (uint32, error) {
	v, err := d.uint(4)
	return uint32(v), err
}

func (d *decoder) string(what string, limit uint64) (string, error) {
	at := d.off
	n, err := d.uint(8)
	if err != nil {
		return "", err
	}
	if n > limit || n > d.left() {
		return "", d.errorf(at, "%s of %d bytes, with %d bytes left and at most %d allowed", what, n, d.left(), limit)
	}
	b := make([]byte, n)
	err = d.read(b)
	return string(b), err
}

func (d *decoder) file() (*File, error) {
	var m [4]byte
	if err := d.read(m[:]); err != nil {
		return nil, err
	}
	if string(m[:]) != magic {
		return nil, d.errorf(0, "the file starts with %q, not %q", m[:], magic)
	}
	f := &File{Alignment: defaultAlignment}
	var err error
	if f.Version, err = d.uint32(); err != nil {
		return nil, err
	}
	if f.Version != Version && f.Version != 2 {
		if v := bits.ReverseBytes32(f.Version); v == Version || v == 2 {
			return nil, d.errorf(4, "the file is big-endian; only little-endian files are supported")
		}
		return nil, d.errorf(4, "version %d; only 2 and %d are supported", f.Version, Version)
	}
	at := d.off
	nt, err := d.uint(8)
	if err != nil {
		return nil, err
	}
	nkv, err := d.uint(8)
	if err != nil {
		return nil, err
	}
	if nt > d.left()/minTensorBytes {
		return nil, d.errorf(at, "%d tensors do not fit in a file of %d bytes", nt, d.size)
	}
	if nkv > d.left()/minKVBytes {
		return nil, d.errorf(at+8, "%d metadata entries do not fit in a file of %d bytes", nkv, d.size)
	}
	if nt > maxTensors || nkv > maxKV {
		return nil, d.errorf(at, "%d tensors and %d metadata entries; %d and %d are the most", nt, nkv, maxTensors, maxKV)
	}
	if err := d.metadata(f, int(nkv)); err != nil {
		return nil, err
	}
	if err := d.tensors(f, int(nt)); err != nil {
		return nil, err
	}
	return f, nil
}

func (d *decoder) metadata(f *File, n int) error {
	f.keys = make(map[string]int)
	for i := range n {
		at := d.off
		key, err := d.string("key", maxKeyLength)
		if err != nil {
			return err
		}
		if key == "" {
			return d.errorf(at, "metadata entry %d has an empty key", i)
		}
		if _, dup := f.keys[key]; dup {
			return d.errorf(at, "key %q appears twice", key)
		}
		at = d.off
		t, err := d.uint32()
		if err != nil {
			return err
		}
		v, err := d.value(ValueType(t), 0)
		if err != nil {
			return err
		}
		if key == alignmentKey {
			a, ok := v.(uint32)
			if !ok || a == 0 || a&(a-1) != 0 || a > maxAlignment {
				return d.errorf(at, "%s is %v, not a power of two up to %d as uint32", key, v, maxAlignment)
			}
			f.Alignment = int(a)
		}
		f.keys[key] = i
		f.KV = append(f.KV, KV{key, v})
	}
	return nil
}

func (d *decoder) value(t ValueType, depth int) (any, error) {
	switch t {
	case TypeString:
		return d.string("string", math.MaxInt32)
	case TypeArray:
		return d.array(depth)
	}
	if !t.known() {
		return nil, d.errorf(d.off-4, "unknown %v", t)
	}
	at := d.off
	u, err := d.uint(valueTypes[t].size)
	if err != nil {
		return nil, err
	}
	switch t {
	case TypeUint8:
		return uint8(u), nil
	case TypeInt8:
		return int8(u), nil
	case TypeUint16:
		return uint16(u), nil
	case TypeInt16:
		return int16(u), nil
	case TypeUint32:
		return uint32(u), nil
	case TypeInt32:
		return int32(u), nil
	case TypeFloat32:
		return math.Float32frombits(uint32(u)), nil
	case TypeUint64:
		return u, nil
	case TypeInt64:
		return int64(u), nil
	case TypeFloat64:
		return math.Float64frombits(u), nil
	}
	if u > 1 { // TypeBool
		return nil, d.errorf(at, "bool of value %d", u)
	}
	return u == 1, nil
}

func (d *decoder) array(depth int) (any, error) {
	at := d.off
	et, err := d.uint32()
	if err != nil {
		return nil, err
	}
	t := ValueType(et)
	if !t.known() {
		return nil, d.errorf(at, "array of unknown %v", t)
	}
	if depth >= maxNesting {
		return nil, d.errorf(at, "arrays nested over %d deep", maxNesting)
	}
	n, err := d.uint(8)
	if err != nil {
		return nil, err
	}
	if n > d.left()/uint64(valueTypes[t].size) || n > math.MaxInt32 {
		return nil, d.errorf(at, "array of %d %v values, with %d bytes left", n, t, d.left())
	}
	switch t {
	case TypeUint8:
		return elements[uint8](d, t, n, depth)
	case TypeInt8:
		return elements[int8](d, t, n, depth)
	case TypeUint16:
		return elements[uint16](d, t, n, depth)
	case TypeInt16:
		return elements[int16](d, t, n, depth)
	case TypeUint32:
		return elements[uint32](d, t, n, depth)
	case TypeInt32:
		return elements[int32](d, t, n, depth)
	case TypeFloat32:
		return elements[float32](d, t, n, depth)
	case TypeBool:
		return elements[bool](d, t, n, depth)
	case TypeString:
		return elements[string](d, t, n, depth)
	case TypeUint64:
		return elements[uint64](d, t, n, depth)
	case TypeInt64:
		return elements[int64](d, t, n, depth)
	case TypeFloat64:
		return elements[float64](d, t, n, depth)
	}
	return elements[any](d, t, n, depth)
}

// elements reads n values of type t, whose Go type is T; n has been checked.
func elements[T any](d *decoder, t ValueType, n uint64, depth int) (any, error) {
	out := make([]T, n)
	for i := range out {
		v, err := d.value(t, depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = v.(T)
	}
	return out, nil
}

func (d *decoder) tensors(f *File, n int) error {
	f.tensors = make(map[string]int)
	at := make([]int64, n) // where each description is, for errors
	for i := range n {
		at[i] = d.off
		t, err := d.tensor()
		if err != nil {
			return err
		}
		if _, dup := f.tensors[t.Name]; dup {
			return d.errorf(at[i], "tensor %q appears twice", t.Name)
		}
		f.tensors[t.Name] = i
		f.Tensors = append(f.Tensors, t)
	}
	a := int64(f.Alignment)
	start := (d.off + a - 1) / a * a
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if t.Offset%a != 0 {
			return d.errorf(at[i], "tensor %q: data offset %d is not a multiple of %d", t.Name, t.Offset, a)
		}
		if start > d.size || t.Offset > d.size-start || t.Size > d.size-start-t.Offset {
			return d.errorf(at[i], "tensor %q: its %d bytes from %d on reach beyond the end of the file (%d bytes)",
				t.Name, t.Size, start+min(t.Offset, math.MaxInt64-start), d.size)
		}
		t.Offset += start
	}
	return d.apart(f, at)
}

// apart checks that no two tensors share bytes: a small file could otherwise hold many
// large ones.
func (d *decoder) apart(f *File, at []int64) error {
	order := make([]int, len(f.Tensors))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(f.Tensors[a].Offset, f.Tensors[b].Offset) })
	for i := 1; i < len(order); i++ {
		a, b := &f.Tensors[order[i-1]], &f.Tensors[order[i]]
		if a.Offset+a.Size > b.Offset {
			return d.errorf(at[order[i]], "tensors %q and %q share bytes", a.Name, b.Name)
		}
	}
	return nil
}

// tensor reads one description; Offset is still relative to the data section.
func (d *decoder) tensor() (Tensor, error) {
	var t Tensor
	at := d.off
	var err error
	if t.Name, err = d.string("tensor name", maxNameLength); err != nil {
		return t, err
	}
	if t.Name == "" {
		return t, d.errorf(at, "a tensor has no name")
	}
	nd, err := d.uint32()
	if err != nil {
		return t, err
	}
	if nd == 0 || nd > maxDims {
		return t, d.errorf(at, "tensor %q has %d dimensions, not 1 to %d", t.Name, nd, maxDims)
	}
	// The number of elements is bounded so that neither it nor the size in bytes can
	// overflow an int64.
	n := uint64(1)
	for range nd {
		ne, err := d.uint(8)
		if err != nil {
			return t, err
		}
		hi, lo := bits.Mul64(n, ne)
		if ne == 0 || hi != 0 || lo > math.MaxInt64/16 || lo > math.MaxInt {
			return t, d.errorf(at, "tensor %q: impossible dimension %d", t.Name, ne)
		}
		n = lo
		t.Shape = append(t.Shape, int(ne))
	}
	ty, err := d.uint32()
	if err != nil {
		return t, err
	}
	t.Type = ggml.Type(ty)
	if !t.Type.Known() {
		return t, d.errorf(at, "tensor %q is of unsupported %v", t.Name, t.Type)
	}
	if t.Shape[0]%t.Type.BlockSize() != 0 {
		return t, d.errorf(at, "tensor %q: rows of %d elements are not whole blocks of %v", t.Name, t.Shape[0], t.Type)
	}
	t.Size = int64(n) / int64(t.Type.BlockSize()) * int64(t.Type.BlockBytes())
	off, err := d.uint(8)
	if err != nil {
		return t, err
	}
	if off > math.MaxInt64 {
		return t, d.errorf(at, "tensor %q: impossible data offset %d", t.Name, off)
	}
	t.Offset = int64(off)
	return t, nil
}
