package checkpoint

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/llmz/llmz/ggml"
)

// A DType is the type of a tensor's elements. The zero value is a type that is not
// known.
type DType uint8

// The types of elements. Only those of floating-point numbers can be read; of the
// others, which checkpoints hold as masks and counters, the size matters.
const (
	F64 DType = iota + 1
	F32
	F16
	BF16
	I64
	I32
	I16
	I8
	U8
	Bool
	Complex64
	Complex128
)

var dtypes = map[DType]struct {
	name string
	size int
}{
	F64: {"F64", 8}, F32: {"F32", 4}, F16: {"F16", 2}, BF16: {"BF16", 2},
	I64: {"I64", 8}, I32: {"I32", 4}, I16: {"I16", 2}, I8: {"I8", 1}, U8: {"U8", 1}, Bool: {"BOOL", 1},
	Complex64: {"C64", 8}, Complex128: {"C128", 16},
}

func (d DType) String() string {
	if t, ok := dtypes[d]; ok {
		return t.name
	}
	return "elements of an unknown type"
}

func (d DType) size() int { return dtypes[d].size }

// Float reports whether the elements are floating-point numbers.
func (d DType) Float() bool { return d >= F64 && d <= BF16 }

const (
	// maxElements bounds a tensor, so that sizes computed from untrusted shapes
	// cannot overflow.
	maxElements = 1 << 33
	maxDims     = 8
	// readSpan is the number of bytes read at once.
	readSpan = 1 << 18
)

func elements(shape []int) (int, error) {
	n := 1
	if len(shape) > maxDims {
		return 0, formatf("a tensor of %d dimensions", len(shape))
	}
	for _, d := range shape {
		if d < 0 || d > 0 && n > maxElements/d {
			return 0, formatf("a tensor of shape %v", shape)
		}
		n *= d
	}
	return n, nil
}

// A Tensor is an array in a checkpoint. It is read a few rows at a time, so that
// no file makes more memory necessary than its reader asks for.
type Tensor struct {
	Shape []int
	Type  DType

	stride []int // elements
	r      io.ReaderAt
	offset int64 // of the first element in r, bytes
	big    bool  // byte order
}

// dense returns the strides of a row-major array.
func dense(shape []int) []int {
	stride, n := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		stride[i] = n
		n *= shape[i]
	}
	return stride
}

// Elements returns their number.
func (t *Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Same reports whether both are the same part of a file.
func (t *Tensor) Same(u *Tensor) bool { return t.r == u.r && t.offset == u.offset && t.Type == u.Type }

// Transposed returns a matrix with rows and columns exchanged.
func (t *Tensor) Transposed() *Tensor {
	u := *t
	u.Shape, u.stride = []int{t.Shape[1], t.Shape[0]}, []int{t.stride[1], t.stride[0]}
	return &u
}

// matrix returns the tensor as rows of so many elements, with its strides.
func (t *Tensor) matrix() (rows, cols, rowStride, colStride int, err error) {
	switch len(t.Shape) {
	case 0:
		return 1, 1, 1, 1, nil
	case 1:
		return t.Shape[0], 1, t.stride[0], 1, nil
	case 2:
		return t.Shape[0], t.Shape[1], t.stride[0], t.stride[1], nil
	}
	return 0, 0, 0, 0, formatf("a tensor of shape %v is no matrix", t.Shape)
}

// Read reads rows of a matrix, or elements of a vector, from first on: as many as
// dst holds.
func (t *Tensor) Read(dst []float32, first int) error {
	rows, cols, rs, cs, err := t.matrix()
	if err != nil {
		return err
	}
	if !t.Type.Float() {
		return formatf("it holds %v, not floating-point numbers", t.Type)
	}
	if cols == 0 || len(dst)%cols != 0 || first < 0 || len(dst)/cols > rows-first {
		return fmt.Errorf("read %d elements at row %d of %v", len(dst), first, t.Shape)
	}
	n := len(dst) / cols
	at := first * rs
	switch {
	case (cs == 1 || cols == 1) && (rs == cols || rows == 1):
		return t.span(dst, at, 1)
	case cs == 1: // row by row
		for i := range n {
			if err := t.span(dst[i*cols:(i+1)*cols], at+i*rs, 1); err != nil {
				return err
			}
		}
	case rs == 1: // column by column
		for c := range cols {
			if err := t.span(dst[c:c+(n-1)*cols+1], at+c*cs, cols); err != nil {
				return err
			}
		}
	default:
		for i := range dst {
			if err := t.span(dst[i:i+1], at+i/cols*rs+i%cols*cs, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// span reads elements that lie side by side in the file into every step-th of dst.
func (t *Tensor) span(dst []float32, at, step int) error {
	size := t.Type.size()
	n := (len(dst) + step - 1) / step
	buf := make([]byte, min(n*size, readSpan))
	var order binary.ByteOrder = binary.LittleEndian
	if t.big {
		order = binary.BigEndian
	}
	for i := 0; i < n; {
		b := buf[:min(len(buf), (n-i)*size)]
		if _, err := t.r.ReadAt(b, t.offset+int64(at+i)*int64(size)); err != nil {
			return err
		}
		for ; len(b) > 0; b = b[size:] {
			dst[i*step] = decode(t.Type, order, b)
			i++
		}
	}
	return nil
}

func decode(t DType, order binary.ByteOrder, b []byte) float32 {
	switch t {
	case F64:
		return float32(math.Float64frombits(order.Uint64(b)))
	case F32:
		return math.Float32frombits(order.Uint32(b))
	case F16:
		return ggml.Float16To32(order.Uint16(b))
	}
	return ggml.BFloat16To32(order.Uint16(b))
}

// check reports a tensor that does not lie in its storage: bytes from offset on.
func (t *Tensor) check(bytes int64) error {
	n, err := elements(t.Shape)
	if err != nil {
		return err
	}
	size := int64(t.Type.size())
	if len(t.stride) != len(t.Shape) {
		return formatf("shape %v with strides %v", t.Shape, t.stride)
	}
	if n == 0 || size == 0 {
		return nil
	}
	// A view that repeats elements could be larger than any file.
	if int64(n) > bytes/size {
		return formatf("%d elements in %d bytes", n, bytes)
	}
	last := int64(0)
	for i, d := range t.Shape {
		s := int64(t.stride[i])
		if s < 0 || d > 1 && s > (bytes/size-1-last)/int64(d-1) {
			return formatf("shape %v with strides %v in %d bytes", t.Shape, t.stride, bytes)
		}
		last += int64(d-1) * s
	}
	return nil
}
