package content

import (
	"encoding/binary"
	"math/bits"
)

// code returns pieces of b of machine code, where nearby ones are one.
func code(b []byte, all []piece) []piece {
	var out []piece
	for _, p := range all {
		if p.at < 0 || p.at >= len(b) || p.Len < 1 {
			continue
		}
		p.Len = min(p.Len, len(b)-p.at)
		if n := len(out); n > 0 {
			last := &out[n-1]
			if p.at < last.end() {
				continue // sections lie in order, or the file is odd
			}
			if p.at-last.end() < leastSegment && p.Kind != ARM64 {
				last.Len = p.end() - last.at
				continue
			}
		}
		out = append(out, p)
	}
	for i := range out {
		p := &out[i]
		p.Absolute = p.Kind.isCode() && pays(p.Segment, b[p.at:p.end()])
	}
	return out
}

// machine returns the kind of code for an ELF machine number.
func machine(m uint16, bigEndian bool) (s Segment, ok bool) {
	switch m {
	case 3:
		return Segment{Kind: X86, Step: 4}, true
	case 62:
		return Segment{Kind: X86, Step: 8}, true
	case 40:
		s.Kind = ARM
	case 183:
		s.Kind = ARM64
	case 2, 8, 15, 18, 20, 21, 43, 258: // SPARC, MIPS, PA-RISC, PowerPC, LoongArch
		return Segment{Kind: Code, Step: 4, BigEndian: bigEndian}, true
	case 4, 22, 42, 243: // 68k, S/390, SuperH, RISC-V
		return Segment{Kind: Code, Step: 2, BigEndian: bigEndian}, true
	}
	return s, s.Kind != Plain && !bigEndian
}

func findELF(b []byte) []piece {
	if len(b) < 64 || string(b[:4]) != "\x7fELF" || b[4] < 1 || b[4] > 2 || b[5] < 1 || b[5] > 2 {
		return nil
	}
	var o binary.ByteOrder = le
	if b[5] == 2 {
		o = be
	}
	kind, ok := machine(o.Uint16(b[18:]), b[5] == 2)
	if !ok {
		return nil
	}
	wide := b[4] == 2
	word := func(at uint64) uint64 { // an address
		if at+8 > uint64(len(b)) {
			return 0
		}
		if wide {
			return o.Uint64(b[at:])
		}
		return uint64(o.Uint32(b[at:]))
	}
	half := func(at uint64) uint64 { return uint64(o.Uint16(b[at:])) }
	// Where things are in a 32-bit and a 64-bit file.
	pick := func(narrow, w uint64) uint64 {
		if wide {
			return w
		}
		return narrow
	}
	var all []piece
	add := func(at, n, address uint64) {
		if at >= uint64(len(b)) || n == 0 {
			return
		}
		s := kind
		s.Len = int(min(n, uint64(len(b))-at))
		if s.Kind == ARM64 {
			s.Width = int(address & 4095)
		}
		all = append(all, piece{int(at), s})
	}
	sections, size, n := word(pick(32, 40)), half(pick(46, 58)), half(pick(48, 60))
	if sections > 0 && sections < uint64(len(b)) && size >= pick(40, 64) && sections+n*size <= uint64(len(b)) {
		for i := range min(n, mostEntries) {
			at := sections + i*size
			const progbits, exec = 1, 4
			if o.Uint32(b[at+4:]) == progbits && word(at+8)&exec != 0 {
				add(word(at+pick(16, 24)), word(at+pick(20, 32)), word(at+pick(12, 16)))
			}
		}
	}
	if len(all) == 0 { // stripped, or cut off: what is loaded as code
		headers, size, n := word(pick(28, 32)), half(pick(42, 54)), half(pick(44, 56))
		if headers == 0 || size < pick(32, 56) || headers >= uint64(len(b)) || headers+n*size > uint64(len(b)) {
			return nil
		}
		for i := range min(n, mostEntries) {
			at := headers + i*size
			const load, exec = 1, 1
			if o.Uint32(b[at:]) == load && o.Uint32(b[at+pick(24, 4):])&exec != 0 {
				add(word(at+pick(4, 8)), word(at+pick(16, 32)), word(at+pick(8, 16)))
			}
		}
	}
	return code(b, all)
}

