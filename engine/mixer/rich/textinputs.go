package rich

import (
	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/mixer/cm"
)

// textInputs reads text of any sort: words and sentences, lines and columns, fields,
// indentation, brackets and quotes.
type textInputs struct {
	word      uint64    // hash of the current word, 0 outside words
	words     [4]uint64 // of the words before it, newest first
	wordLen   uint32
	gap       uint64 // hash of what has come since the last word
	mask      uint64 // classes of the last bytes, 4 bits each
	format    uint64 // hash of the line so far, runs of letters and digits as one
	lastClass uint8

	lineStart, lastLine, line2 int
	indent                     uint64 // spaces and tabs at the beginning of the line
	inIndent                   bool
	lastIndent                 uint64
	firstWord                  uint64     // of the line
	field                      uint32     // number in the line
	fieldHash                  uint64     // of the field so far
	fieldPrev                  uint64     // the field before
	sentence                   uint64     // sum of words since the last full stop
	quote                      uint64     // position after and hash of the last open quote or 0
	key                        uint64     // hash of the last string or name before a colon or equals sign
	str                        uint64     // hash of the current or last string
	stack                      [32]uint64 // what is before open brackets
	brackets                   [32]uint8
	depth                      int
	ind1                       [256]uint16
	ind2                       [65536]uint16
	ind3                       [65536]uint16
	after                      [65536]uint32 // by a word: hash of the one that followed it last
	vowels                     uint64        // the last letters' sorts, 4 bits each
}

func (t *textInputs) begin(x *Mixer, l *lane, seg content.Segment, start int) {
	t.lineStart, t.lastLine, t.line2 = l.pos, l.pos, l.pos
	t.inIndent = true
}

func (t *textInputs) see(x *Mixer, l *lane, b byte) {
	c1 := l.c8 >> 8 & 0xff
	c2 := l.c8 >> 8 & 0xffff
	t.ind1[c1] = t.ind1[c1]<<8 | uint16(b)
	t.ind2[c2] = t.ind2[c2]<<8 | uint16(b)
	h3 := (l.c8 >> 8 & 0xffffff) * cm.Phi >> 48
	t.ind3[h3] = t.ind3[h3]<<8 | uint16(b)

	cl := textClass[b]
	t.vowels = t.vowels<<4 | uint64(letterSort(b, cl))
	t.mask = t.mask<<4 | uint64(cl)
	if cl != t.lastClass || cl != classLower && cl != classDigit {
		t.format = cm.Hash(t.format, uint64(formatOf(b, cl)))
		t.lastClass = cl
	}
	lower := b
	if b >= 'A' && b <= 'Z' {
		lower = b + 32
	}
	if cl <= classDigit {
		if t.word == 0 {
			t.wordLen = 0
		}
		t.word = cm.Hash(t.word, uint64(lower))
		t.wordLen++
		if t.wordLen == 1 {
			t.gap = 0
		}
	} else {
		if t.word != 0 {
			t.after[t.words[0]>>48] = uint32(t.word >> 32)
			t.words[3], t.words[2], t.words[1], t.words[0] = t.words[2], t.words[1], t.words[0], t.word
			if t.firstWord == 0 {
				t.firstWord = t.word
			}
			t.sentence += t.word
			t.word = 0
			t.wordLen = 0
		}
		t.gap = cm.Hash(t.gap, uint64(b))
	}
	switch b {
	case '.', '!', '?':
		t.sentence = 0
	case '(', '[', '{', '<':
		if t.depth < len(t.stack)-1 {
			t.depth++
		}
		t.stack[t.depth] = cm.Hash(t.words[0], uint64(b))
		t.brackets[t.depth] = b
	case ')', ']', '}', '>':
		open := byte('(')
		if b != ')' {
			open = b - 2
		}
		for d := t.depth; d > 0 && d > t.depth-4; d-- {
			if t.brackets[d] == open {
				t.depth = d - 1
				break
			}
		}
	case '"':
		if t.quote == 0 {
			t.quote = 1
			t.str = 0
		} else {
			t.quote = 0
		}
	case ':', '=':
		if t.str != 0 {
			t.key = t.str
		} else {
			t.key = t.words[0]
		}
	}
	if t.quote != 0 && b != '"' {
		t.str = cm.Hash(t.str, uint64(b))
	}
	switch b {
	case ' ', '\t', ',', ';', '|', '/', ':', '"', '=', '&', '-', '.', '<', '>', '(':
		if !t.inIndent {
			t.field++
			t.fieldPrev = t.fieldHash
			t.fieldHash = 0
		}
	default:
		t.fieldHash = cm.Hash(t.fieldHash, uint64(b))
	}
	if t.inIndent {
		if b == ' ' || b == '\t' {
			t.indent = t.indent<<1 + uint64(b&1) + 1
		} else {
			t.inIndent = false
		}
	}
	if b == '\n' {
		t.line2 = t.lastLine
		t.lastLine = t.lineStart
		t.lineStart = l.pos
		t.lastIndent = t.indent
		t.indent, t.inIndent = 0, true
		t.firstWord, t.field, t.fieldHash, t.fieldPrev, t.format = 0, 0, 0, 0, 0
		t.quote = 0
		t.lastClass = 255
	}
}

// Classes of bytes in text.
const (
	classLower = iota
	classUpper
	classHigh // outside ASCII
	classDigit
	classSpace
	classLine
	classPunct
	classQuote
	classOpen
	classClose
	classStop
	classOther
)

