package content

import (
	"encoding/binary"
	"math/bits"
)

// chunkLen is how much of what is no text is judged at once.
const chunkLen = 32 << 10

// binaryDetector judges what is no text, chunk by chunk, and remembers what was before.
type binaryDetector struct {
	last Segment
	// Looking for a width takes time, so after a vain search, some chunks go by without.
	bitmapRest, pixelRest int
}

const searchRest = 12

// detect judges what is no text.
func (d *binaryDetector) detect(b []byte) []piece {
	var all []piece
	for at := 0; at < len(b); {
		n := min(chunkLen, len(b)-at)
		if len(b)-at-n < chunkLen/2 {
			n = len(b) - at
		}
		s, blank := d.kind(b[at : at+n])
		d.last = s
		s.Len = n
		// A row goes on from chunk to chunk, and pages may begin and end with white.
		k := len(all) - 1
		switch {
		case k >= 0 && (all[k].goesOn(s) || blank && all[k].Kind == Image1):
			all[k].Len += n
			d.last = all[k].Segment
		case k >= 0 && s.Kind == Image1 && all[k].Kind == Plain && all[k].Step == blankStep:
			s.Len += all[k].Len
			all[k].Segment = s
		default:
			if blank {
				s.Step = blankStep
			}
			all = append(all, piece{at, s})
		}
		at += n
	}
	out := all[:0]
	for _, p := range all {
		if p.Kind == Plain {
			p.Step = 0
			if k := len(out) - 1; k >= 0 && out[k].Kind == Plain {
				out[k].Len += p.Len
				continue
			}
		}
		if p.Kind.isCode() {
			p.Absolute = pays(p.Segment, b[p.at:p.end()])
		}
		out = append(out, p)
	}
	return out
}

// blankStep marks pieces of nothing but white or black, while it is not known what of.
const blankStep = 1

// goesOn tells whether b, which reads like text, is rather more of the image before it.
func (d *binaryDetector) goesOn(b []byte) bool {
	s := d.last
	if s.Kind != Image8 && s.Kind != Image24 || len(b) < 4*s.Width {
		return false
	}
	chance := chanceDistance(b)
	return distance(b, s.Width, 17)*5 < chance*2
}

// goesOn tells whether chunks of s and o are one segment.
func (s Segment) goesOn(o Segment) bool {
	s.Len, o.Len = 0, 0
	return s == o
}

// kind judges a chunk; blank tells that next to nothing is in it.
func (d *binaryDetector) kind(b []byte) (s Segment, blank bool) {
	if len(b) < leastSegment {
		return Segment{}, false
	}
	var count [256]int
	for _, c := range b {
		count[c]++
	}
	if count[0]+count[255] > len(b)-len(b)/32 {
		return Segment{}, true
	}
	if s, ok := codeKind(b, &count); ok {
		return s, false
	}
	if s, ok := d.bitmapKind(b, &count); ok {
		return s, false
	}
	if s, ok := d.pixelKind(b); ok {
		return s, false
	}
	if s, ok := numberKind(b); ok {
		return s, false
	}
	return Segment{}, false
}

// codeKind looks for machine code that no header announced.
func codeKind(b []byte, count *[256]int) (Segment, bool) {
	// Near calls on x86 are the byte E8 and a short distance, so that a byte 00 or FF is
	// four behind it. Elsewhere that is chance.
	calls, wide := 0, 0
	for i := 0; i+7 < len(b); i++ {
		switch b[i] {
		case 0xe8:
			if h := b[i+4]; (h == 0 && b[i+3] < 32 || h == 0xff && b[i+3] >= 224) && b[i+1] != 0 {
				calls++
			}
		case 0x48:
			if c := b[i+1]; c == 0x8b || c == 0x89 || c == 0x8d || c == 0x85 || c == 0x83 {
				wide++
			}
		}
	}
	if e8 := count[0xe8]; calls*250 > len(b) && calls*2 > e8 {
		s := Segment{Kind: X86, Step: 4}
		if wide*200 > len(b) {
			s.Step = 8
		}
		return s, true
	}
	// Words of ARM code have few different highest bytes: loads, stores, moves, calls.
	var arm, arm64 int
	for i := 0; i+4 <= len(b); i += 4 {
		h := b[i+3]
		arm += int(armBytes[h] & 1)
		arm64 += int(armBytes[h] >> 1)
	}
	words := len(b) / 4
	switch {
	case arm64*100 > words*72:
		return Segment{Kind: ARM64}, true
	case arm*100 > words*75:
		return Segment{Kind: ARM}, true
	}
	return Segment{}, false
}

