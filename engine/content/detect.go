package content

import (
	"bytes"
	"sort"
)

// A piece is a segment and where it begins.
type piece struct {
	at int
	Segment
}

func (p piece) end() int { return p.at + p.Len }

const (
	// leastSegment is the shortest segment that Detect makes from what bytes look like;
	// those that a file's header announces may be as short as leastNamed.
	leastSegment = 2 << 10
	leastNamed   = 256
	leastCode    = 16 << 10
	// cellLen is the number of bytes that are text, or not, at a time.
	cellLen = 256
)

// Detect finds out what block, at least a byte, holds. It is a function of the block
// alone. Headers of known files are looked for first, as they say exactly what follows;
// then the rest is judged by what it looks like.
func Detect(block []byte) Plan {
	named := findFiles(block)
	var all []piece
	at := 0
	for _, p := range named {
		all = append(all, detectRest(block, at, p.at)...)
		all = append(all, p)
		at = p.end()
	}
	all = append(all, detectRest(block, at, len(block))...)
	settle(all)
	plan := Plan{}
	for _, p := range all {
		if n := len(plan); n > 0 && plan[n-1].joins(p.Segment) {
			plan[n-1].Len += p.Len
			continue
		}
		plan = append(plan, p.Segment)
	}
	return plan
}

// settle lets little text in much of something else be a part of that, as strings in a
// program are: what a predictor must learn of texts costs more than is saved in so little.
func settle(all []piece) {
	const (
		leastPiece = 16 << 10 // of text, where there is less than leastSum
		leastSum   = 96 << 10
	)
	text, plain := 0, 0
	for _, p := range all {
		switch {
		case p.Kind.IsText():
			text += p.Len
		case p.Kind == Plain:
			plain += p.Len
		}
	}
	if text >= plain || text >= leastSum {
		return
	}
	for i := range all {
		p := &all[i]
		if p.Kind.IsText() && p.Len < leastPiece {
			p.Segment = Segment{Len: p.Len}
		}
	}
}

// joins tells whether a segment may go on as o, which follows it.
func (s Segment) joins(o Segment) bool {
	// Where rows begin is counted from the start of a segment.
	if s.Kind.hasWidth() && s.Width > 0 && s.Len%s.Width != 0 || s.Kind.isCode() {
		return false
	}
	s.Len, o.Len = 0, 0
	return s == o
}

// findFiles returns what headers in block announce, in order and without overlaps.
func findFiles(block []byte) []piece {
	var all []piece
	for i := 0; i+16 <= len(block); {
		b := block[i:]
		var found []piece
		switch b[0] {
		case 'B':
			found = findBMP(b)
		case 'P':
			found = findPNM(b)
		case 'I', 'M':
			if b[0] == 'M' && b[1] == 'Z' {
				found = findPE(b)
			} else {
				found = findTIFF(b)
			}
		case 'R':
			found = findWAV(b)
		case 'F':
			found = findAIFF(b)
		case '.':
			found = findAU(b)
		case 0x7f:
			found = findELF(b)
		case 0xcf:
			found = findMachO(b)
		}
		end := i
		sort.Slice(found, func(a, b int) bool { return found[a].at < found[b].at })
		for _, p := range found {
			p.at += i
			if p.at < end || p.at >= len(block) || p.Len > len(block)-p.at {
				continue
			}
			p.Len = min(p.Len, nextMember(block[p.at:p.end()]))
			if p.Len < p.least() || !p.valid() {
				continue
			}
			all = append(all, p)
			end = p.end()
		}
		i = max(end, i+1)
	}
	return all
}

// nextMember returns where in b the next file of an archive of tar begins, so that a file
// shorter than its header says does not swallow it; len(b) if there is none.
func nextMember(b []byte) int {
	const magic, offset = "ustar", 257
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(magic))
		if i < 0 {
			return len(b)
		}
		at += i + len(magic)
		if next := at - len(magic) - offset; next > 0 && at < len(b) && (b[at] == 0 || b[at] == ' ') {
			return next
		}
	}
}

// least returns the shortest segment of the kind that is worth one.
func (p piece) least() int {
	switch {
	case p.Absolute:
		return leastSegment
	case p.Kind >= X86:
		return leastCode
	}
	return leastNamed
}

// detectRest judges block[from:to] by what it looks like.
func detectRest(block []byte, from, to int) []piece {
	if from >= to {
		return nil
	}
	var all []piece
	d := binaryDetector{}
	for _, r := range splitText(block[from:to]) {
		b := block[from+r.at : from+r.end()]
		var pieces []piece
		if r.Kind == Text && !d.goesOn(b) {
			pieces = detectText(b)
		} else {
			pieces = d.detect(b)
		}
		for _, p := range pieces {
			p.at += from + r.at
			if k := len(all) - 1; k >= 0 && all[k].goesOn(p.Segment) {
				all[k].Len += p.Len
				continue
			}
			all = append(all, p)
		}
	}
	return all
}

// splitText cuts b into what reads like text and what does not: the cheapest way of
// assigning its cells, where changing over has a price.
func splitText(b []byte) []piece {
	const change = 24
	cells := (len(b) + cellLen - 1) / cellLen
	// from[i] holds, for either kind, whether cell i-1 was of the other one.
	from := make([][2]bool, cells)
	var cost [2]int
	for i := range cells {
		odd := oddBytes(b[i*cellLen : min((i+1)*cellLen, len(b))])
		next := cost
		for k := range next {
			if i > 0 && cost[1-k]+change < cost[k] {
				next[k] = cost[1-k] + change
				from[i][k] = true
			}
		}
		next[0] += min(max(odd-20, 0), 12)    // as text
		next[1] += min(max(20-odd, 0), 8) / 2 // as something else
		cost = next
	}
	k := 0
	if cost[1] < cost[0] {
		k = 1
	}
	var all []piece
	end := len(b)
	for i := cells - 1; i >= 0; i-- {
		if i == 0 || from[i][k] {
			kind := Plain
			if k == 0 {
				kind = Text
			}
			all = append(all, piece{i * cellLen, Segment{Kind: kind, Len: end - i*cellLen}})
			end = i * cellLen
			k = 1 - k
		}
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// isOdd marks the bytes that texts do not have; what terminals are told with is not among
// them.
var isOdd = func() (t [256]uint8) {
	for b := range 32 {
		t[b] = 1
	}
	for _, b := range "\a\b\t\n\f\r\x1b" {
		t[b] = 0
	}
	t[127] = 1
	return t
}()

// oddBytes counts the bytes of a cell that texts do not have. Bytes outside ASCII count
// where they are no UTF-8, as letters of other encodings: half of them may be.
func oddBytes(b []byte) int {
	odd, high := 0, 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c < 128 {
			odd += int(isOdd[c])
			continue
		}
		if c == 255 {
			odd++
		}
		n := 0 // continuation bytes
		switch {
		case c >= 0xc2 && c < 0xe0:
			n = 1
		case c >= 0xe0 && c < 0xf0:
			n = 2
		case c >= 0xf0 && c < 0xf5:
			n = 3
		}
		j := i + 1
		for ; j < len(b) && j <= i+n && b[j]&0xc0 == 0x80; j++ {
		}
		if n == 0 || j <= i+n && j < len(b) {
			high++
			continue
		}
		i = j - 1
	}
	if high > len(b)/4 {
		odd += high / 4
	}
	return odd
}
