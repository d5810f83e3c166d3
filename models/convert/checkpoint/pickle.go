package checkpoint

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// The values that unpickle makes: nil, bool, int64, *big.Int, float64, string, and
// these. Values may share and even contain each other, so that nothing here walks
// into them without a bound, nor prints one.
type (
	list   struct{ items []any }
	tuple  struct{ items []any }
	dict   struct{ keys, values []any }
	global struct{ module, name string } // a class or function
	// object is the result of a call that is not understood, of that class.
	object struct{ class global }
)

func (g global) String() string { return strconv.QuoteToASCII(shorten(g.module + "." + g.name)) }

func shorten(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

// Limits of a pickle. The state dict of GPT-2 XL has 20,000 instructions and makes
// as many values.
const (
	maxPickle = 16 << 20 // bytes
	maxSteps  = 2 << 20  // instructions
	maxValues = 2 << 20  // values in containers, all together
	maxMemo   = 1 << 19  // values to look up again
)

// unpickle reads one pickle of protocol 0 to 5, as far as state dicts need it.
// Pickles are programs: the only functions that are "called" here are the
// constructors of dictionaries, tensors and parameters, and none of them does
// anything but describe. Results of other calls are placeholders.
//
// Persistent ids become storages, and are kept in the order of their appearance.
func unpickle(r *bufio.Reader) (any, []*storage, error) {
	p := &pickle{r: r, memo: map[uint64]any{}, storages: map[string]*storage{}}
	for range maxSteps {
		op, err := p.byte()
		if err != nil {
			return nil, nil, err
		}
		if op == '.' {
			v, err := p.pop()
			return v, p.order, err
		}
		if err := p.step(op); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, formatf("a pickle has more than %d instructions", maxSteps)
}

type pickle struct {
	r        *bufio.Reader
	read     int // bytes
	values   int // in containers
	stack    []any
	marks    []int
	memo     map[uint64]any
	storages map[string]*storage
	order    []*storage
}

var errUnderflow = formatf("a pickle takes more than it has")

func (p *pickle) byte() (byte, error) {
	if p.read++; p.read > maxPickle {
		return 0, formatf("a pickle is longer than %d bytes", maxPickle)
	}
	b, err := p.r.ReadByte()
	if err != nil {
		return 0, cutOff(err)
	}
	return b, nil
}

func cutOff(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return formatf("a pickle is cut off")
	}
	return fmt.Errorf("%w: a pickle: %w", ErrFormat, err)
}

// bytes reads n bytes. No more is set aside than has come.
func (p *pickle) bytes(n uint64) ([]byte, error) {
	if n > maxPickle || p.read+int(n) > maxPickle {
		return nil, formatf("a pickle is longer than %d bytes", maxPickle)
	}
	p.read += int(n)
	b, err := io.ReadAll(io.LimitReader(p.r, int64(n)))
	if err == nil && uint64(len(b)) < n {
		err = io.EOF
	}
	if err != nil {
		return nil, cutOff(err)
	}
	return b, nil
}

// number reads an unsigned little-endian integer of n bytes.
func (p *pickle) number(n int) (v uint64, err error) {
	b, err := p.bytes(uint64(n))
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return v, err
}

func (p *pickle) line() (string, error) {
	var b []byte
	for {
		c, err := p.byte()
		if err != nil {
			return "", err
		}
		if c == '\n' {
			return strings.TrimSuffix(string(b), "\r"), nil
		}
		if b = append(b, c); len(b) > 1<<10 {
			return "", formatf("a pickle has a line of more than a kilobyte")
		}
	}
}

func (p *pickle) push(v any) { p.stack = append(p.stack, v) } // at most one an instruction

func (p *pickle) top() (any, error) {
	if len(p.stack) <= p.floor() {
		return nil, errUnderflow
	}
	return p.stack[len(p.stack)-1], nil
}

// floor is where the stack ends for what comes after the last mark.
func (p *pickle) floor() int {
	if len(p.marks) == 0 {
		return 0
	}
	return p.marks[len(p.marks)-1]
}

func (p *pickle) pop() (any, error) {
	v, err := p.top()
	if err == nil {
		p.stack = p.stack[:len(p.stack)-1]
	}
	return v, err
}

// popN returns a copy of the last n values, which counts as a container.
func (p *pickle) popN(n int) ([]any, error) {
	if len(p.stack)-n < p.floor() {
		return nil, errUnderflow
	}
	if p.values += n + 1; p.values > maxValues {
		return nil, formatf("a pickle makes more than %d values", maxValues)
	}
	at := len(p.stack) - n
	v := append([]any(nil), p.stack[at:]...)
	p.stack = p.stack[:at]
	return v, nil
}

func (p *pickle) popMark() ([]any, error) {
	if len(p.marks) == 0 {
		return nil, formatf("a pickle has no mark")
	}
	v, err := p.popN(len(p.stack) - p.floor())
	p.marks = p.marks[:len(p.marks)-1]
	return v, err
}

func (p *pickle) put(key uint64) error {
	v, err := p.top()
	if err != nil {
		return err
	}
	if len(p.memo) >= maxMemo {
		return formatf("a pickle stores more than %d values", maxMemo)
	}
	p.memo[key] = v
	return nil
}

func (p *pickle) get(key uint64) error {
	v, ok := p.memo[key]
	if !ok {
		return formatf("a pickle looks up %d, which it never stored", key)
	}
	p.push(v)
	return nil
}

// integer pushes a little-endian number in two's complement.
func (p *pickle) integer(b []byte) {
	if len(b) <= 8 {
		var v uint64
		if len(b) > 0 && b[len(b)-1] >= 0x80 {
			v = math.MaxUint64
		}
		for i, c := range b {
			v = v&^(0xff<<(8*i)) | uint64(c)<<(8*i)
		}
		p.push(int64(v))
		return
	}
	big := new(big.Int)
	for i := len(b) - 1; i >= 0 && len(b) <= 64; i-- { // none that matters is longer
		big.Lsh(big, 8).Or(big, bigByte(b[i]))
	}
	p.push(big)
}

func bigByte(b byte) *big.Int { return big.NewInt(int64(b)) }

// text pushes the value of a line of protocol 0.
func (p *pickle) text(op byte, s string) error {
	switch op {
	case 'I', 'L':
		if op == 'I' && (s == "00" || s == "01") {
			p.push(s == "01")
			return nil
		}
		v, ok := new(big.Int).SetString(strings.TrimSuffix(s, "L"), 10)
		if !ok {
			return formatf("a pickle has the number %q", shorten(s))
		}
		if v.IsInt64() {
			p.push(v.Int64())
		} else {
			p.push(v)
		}
	case 'F':
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return formatf("a pickle has the number %q", shorten(s))
		}
		p.push(v)
	case 'S':
		p.push(strings.Trim(s, `'"`))
	default:
		p.push(s)
	}
	return nil
}

func float(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }
