package gpt2

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
	"strings"
)

// The values that unpickle makes: nil, bool, int64, float64, string, and these.
type (
	list   struct{ items []any }
	tuple  struct{ items []any }
	dict   struct{ keys, values []any }
	global string // "module.name" of a class or function
	// object is the result of a call that is not understood.
	object struct{}
)

const (
	maxPickleString = 1 << 20
	maxPickleItems  = 1 << 20
)

// unpickle reads one pickle: the part of protocol 2 that torch.save writes. It
// calls nothing but the two functions that rebuild tensors and dictionaries,
// which it knows; results of other calls are placeholders.
//
// Persistent ids of the form ('storage', type, key, location, count, …) become
// storages.
func unpickle(r *bufio.Reader) (any, error) {
	p := &pickle{r: r, memo: map[uint32]any{}}
	for p.ops = 0; p.ops < 64*maxPickleItems; p.ops++ {
		op, err := r.ReadByte()
		if err != nil {
			return nil, formatf("a pickle is cut off")
		}
		if op == '.' {
			return p.pop(), p.err
		}
		p.step(op)
		if p.err != nil {
			return nil, p.err
		}
	}
	return nil, formatf("a pickle is too long")
}

type pickle struct {
	r     *bufio.Reader
	stack []any
	marks []int
	memo  map[uint32]any
	ops   int
	err   error
}

