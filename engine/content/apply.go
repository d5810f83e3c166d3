package content

import "encoding/binary"

// Calls in machine code say how far away their target is, so that two calls of one
// function differ. Apply replaces distances by targets, counted from a place before the
// segment, and Undo puts them back. Both walk through the bytes alike: what is changed
// is changed one to one, and what decides about it is not changed.

const (
	// Distances in x86 code are changed where the target is in a window of so many bytes.
	// In code it nearly always is; where bytes only look like a call, seldom.
	callWindow = 1 << 25
	// The segment begins so far into the window, so that there is room for what lies
	// before it, as the stubs of shared libraries do.
	callBefore = 1 << 22
)

// Apply changes block so that it is predicted better: it makes the targets of calls absolute
// in the segments that say so, and lets the higher bytes of numbers come first.
func (p Plan) Apply(block []byte) { p.convert(block, false) }

// Undo undoes Apply.
func (p Plan) Undo(block []byte) { p.convert(block, true) }

// Changes tells whether Apply may change something.
func (p Plan) Changes() bool {
	for i := range p {
		if p[i].changes() {
			return true
		}
	}
	return false
}

// changes tells whether Apply changes the segment.
func (s *Segment) changes() bool { return s.Absolute || s.reversed() > 1 }

// reversed returns the size of the numbers whose bytes Apply turns round: the highest says
// most about the others, so it is to come first.
func (s *Segment) reversed() int {
	if (s.Kind == Audio || s.Kind == Numbers) && !s.BigEndian {
		return s.Step
	}
	return 1
}

func (p Plan) convert(block []byte, undo bool) {
	at := 0
	for i := range p {
		s := &p[i]
		if s.changes() {
			s.convert(block[at:at+s.Len], 0, s.Len, undo)
		}
		at += s.Len
	}
}

// Restorer undoes Apply piece by piece, as the bytes of a block become known.
type Restorer struct {
	plan Plan
	done int // bytes of the block that are final
	at   int // where the first segment of plan begins
}

// NewRestorer returns one for a block with plan p.
func NewRestorer(p Plan) *Restorer { return &Restorer{plan: p} }

// Next copies what has become known of src, its first n bytes, to the same place in dst, a
// buffer as long as the block, and restores it. It returns the number of bytes of dst that are
// final: at most n, and all of them when the block is complete.
func (r *Restorer) Next(dst, src []byte, n int) int {
	for len(r.plan) > 0 && r.done < n {
		s := &r.plan[0]
		end := min(r.at+s.Len, n)
		copy(dst[r.done:end], src[r.done:end])
		if s.changes() {
			r.done = r.at + s.convert(dst[r.at:r.at+s.Len], r.done-r.at, end-r.at, true)
		} else {
			r.done = end
		}
		if r.done < r.at+s.Len {
			break
		}
		r.at += s.Len
		r.plan = r.plan[1:]
	}
	return r.done
}

// convert changes the calls in code, a segment of which the first known bytes are there,
// from place i on, and returns how far it came: to the end, or to a place that it cannot
// judge yet.
func (s *Segment) convert(code []byte, i, known int, undo bool) int {
	switch s.Kind {
	case Audio, Numbers:
		return reverse(code, i, known, s.Step)
	case X86:
		return convertX86(code, i, known, s.Step == 8, undo)
	case ARM:
		return convertWords(code, i, known, func(w, pos uint32) uint32 {
			if w>>24&15 != 11 { // BL, under any condition
				return w
			}
			return w&0xff000000 | shifted(w, pos>>2, undo)&0xffffff
		})
	default:
		return convertWords(code, i, known, func(w, pos uint32) uint32 {
			switch {
			case w>>26 == 0x25: // BL
				return w&0xfc000000 | shifted(w, pos>>2, undo)&0x3ffffff
			case w&0x9f000000 == 0x90000000: // ADRP: pages of 4 KiB
				v := w>>29&3 | w>>3&0x1ffffc
				v = shifted(v, (pos+uint32(s.Width))>>12, undo)
				return w&0x9f00001f | v&3<<29 | v&0x1ffffc<<3
			}
			return w
		})
	}
}

// reverse turns numbers of n bytes round.
func reverse(b []byte, i, known, n int) int {
	for ; i+n <= known; i += n {
		for j, k := i, i+n-1; j < k; j, k = j+1, k-1 {
			b[j], b[k] = b[k], b[j]
		}
	}
	if known == len(b) {
		return known
	}
	return i
}

// shifted returns v moved on by d, or back.
func shifted(v, d uint32, undo bool) uint32 {
	if undo {
		return v - d
	}
	return v + d
}

// convertWords changes code of four-byte words.
func convertWords(code []byte, i, known int, change func(w, pos uint32) uint32) int {
	for ; i+4 <= known; i += 4 {
		w := binary.LittleEndian.Uint32(code[i:])
		binary.LittleEndian.PutUint32(code[i:], change(w, uint32(i)))
	}
	if known == len(code) {
		return known
	}
	return i
}

// convertX86 changes x86 code, wide for 64 bits.
func convertX86(code []byte, i, known int, wide, undo bool) int {
	const reach = 7 // the longest opcode and its distance
	for i < known {
		if i+reach > known && known < len(code) {
			return i
		}
		n := distanceAt(code, i, wide)
		if n == 0 || i+n+4 > len(code) {
			i++
			continue
		}
		at := i + n
		v := binary.LittleEndian.Uint32(code[at:])
		here := uint32(callBefore+at+4) % callWindow
		binary.LittleEndian.PutUint32(code[at:], shiftedX86(v, here, undo))
		// Also where nothing was changed, no call is looked for inside: it would change
		// what has just been judged.
		i = at + 4
	}
	return i
}

// distanceAt returns how far behind place i of x86 code the distance of a call, a jump or
// (wide) an address follows, 0 for none. What is before i may be changed already, so it
// looks only ahead.
func distanceAt(code []byte, i int, wide bool) int {
	switch b := code[i]; {
	case b&0xfe == 0xe8: // CALL, JMP
		return 1
	case wide && b&0xf8 == 0x48 && i+2 < len(code) && code[i+2]&0xc7 == 5:
		switch code[i+1] {
		case 0x8b, 0x8d, 0x89: // 64-bit MOV and LEA, relative to what follows
			return 3
		}
	}
	return 0
}

// shiftedX86 maps the distances that lead from here into the window to their targets, and
// the other numbers below the window's size to the distances that are left over: one to
// one, as both make up the same set. All other numbers stay.
func shiftedX86(v, here uint32, undo bool) uint32 {
	d := int64(int32(v))
	h := int64(here)
	if d < -h || d >= callWindow {
		return v
	}
	switch {
	case !undo && d < callWindow-h:
		d += h
	case !undo:
		d -= callWindow
	case d < 0:
		d += callWindow
	default:
		d -= h
	}
	return uint32(d)
}