var textClass = func() (t [256]uint8) {
	for b := range t {
		switch {
		case b >= 'a' && b <= 'z':
			t[b] = classLower
		case b >= 'A' && b <= 'Z':
			t[b] = classUpper
		case b >= 128:
			t[b] = classHigh
		case b >= '0' && b <= '9':
			t[b] = classDigit
		case b == ' ' || b == '\t':
			t[b] = classSpace
		case b == '\n' || b == '\r':
			t[b] = classLine
		case b == '"' || b == '\'' || b == '`':
			t[b] = classQuote
		case b == '(' || b == '[' || b == '{' || b == '<':
			t[b] = classOpen
		case b == ')' || b == ']' || b == '}' || b == '>':
			t[b] = classClose
		case b == '.' || b == ',' || b == ';' || b == ':' || b == '!' || b == '?':
			t[b] = classStop
		case b > ' ' && b < 127:
			t[b] = classPunct
		default:
			t[b] = classOther
		}
	}
	return t
}()

func formatOf(b, class byte) byte {
	if class <= classHigh {
		return 'a'
	}
	if class == classDigit {
		return '0'
	}
	return b
}

// above returns the byte above the one to come, and the one after that; 0 where the last line is shorter.
func (t *textInputs) above(x *Mixer, l *lane) (above, next uint64) {
	p := t.lastLine + l.pos - t.lineStart
	if p >= t.lineStart {
		return 0, 0
	}
	if p+1 < l.pos { // not the byte to come, after an empty line
		next = uint64(x.hist[p+1])
	}
	return uint64(x.hist[p]), next
}

func (t *textInputs) contexts(x *Mixer, l *lane, ctx *[maxCtx]uint64) int {
	c8 := l.c8
	c1 := c8 & 0xff
	c2 := c8 & 0xffff
	c3 := c8 & 0xffffff
	col := l.pos - t.lineStart
	above, aboveNext := t.above(x, l)
	var above2 uint64
	if p := t.line2 + col; p < t.lastLine {
		above2 = uint64(x.hist[p])
	}
	w0, w1, w2 := t.word, t.words[0], t.words[1]
	n := 0
	add := func(h uint64) {
		ctx[n] = h
		n++
	}
	add(hash3(w0, above, aboveNext))
	add(c2)
	add(c3)
	add(c8 & 0xffffffff)
	add(c8 & 0xffffffffff)
	add(c8 & 0xffffffffffff)
	add(hash3(uint64(t.ind2[c2]), c2, 1))
	add(cm.Hash(c8, l.c16&0xffff))
	add(cm.Hash(w0, c1))
	add(hash3(w0, w1, c1))
	add(hash3(w0, w2, c1))
	add(hash3(w0, cm.Hash(w1, w2), c1))
	add(hash3(w0, uint64(t.after[w1>>48]), c1))
	add(hash3(w0, t.gap, w1))
	add(cm.Hash(t.vowels&0xffffffff, c1))
	add(hash3(w0, t.firstWord, c1))
	add(hash3(w0, t.stack[t.depth], c1))
	add(hash3(w0, t.key, t.fieldHash))
	// Lines and columns.
	add(hash3(uint64(min(col, 255)), above, c1))
	add(hash3(above, aboveNext, c2))
	add(hash3(above, above2, c1))
	add(hash3(t.indent, t.lastIndent, cm.Hash(w0, c1)))
	add(hash3(uint64(t.field), t.fieldHash, 0))
	add(hash3(uint64(t.field), t.fieldHash, t.fieldPrev))
	add(cm.Hash(t.format, c1))
	add(cm.Hash(t.mask&0xffffffffff, c1))
	add(cm.Hash(t.mask&0xffffff, c2))
	// Sparse ones, and what followed before.
	add(c8 & 0xffff00)
	add(c8 & 0xff00ff)
	add(hash3(uint64(t.ind1[c1]), c2, 2))
	add(c8 & 0xffffff00)
	add(cm.Hash(uint64(t.ind1[c1]), c1))
	add(cm.Hash(uint64(t.ind2[c2]), c1))
	add(hash3(uint64(t.ind3[c3*cm.Phi>>48]), c2, 0))
	add(l.expected())
	add(cm.Hash(uint64(l.expect), c2))
	return n
}

// expected is what the longest match expects, with how long the matches are; 0 where there is none.
func (l *lane) expected() uint64 {
	if l.expect == 0 {
		return 0
	}
	return uint64(l.expect)<<8 | uint64(matchBucket(max(l.match[0].length, l.match[1].length, l.match[2].length)))
}

func (t *textInputs) selectors(x *Mixer, l *lane) selectors {
	col := uint32(min(l.pos-t.lineStart, 255))
	b := min(t.wordLen, 7) | uint32(t.mask>>4&15)<<3 | min(t.field, 3)<<7
	return selectors{a: min(col>>2, 31)<<4 | uint32(t.mask&15), b: b, final: uint32(t.mask & 0xff)}
}

// letterSort sorts letters into vowels and consonants.
func letterSort(b, class byte) byte {
	if class > classUpper {
		return class
	}
	switch b | 32 {
	case 'a', 'e', 'i', 'o', 'u', 'y':
		return 0
	case 's', 't', 'r', 'n', 'l', 'd':
		return 14
	}
	return 1
}