func findPE(b []byte) []piece {
	if len(b) < 0x40 {
		return nil
	}
	at := uint64(le.Uint32(b[0x3c:]))
	if at < 0x40 || at > 4096 || at+24 > uint64(len(b)) || string(b[at:at+4]) != "PE\x00\x00" {
		return nil
	}
	var s Segment
	switch le.Uint16(b[at+4:]) {
	case 0x14c:
		s = Segment{Kind: X86, Step: 4}
	case 0x8664:
		s = Segment{Kind: X86, Step: 8}
	case 0xaa64:
		s.Kind = ARM64
	default:
		return nil
	}
	n := uint64(le.Uint16(b[at+6:]))
	table := at + 24 + uint64(le.Uint16(b[at+20:]))
	var all []piece
	for i := range min(n, mostEntries) {
		at := table + 40*i
		if at+40 > uint64(len(b)) {
			break
		}
		const exec = 0x20000000
		if le.Uint32(b[at+36:])&exec != 0 {
			s := s
			s.Len = int(le.Uint32(b[at+16:]))
			if s.Kind == ARM64 {
				s.Width = int(le.Uint32(b[at+12:]) & 4095)
			}
			all = append(all, piece{int(le.Uint32(b[at+20:])), s})
		}
	}
	return code(b, all)
}

// findMachO knows 64-bit little-endian files.
func findMachO(b []byte) []piece {
	if le.Uint32(b) != 0xfeedfacf || len(b) < 32 {
		return nil
	}
	var s Segment
	switch le.Uint32(b[4:]) {
	case 0x01000007:
		s = Segment{Kind: X86, Step: 8}
	case 0x0100000c:
		s.Kind = ARM64
	default:
		return nil
	}
	var all []piece
	at := uint64(32)
	for range min(le.Uint32(b[16:]), mostEntries) {
		if at+72 > uint64(len(b)) {
			break
		}
		size := uint64(le.Uint32(b[at+4:]))
		if le.Uint32(b[at:]) == 0x19 { // a segment
			for i := range min(uint64(le.Uint32(b[at+64:])), mostEntries) {
				if len(all) == mostEntries {
					break
				}
				sec := at + 72 + 80*i
				if sec+80 > min(at+size, uint64(len(b))) {
					break
				}
				const instructions = 0x80000000
				if le.Uint32(b[sec+64:])&instructions != 0 {
					s := s
					s.Len = int(min(le.Uint64(b[sec+40:]), uint64(len(b))))
					if s.Kind == ARM64 {
						s.Width = int(le.Uint64(b[sec+32:]) & 4095)
					}
					all = append(all, piece{int(le.Uint32(b[sec+48:])), s})
				}
			}
		}
		if size < 8 {
			break
		}
		at += size
	}
	return code(b, all)
}

// pays tells whether absolute targets recur more often in a segment of code than relative
// ones do.
func pays(s Segment, code []byte) bool {
	const slots = 1 << 12
	var seen [2][slots]uint32
	var hits [2]int
	note := func(k int, v uint32) {
		p := &seen[k][v*0x9e3779b1>>(32-bits.TrailingZeros(slots))]
		if *p == v+1 {
			hits[k]++
		}
		*p = v + 1
	}
	code = code[:min(len(code), 1<<20)]
	if s.Kind == X86 {
		for i := 0; i < len(code); i++ {
			n := distanceAt(code, i, s.Step == 8)
			if n == 0 || i+n+4 > len(code) {
				continue
			}
			v := le.Uint32(code[i+n:])
			if w := shiftedX86(v, uint32(callBefore+i+n+4)%callWindow, false); w != v {
				note(0, v)
				note(1, w)
				i += n + 3
			}
		}
	} else {
		for i := 0; i+4 <= len(code); i += 4 {
			w := le.Uint32(code[i:])
			if s.Kind == ARM && w>>24&15 == 11 {
				note(0, w&0xffffff)
				note(1, (w+uint32(i)>>2)&0xffffff)
			} else if s.Kind == ARM64 && w>>26 == 0x25 {
				note(0, w&0x3ffffff)
				note(1, (w+uint32(i)>>2)&0x3ffffff)
			}
		}
	}
	return hits[1] > hits[0]+hits[0]/4+4
}
