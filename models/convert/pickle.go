package convert

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
)

// unpickle runs the pickle in b, as far as state dicts need it. Pickles are
// programs: the only functions that are "called" here are the constructors of
// ordered dictionaries, tensors and parameters, and none of them does anything but
// describe.
func unpickle(b []byte) (any, error) {
	u := unpickler{b: b, memo: map[uint32]any{}}
	v, err := u.run()
	if err != nil {
		return nil, fmt.Errorf("pickle, offset %d: %w", u.pos, err)
	}
	return v, nil
}

// The objects of a pickle other than strings, int64, float64, bool and nil.
type (
	pyGlobal struct{ module, name string }
	pyTuple  []any
	pyList   struct{ items []any }
	pyDict   struct{ keys, values []any }
	pyObject struct{} // something that is of no interest
	pyMark   struct{}

	storageRef struct{ dtype, key string }
	tensorRef  struct {
		storage        storageRef
		offset         int64
		shape, strides []int64
	}
)

func (d *pyDict) get(key string) any {
	for i, k := range d.keys {
		if k == key {
			return d.values[i]
		}
	}
	return nil
}

var (
	errTruncated = errors.New("ends too early")
	errStack     = errors.New("stack does not fit")
)

type unpickler struct {
	b     []byte
	pos   int
	stack []any
	memo  map[uint32]any
}

func (u *unpickler) take(n uint64) ([]byte, error) {
	if n > uint64(len(u.b)-u.pos) {
		return nil, errTruncated
	}
	s := u.b[u.pos : u.pos+int(n)]
	u.pos += int(n)
	return s, nil
}

// number reads an unsigned little-endian integer of n bytes.
func (u *unpickler) number(n int) (uint64, error) {
	s, err := u.take(uint64(n))
	if err != nil {
		return 0, err
	}
	var v [8]byte
	copy(v[:], s)
	return binary.LittleEndian.Uint64(v[:]), nil
}

func (u *unpickler) line() (string, error) {
	n := slices.Index(u.b[u.pos:], '\n')
	if n < 0 {
		return "", errTruncated
	}
	s := string(u.b[u.pos : u.pos+n])
	u.pos += n + 1
	return s, nil
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

func (u *unpickler) pop() (any, error) {
	if len(u.stack) == 0 {
		return nil, errStack
	}
	v := u.stack[len(u.stack)-1]
	u.stack = u.stack[:len(u.stack)-1]
	if _, ok := v.(pyMark); ok {
		return nil, errStack
	}
	return v, nil
}

// popMark pops everything down to the mark.
func (u *unpickler) popMark() ([]any, error) {
	for i := len(u.stack) - 1; i >= 0; i-- {
		if _, ok := u.stack[i].(pyMark); ok {
			items := slices.Clone(u.stack[i+1:])
			u.stack = u.stack[:i]
			return items, nil
		}
	}
	return nil, errStack
}

func (u *unpickler) popN(n int) ([]any, error) {
	items := make([]any, n)
	for i := n - 1; i >= 0; i-- {
		v, err := u.pop()
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	return items, nil
}

func (u *unpickler) top() (any, error) {
	if len(u.stack) == 0 {
		return nil, errStack
	}
	return u.stack[len(u.stack)-1], nil
}

func (u *unpickler) run() (any, error) {
	for {
		op, err := u.number(1)
		if err != nil {
			return nil, err
		}
		if op == '.' {
			return u.pop()
		}
		if err := u.step(byte(op)); err != nil {
			return nil, err
		}
	}
}

// step runs one opcode of protocols 2 to 5; the names are those of Python's
// pickletools.
func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		_, err := u.number(1)
		return err
	case 0x95: // FRAME
		_, err := u.number(8)
		return err
	case '(': // MARK
		u.push(pyMark{})
	case 'N': // NONE
		u.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		u.push(op == 0x88)
	case 'K', 'M', 'J': // BININT1, BININT2, BININT
		n := map[byte]int{'K': 1, 'M': 2, 'J': 4}[op]
		v, err := u.number(n)
		if err != nil {
			return err
		}
		if op == 'J' {
			u.push(int64(int32(v)))
		} else {
			u.push(int64(v))
		}
	case 0x8a: // LONG1
		return u.long()
	case 'G': // BINFLOAT
		s, err := u.take(8)
		if err != nil {
			return err
		}
		u.push(math.Float64frombits(binary.BigEndian.Uint64(s)))
	case 'X', 0x8c, 0x8d: // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8
		n, err := u.number(map[byte]int{'X': 4, 0x8c: 1, 0x8d: 8}[op])
		if err != nil {
			return err
		}
		s, err := u.take(n)
		if err != nil {
			return err
		}
		u.push(string(s))
	case 'q', 'r', 0x94: // BINPUT, LONG_BINPUT, MEMOIZE
		return u.put(op)
	case 'h', 'j': // BINGET, LONG_BINGET
		n, err := u.number(map[byte]int{'h': 1, 'j': 4}[op])
		if err != nil {
			return err
		}
		v, ok := u.memo[uint32(n)]
		if !ok {
			return fmt.Errorf("no memo %d", n)
		}
		u.push(v)
	case '0': // POP
		_, err := u.pop()
		return err
	default:
		return u.object(op)
	}
	return nil
}

