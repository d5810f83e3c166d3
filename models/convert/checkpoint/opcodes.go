package checkpoint

// step runs one instruction; the names are those of Python's pickletools.
func (p *pickle) step(op byte) error {
	switch op {
	case '(': // MARK
		p.marks = append(p.marks, len(p.stack))
	case 'N': // NONE
		p.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		p.push(op == 0x88)
	case '}': // EMPTY_DICT
		p.push(&dict{})
	case ']': // EMPTY_LIST
		p.push(&list{})
	case ')': // EMPTY_TUPLE
		p.push(&tuple{})
	case 0x8f: // EMPTY_SET
		p.push(&object{})
	case '0': // POP
		if len(p.stack) == p.floor() && len(p.marks) > 0 {
			p.marks = p.marks[:len(p.marks)-1]
			return nil
		}
		_, err := p.pop()
		return err
	case '2': // DUP
		v, err := p.top()
		p.push(v)
		return err
	case '1', 0x90: // POP_MARK, ADDITEMS
		_, err := p.popMark()
		return err
	case 'I', 'L', 'F', 'S', 'V', 'p', 'g': // lines of protocol 0
		s, err := p.line()
		if err != nil {
			return err
		}
		if op == 'p' || op == 'g' {
			return p.memoLine(op, s)
		}
		return p.text(op, s)
	default:
		if done, err := p.sized(op); done {
			return err
		}
		return p.compound(op)
	}
	return nil
}

func (p *pickle) memoLine(op byte, s string) error {
	var key uint64
	for _, c := range []byte(s) {
		if c < '0' || c > '9' || key > 1<<32 {
			return formatf("a pickle stores under %q", shorten(s))
		}
		key = 10*key + uint64(c-'0')
	}
	if op == 'p' {
		return p.put(key)
	}
	return p.get(key)
}

// sized runs the instructions that are followed by a number, or by a length and as
// many bytes.
func (p *pickle) sized(op byte) (done bool, err error) {
	lengths := map[byte]int{
		'K': 1, 'M': 2, 'J': 4, 0x80: 1, 0x95: 8, 'q': 1, 'r': 4, 'h': 1, 'j': 4, 0x94: 0,
		0x8a: 1, 0x8b: 4, 'X': 4, 0x8c: 1, 0x8d: 8, 'T': 4, 'U': 1, 'B': 4, 'C': 1, 0x8e: 8, 0x96: 8,
	}
	width, ok := lengths[op]
	if op == 'G' { // BINFLOAT
		b, err := p.bytes(8)
		if err == nil {
			p.push(float(b))
		}
		return true, err
	}
	if !ok {
		return false, nil
	}
	n, err := p.number(width)
	if err != nil {
		return true, err
	}
	switch op {
	case 0x80: // PROTO
		if n > 5 {
			return true, formatf("a pickle of protocol %d", n)
		}
	case 0x95: // FRAME
	case 'K', 'M': // BININT1, BININT2
		p.push(int64(n))
	case 'J': // BININT
		p.push(int64(int32(n)))
	case 'q', 'r': // BINPUT, LONG_BINPUT
		return true, p.put(n)
	case 0x94: // MEMOIZE
		return true, p.put(uint64(len(p.memo)))
	case 'h', 'j': // BINGET, LONG_BINGET
		return true, p.get(n)
	default: // text, bytes and long integers
		b, err := p.bytes(n)
		if err != nil {
			return true, err
		}
		if op == 0x8a || op == 0x8b { // LONG1, LONG4
			p.integer(b)
		} else {
			p.push(string(b))
		}
	}
	return true, nil
}

// compound runs the instructions that make and fill compound values.
func (p *pickle) compound(op byte) (err error) {
	var items []any
	switch op {
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		items, err = p.popN(int(op - 0x84))
		p.push(&tuple{items})
	case 't': // TUPLE
		items, err = p.popMark()
		p.push(&tuple{items})
	case 'l': // LIST
		items, err = p.popMark()
		p.push(&list{items})
	case 'd': // DICT
		items, err = p.popMark()
		p.push(&dict{})
		if err == nil {
			err = p.fill(items, true)
		}
	case 0x91: // FROZENSET
		_, err = p.popMark()
		p.push(&object{})
	case 'a', 'e': // APPEND, APPENDS
		if op == 'a' {
			items, err = p.popN(1)
		} else {
			items, err = p.popMark()
		}
		if err == nil {
			err = p.fill(items, false)
		}
	case 's', 'u': // SETITEM, SETITEMS
		if op == 's' {
			items, err = p.popN(2)
		} else {
			items, err = p.popMark()
		}
		if err == nil {
			err = p.fill(items, true)
		}
	case 'c': // GLOBAL
		var g global
		if g.module, err = p.line(); err == nil {
			g.name, err = p.line()
		}
		p.push(g)
	case 0x93: // STACK_GLOBAL
		if items, err = p.popN(2); err == nil {
			module, ok := items[0].(string)
			name, ok2 := items[1].(string)
			if !ok || !ok2 {
				return formatf("a pickle names a class by something else than text")
			}
			p.push(global{module, name})
		}
	case 'Q': // BINPERSID
		var id any
		if id, err = p.pop(); err == nil {
			var s *storage
			s, err = p.storage(id)
			p.push(s)
		}
	case 'R', 0x81: // REDUCE, NEWOBJ
		if items, err = p.popN(2); err == nil {
			var v any
			v, err = p.call(items[0], items[1])
			p.push(v)
		}
	case 0x92: // NEWOBJ_EX
		if items, err = p.popN(3); err == nil {
			var v any
			v, err = p.call(items[0], items[1])
			p.push(v)
		}
	case 'b': // BUILD: the state of an object, which nothing here needs
		_, err = p.pop()
	default:
		return formatf("a pickle has the instruction %#02x, which no state dict needs", op)
	}
	return err
}

// fill adds items to the container on top of the stack.
func (p *pickle) fill(items []any, pairs bool) error {
	into, err := p.top()
	if err != nil {
		return err
	}
	switch into := into.(type) {
	case *list:
		if pairs {
			return formatf("a pickle sets the keys of a list")
		}
		into.items = append(into.items, items...)
	case *dict:
		if !pairs || len(items)%2 != 0 {
			return formatf("a pickle sets half an item of a dictionary")
		}
		for i := 0; i < len(items); i += 2 {
			into.keys, into.values = append(into.keys, items[i]), append(into.values, items[i+1])
		}
	case *object:
	default:
		return formatf("a pickle adds to something that holds nothing")
	}
	return nil
}