// armBytes marks the common highest bytes of words of code, bit 0 of 32-bit ARM (nearly all
// of it is executed unconditionally), bit 1 of 64-bit ARM.
var armBytes = func() (t [256]uint8) {
	for h := 0xe0; h <= 0xef; h++ {
		t[h] |= 1
	}
	t[0x0a], t[0x1a] = 1, 1 // BEQ, BNE
	for _, h := range []int{
		0xf9, 0xb9, 0x39, 0xa9, 0xa8, 0xf8, 0xb8, 0x38, 0x79, // loads and stores
		0x91, 0xd1, 0xf1, 0x11, 0x71, 0x51, 0x8b, 0xcb, 0xeb, 0x0b, 0x4b, 0x6b, 0x92, 0x12, 0xaa, 0x2a, 0xd3, 0x53, 0x9b, 0x1b, // arithmetic
		0xd2, 0x52, 0xf2, 0x72, 0x90, 0xb0, 0xd0, 0xf0, 0x9a, 0x1a, // moves, pages
		0x14, 0x17, 0x54, 0x94, 0x97, 0xd6, 0xb4, 0xb5, 0x34, 0x35, 0x36, 0x37, 0xd5, // branches
	} {
		t[h] |= 2
	}
	return t
}()

// bitmapKind looks for bitmaps: mostly white or black, and most rows like the one above.
func (d *binaryDetector) bitmapKind(b []byte, count *[256]int) (Segment, bool) {
	flat := count[0] + count[255]
	if flat*2 < len(b) {
		return Segment{}, false
	}
	ones := 0
	for c, n := range count {
		ones += bits.OnesCount8(uint8(c)) * n
	}
	// Bits that differ between places that have nothing to do with each other.
	chance := 2 * ones * (8*len(b) - ones) / (8 * len(b))
	try := func(b []byte, width int) int { return changes(b, width) * len(b) / (len(b) - width) }
	if w := d.last.Width; d.last.Kind == Image1 && try(b, w)*2 < chance {
		return Segment{Kind: Image1, Width: w}, true
	}
	if d.bitmapRest > 0 {
		d.bitmapRest--
		return Segment{}, false
	}
	part := b
	if len(b) > 12<<10 {
		part = b[len(b)/2-6<<10:][:12<<10]
	}
	best, width := len(part)*8, 0
	for w := 8; w <= min(1200, len(part)/4); w++ {
		if n := try(part, w); n < best {
			best, width = n, w
		}
	}
	if width == 0 || try(b, width)*2 > chance || !smoothEdges(b, width) {
		d.bitmapRest = searchRest
		return Segment{}, false
	}
	// Rows two, three apart are like each other, too: the shortest distance is the width
	// where it is nearly as good.
	for _, n := range []int{4, 3, 2} {
		if width%n == 0 && width/n >= 8 && try(part, width/n) <= best*5/4 {
			width /= n
			break
		}
	}
	return Segment{Kind: Image1, Width: width}, true
}

// smoothEdges tells whether bytes that differ from those above do as pixels: one or two
// bits beside an edge. Bytes of other tables differ in any of their bits.
func smoothEdges(b []byte, width int) bool {
	few, many := 0, 0
	for i := width; i < len(b); i++ {
		switch n := bits.OnesCount8(b[i] ^ b[i-width]); {
		case n == 0:
		case n <= 2 && edges(b[i]) <= 2 && edges(b[i-width]) <= 2:
			few++
		default:
			many++
		}
	}
	return few+many > len(b)/500 && few > many
}

// edges returns how often neighbouring bits of c differ.
func edges(c byte) int { return bits.OnesCount8((c ^ c>>1) & 0x7f) }

// changes returns the number of bits of b that differ from the ones width bytes before.
func changes(b []byte, width int) int {
	n := 0
	cur, above := b[width:], b[:len(b)-width]
	for len(cur) >= 8 {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(cur) ^ binary.LittleEndian.Uint64(above))
		cur, above = cur[8:], above[8:]
	}
	return n
}