func (u *unpickler) long() error {
	n, err := u.number(1)
	if err != nil {
		return err
	}
	s, err := u.take(n)
	if err != nil {
		return err
	}
	s = slices.Clone(s)
	slices.Reverse(s)
	v := new(big.Int).SetBytes(s)
	if len(s) > 0 && s[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(s))))
	}
	if !v.IsInt64() {
		u.push(pyObject{})
		return nil
	}
	u.push(v.Int64())
	return nil
}

func (u *unpickler) put(op byte) error {
	v, err := u.top()
	if err != nil {
		return err
	}
	n := uint64(len(u.memo))
	if op != 0x94 {
		if n, err = u.number(map[byte]int{'q': 1, 'r': 4}[op]); err != nil {
			return err
		}
	}
	u.memo[uint32(n)] = v
	return nil
}

// object runs the opcodes that make and fill compound objects.
func (u *unpickler) object(op byte) error {
	switch op {
	case ')', 0x85, 0x86, 0x87: // EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3
		items, err := u.popN(map[byte]int{')': 0, 0x85: 1, 0x86: 2, 0x87: 3}[op])
		if err != nil {
			return err
		}
		u.push(pyTuple(items))
	case 't': // TUPLE
		items, err := u.popMark()
		if err != nil {
			return err
		}
		u.push(pyTuple(items))
	case ']': // EMPTY_LIST
		u.push(&pyList{})
	case '}': // EMPTY_DICT
		u.push(&pyDict{})
	case 'a', 'e', 's', 'u': // APPEND, APPENDS, SETITEM, SETITEMS
		return u.fill(op)
	case 'c', 0x93: // GLOBAL, STACK_GLOBAL
		return u.global(op)
	case 'Q': // BINPERSID
		v, err := u.pop()
		if err != nil {
			return err
		}
		s, err := storage(v)
		if err != nil {
			return err
		}
		u.push(s)
	case 'R', 0x81: // REDUCE, NEWOBJ
		v, err := u.popN(2)
		if err != nil {
			return err
		}
		made, err := construct(v[0], v[1])
		if err != nil {
			return err
		}
		u.push(made)
	case 'b': // BUILD: attributes, such as a state dict's metadata
		_, err := u.pop()
		return err
	default:
		return fmt.Errorf("opcode %#02x is not one of a state dict", op)
	}
	return nil
}

func (u *unpickler) fill(op byte) error {
	var items []any
	var err error
	switch op {
	case 'a':
		items, err = u.popN(1)
	case 's':
		items, err = u.popN(2)
	default:
		items, err = u.popMark()
	}
	if err != nil {
		return err
	}
	into, err := u.top()
	if err != nil {
		return err
	}
	switch into := into.(type) {
	case *pyList:
		into.items = append(into.items, items...)
	case *pyDict:
		if len(items)%2 != 0 || op == 'a' || op == 'e' {
			return errStack
		}
		for i := 0; i < len(items); i += 2 {
			into.keys = append(into.keys, items[i])
			into.values = append(into.values, items[i+1])
		}
	case pyObject:
	default:
		return errStack
	}
	return nil
}