func (p *pickle) step(op byte) {
	switch op {
	case 0x80: // PROTO
		p.bytes(1)
	case 0x95: // FRAME
		p.bytes(8)
	case '(':
		p.marks = append(p.marks, len(p.stack))
	case '}':
		p.push(&dict{})
	case ']':
		p.push(&list{})
	case ')':
		p.push(&tuple{})
	case 'N':
		p.push(nil)
	case 0x88, 0x89:
		p.push(op == 0x88)
	case 'K':
		p.push(int64(p.uint(1)))
	case 'M':
		p.push(int64(p.uint(2)))
	case 'J':
		p.push(int64(int32(p.uint(4))))
	case 0x8a: // LONG1: little-endian, two's complement
		p.long(int(p.uint(1)))
	case 'G':
		if b := p.bytes(8); b != nil {
			p.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
	case 'X', 'T':
		p.push(string(p.bytes(int(p.uint(4)))))
	case 'U', 0x8c:
		p.push(string(p.bytes(int(p.uint(1)))))
	case 'c':
		module, name := p.line(), p.line()
		p.push(global(module + "." + name))
	case 'q':
		p.put(uint32(p.uint(1)))
	case 'r':
		p.put(uint32(p.uint(4)))
	case 0x94: // MEMOIZE
		p.put(uint32(len(p.memo)))
	case 'h':
		p.push(p.memo[uint32(p.uint(1))])
	case 'j':
		p.push(p.memo[uint32(p.uint(4))])
	case 't':
		p.push(&tuple{p.popMark()})
	case 0x85, 0x86, 0x87: // TUPLE1, 2, 3
		p.push(&tuple{p.popN(int(op - 0x84))})
	case 'a':
		v := p.pop()
		p.extend([]any{v})
	case 'e':
		p.extend(p.popMark())
	case 's':
		p.set(p.popN(2))
	case 'u':
		p.set(p.popMark())
	case 'Q':
		p.push(persistent(p.pop()))
	case 'R':
		args, f := p.pop(), p.pop()
		p.push(p.call(f, args))
	case 'b': // BUILD: the state of an object, which nothing here needs
		p.pop()
	case '0':
		p.pop()
	default:
		p.fail("uses instruction %#x", op)
	}
}

func (p *pickle) fail(format string, args ...any) {
	if p.err == nil {
		p.err = formatf("a pickle "+format, args...)
	}
}

func (p *pickle) bytes(n int) []byte {
	if p.err != nil {
		return nil
	}
	if n < 0 || n > maxPickleString {
		p.fail("holds a string of %d bytes", n)
		return nil
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(p.r, b); err != nil {
		p.fail("is cut off")
		return nil
	}
	return b
}

func (p *pickle) uint(n int) (v uint64) {
	for i, b := range p.bytes(n) {
		v |= uint64(b) << (8 * i)
	}
	return v
}

func (p *pickle) long(n int) {
	b := p.bytes(n)
	var v uint64
	if n > 0 && len(b) == n && b[n-1] >= 0x80 {
		v = math.MaxUint64
	}
	for i := range min(len(b), 8) {
		v = v&^(0xff<<(8*i)) | uint64(b[i])<<(8*i)
	}
	p.push(int64(v))
}

func (p *pickle) line() string {
	var b []byte
	for p.err == nil {
		c, err := p.r.ReadByte()
		if err != nil || len(b) > 1000 {
			p.fail("holds a broken name")
		}
		if c == '\n' {
			break
		}
		b = append(b, c)
	}
	return string(b)
}

func (p *pickle) push(v any) {
	if len(p.stack) > maxPickleItems {
		p.fail("is too large")
		return
	}
	p.stack = append(p.stack, v)
}

func (p *pickle) pop() any {
	v := p.popN(1)
	if v == nil {
		return nil
	}
	return v[0]
}

func (p *pickle) popN(n int) []any {
	floor := 0
	if len(p.marks) > 0 {
		floor = p.marks[len(p.marks)-1]
	}
	if len(p.stack)-n < floor {
		p.fail("takes more than it has")
		return nil
	}
	v := append([]any(nil), p.stack[len(p.stack)-n:]...)
	p.stack = p.stack[:len(p.stack)-n]
	return v
}

func (p *pickle) popMark() []any {
	if len(p.marks) == 0 {
		p.fail("has no mark")
		return nil
	}
	at := p.marks[len(p.marks)-1]
	p.marks = p.marks[:len(p.marks)-1]
	v := append([]any(nil), p.stack[at:]...)
	p.stack = p.stack[:at]
	return v
}

func (p *pickle) put(key uint32) {
	if len(p.stack) == 0 || len(p.memo) > maxPickleItems {
		p.fail("remembers what it cannot")
		return
	}
	p.memo[key] = p.stack[len(p.stack)-1]
}

func (p *pickle) top() any {
	if len(p.stack) == 0 {
		return nil
	}
	return p.stack[len(p.stack)-1]
}

func (p *pickle) extend(v []any) {
	l, ok := p.top().(*list)
	if !ok || len(l.items)+len(v) > maxPickleItems {
		p.fail("appends to something that is not a list")
		return
	}
	l.items = append(l.items, v...)
}

func (p *pickle) set(v []any) {
	if p.err != nil {
		return
	}
	d, ok := p.top().(*dict)
	if !ok {
		if _, placeholder := p.top().(*object); placeholder {
			return
		}
		p.fail("sets an item of something that is not a dictionary")
		return
	}
	if len(v)%2 != 0 || len(d.keys)+len(v) > maxPickleItems {
		p.fail("sets half an item")
		return
	}
	for i := 0; i < len(v); i += 2 {
		d.keys, d.values = append(d.keys, v[i]), append(d.values, v[i+1])
	}
}

// persistent makes a storage of a persistent id.
func persistent(id any) any {
	t, ok := id.(*tuple)
	if !ok || len(t.items) < 5 || t.items[0] != "storage" {
		return &object{}
	}
	kind, _ := t.items[1].(global)
	key, _ := t.items[2].(string)
	count, _ := t.items[4].(int64)
	d, ok := storageTypes[strings.TrimPrefix(string(kind), "torch.")]
	if !ok {
		d = dtypeOther
	}
	return storage{dtype: d, key: key, count: int(count)}
}

func (p *pickle) call(f, args any) any {
	a, _ := args.(*tuple)
	switch f {
	case global("collections.OrderedDict"):
		return &dict{}
	case global("torch._utils._rebuild_parameter"): // (data, requires_grad, hooks)
		if a != nil && len(a.items) > 0 {
			return a.items[0]
		}
	case global("torch._utils._rebuild_tensor_v2"): // (storage, offset, shape, stride, …)
		if a == nil || len(a.items) < 4 {
			break
		}
		s, ok := a.items[0].(storage)
		offset, ok2 := a.items[1].(int64)
		shape, ok3 := ints(a.items[2])
		stride, ok4 := ints(a.items[3])
		if ok && ok2 && ok3 && ok4 {
			return &torchTensor{storage: s, offset: int(offset), shape: shape, stride: stride}
		}
	}
	return &object{}
}

func ints(v any) ([]int, bool) {
	t, ok := v.(*tuple)
	if !ok {
		return nil, false
	}
	out := make([]int, len(t.items))
	for i, x := range t.items {
		n, ok := x.(int64)
		if !ok {
			return nil, false
		}
		out[i] = int(n)
	}
	return out, true
}