// distance returns the sum of the differences between bytes d apart, on a sample.
func distance(b []byte, d, stride int) int {
	sum := 0
	n := 0
	for i := d; i < len(b); i += stride {
		v := int(b[i]) - int(b[i-d])
		sum += max(v, -v)
		n++
	}
	return sum * 4096 / max(n, 1)
}

// chanceDistance is what distance gives for places that have nothing to do with each other.
func chanceDistance(b []byte) int {
	const stride = 17
	n := len(b) / 8
	return (distance(b, 3*n+1, stride) + distance(b, 2*n+1, stride) + distance(b, 4*n-1, stride)) / 3
}

// pixelKind looks for images of grey levels or colours without a header: neighbours, and
// rows, differ little.
func (d *binaryDetector) pixelKind(b []byte) (Segment, bool) {
	if len(b) < 8<<10 {
		return Segment{}, false
	}
	const stride = 17
	chance := chanceDistance(b)
	if d.last.Kind == Image8 || d.last.Kind == Image24 {
		if distance(b, d.last.Width, stride)*5 < chance*2 {
			s := d.last
			return s, true
		}
	}
	if chance < 4096*6 {
		return Segment{}, false
	}
	var near [5]int
	step := 1
	for k := 1; k <= 4; k++ {
		near[k] = distance(b, k, stride)
		if near[k]*8 < near[step]*7 {
			step = k
		}
	}
	if near[step]*3 > chance || step == 2 || !shaded(b, step) {
		return Segment{}, false
	}
	if d.pixelRest > 0 {
		d.pixelRest--
		return Segment{}, false
	}
	best, width := chance, 0
	for w := 32; w <= min(8192, len(b)/4); w++ {
		if step > 1 && w%step != 0 {
			continue
		}
		if n := distance(b, w, 61); n < best {
			best, width = n, w
		}
	}
	// A row's width stands out: a little more or less is worse.
	off := (distance(b, width+7*step, stride) + distance(b, max(width-7*step, 8), stride)) / 2
	if width == 0 || best*3 > chance || distance(b, width, stride)*6 > off*5 || !shaded(b, width) {
		d.pixelRest = searchRest
		return Segment{}, false
	}
	if step > 2 {
		return Segment{Kind: Image24, Width: width, Step: step}, true
	}
	return Segment{Kind: Image8, Width: width}, true
}

// shaded tells whether bytes d apart often differ, but a little only. In tables they are
// equal, or anything.
func shaded(b []byte, d int) bool {
	little, n := 0, 0
	for i := d; i < len(b); i += 7 {
		v := int(b[i]) - int(b[i-d])
		if v = max(v, -v); v > 0 && v <= 8 {
			little++
		}
		n++
	}
	return little*5 > n*2
}

// numberKind looks for arrays of numbers of four bytes: those of one weight have a
// distribution of their own.
func numberKind(b []byte) (Segment, bool) {
	var count [4][256]int
	n := len(b) &^ 3
	for i := 0; i < n; i += 4 {
		count[0][b[i]]++
		count[1][b[i+1]]++
		count[2][b[i+2]]++
		count[3][b[i+3]]++
	}
	// How likely two bytes are to be equal: of any weight, two weights, one weight.
	var one [4]float64
	any, even, odd := 0.0, 0.0, 0.0
	m := float64(n / 4)
	for c := range 256 {
		var f [4]float64
		for k := range f {
			f[k] = float64(count[k][c]) / m
			one[k] += f[k] * f[k]
		}
		s := (f[0] + f[1] + f[2] + f[3]) / 4
		any += s * s
		even += (f[0] + f[2]) * (f[0] + f[2]) / 4
		odd += (f[1] + f[3]) * (f[1] + f[3]) / 4
	}
	four := (one[0] + one[1] + one[2] + one[3]) / 4
	two := (even + odd) / 2
	if four < any*1.6 || four < two*1.3 {
		return Segment{}, false
	}
	if one[0] < any && one[3] < any {
		return Segment{}, false
	}
	// The order of the bytes shows in the end where few values occur, unless the other end
	// is cut off as zeros.
	s := Segment{Kind: Numbers, Step: 4}
	s.BigEndian = count[3][0]*2 > n/4 || count[0][0]*2 <= n/4 && one[0] > one[3]
	return s, true
}