func (u *unpickler) global(op byte) error {
	var g pyGlobal
	if op == 'c' {
		var err error
		if g.module, err = u.line(); err != nil {
			return err
		}
		if g.name, err = u.line(); err != nil {
			return err
		}
	} else {
		v, err := u.popN(2)
		if err != nil {
			return err
		}
		var ok1, ok2 bool
		g.module, ok1 = v[0].(string)
		g.name, ok2 = v[1].(string)
		if !ok1 || !ok2 {
			return errStack
		}
	}
	u.push(g)
	return nil
}

// storage reads a persistent id: ("storage", type, key, location, elements).
func storage(id any) (storageRef, error) {
	t, ok := id.(pyTuple)
	if !ok || len(t) < 3 || t[0] != "storage" {
		return storageRef{}, fmt.Errorf("persistent id %v is not a storage", id)
	}
	g, ok1 := t[1].(pyGlobal)
	key, ok2 := t[2].(string)
	if !ok1 || !ok2 {
		return storageRef{}, errStack
	}
	return storageRef{dtype: g.name, key: key}, nil
}

// construct stands for the call of a constructor.
func construct(f, args any) (any, error) {
	g, ok1 := f.(pyGlobal)
	a, ok2 := args.(pyTuple)
	if !ok1 || !ok2 {
		return nil, errStack
	}
	switch g {
	case pyGlobal{"collections", "OrderedDict"}:
		return &pyDict{}, nil
	case pyGlobal{"torch._utils", "_rebuild_parameter"}:
		if len(a) > 0 {
			if t, ok := a[0].(*tensorRef); ok {
				return t, nil
			}
		}
	case pyGlobal{"torch._utils", "_rebuild_tensor_v2"}:
		if len(a) < 4 {
			break
		}
		s, ok1 := a[0].(storageRef)
		offset, ok2 := a[1].(int64)
		shape, ok3 := integers(a[2])
		strides, ok4 := integers(a[3])
		if ok1 && ok2 && ok3 && ok4 {
			return &tensorRef{s, offset, shape, strides}, nil
		}
	default:
		return pyObject{}, nil // never called
	}
	return nil, fmt.Errorf("arguments of %s.%s do not fit", g.module, g.name)
}

func integers(v any) ([]int64, bool) {
	t, ok := v.(pyTuple)
	if !ok {
		return nil, false
	}
	out := make([]int64, len(t))
	for i, x := range t {
		if out[i], ok = x.(int64); !ok {
			return nil, false
		}
	}
	return out, true
}

// tensor copies the tensor out of its storage.
func (r *tensorRef) tensor(storage []float32) (Tensor, error) {
	size, last := int64(1), r.offset
	t := Tensor{}
	if len(r.shape) != len(r.strides) || len(r.shape) > 8 || r.offset < 0 {
		return t, fmt.Errorf("shape %v with strides %v at %d", r.shape, r.strides, r.offset)
	}
	for i, d := range r.shape {
		s := r.strides[i]
		if d < 1 || s < 0 || d > int64(len(storage)) || s > int64(len(storage)) || size > int64(len(storage))/d {
			return t, fmt.Errorf("shape %v with strides %v in %d values", r.shape, r.strides, len(storage))
		}
		size *= d
		last += (d - 1) * s
		t.Shape = append(t.Shape, int(d))
	}
	if last >= int64(len(storage)) {
		return t, fmt.Errorf("shape %v with strides %v at %d in %d values", r.shape, r.strides, r.offset, len(storage))
	}
	t.Data = make([]float32, size)
	index := make([]int64, len(r.shape))
	at := r.offset
	for i := range t.Data {
		t.Data[i] = storage[at]
		for d := len(index) - 1; d >= 0; d-- {
			index[d]++
			at += r.strides[d]
			if index[d] < r.shape[d] {
				break
			}
			at -= index[d] * r.strides[d]
			index[d] = 0
		}
	}
	return t, nil
}
