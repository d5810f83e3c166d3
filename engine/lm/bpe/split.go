package bpe

import (
	"unicode"
	"unicode/utf8"
)

// A Rule says how text is cut into words before pairs are merged. Models were
// trained with one; another costs bits, never correctness.
type Rule int

// The rules.
const (
	// GPT2 is GPT-2's pattern: contractions, letters, digits or other characters with
	// one space before, white space.
	GPT2 Rule = iota
	// GPT2Digits is the same with every digit on its own (SmolLM and StarCoder).
	GPT2Digits
	// Modern is the pattern of Qwen 2: any one character may lead a word, digits are
	// single, line ends stay with what is before them.
	Modern
	// Modern3 is the same with digits in groups of up to three (Llama 3).
	Modern3
	// Spaces cuts before runs of spaces (SentencePiece vocabularies).
	Spaces
)

// maxWord is the most bytes in a word. Longer ones are cut, so that no input
// takes quadratic time.
const maxWord = 256

// Word returns the length of the first word of s, which must not be empty.
func (rule Rule) Word(s []byte) int { return rule.word(s) }

// word returns the length of the first word of s, which is not empty. A byte
// that is not valid UTF-8 is a word of its own.
func (rule Rule) word(s []byte) int {
	r, size := rune1(s)
	if r == utf8.RuneError && size == 1 {
		return 1
	}
	var n int
	switch rule {
	case Spaces:
		n = spacesWord(s)
	case Modern, Modern3:
		n = modernWord(s, rule)
	default:
		n = gpt2Word(s, rule)
	}
	if n <= maxWord {
		return n
	}
	for n = maxWord; n > maxWord-utf8.UTFMax && !utf8.RuneStart(s[n]); n-- {
	}
	return n
}

type class uint8

const (
	classOther class = iota
	classLetter
	classNumber
	classSpace
	classInvalid
)

func rune1(s []byte) (rune, int) {
	if s[0] < utf8.RuneSelf {
		return rune(s[0]), 1
	}
	return utf8.DecodeRune(s)
}

func classify(s []byte) (class, int) {
	r, size := rune1(s)
	switch {
	case r == utf8.RuneError && size == 1:
		return classInvalid, 1
	case 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
		return classLetter, 1
	case r == ' ' || '\t' <= r && r <= '\r':
		return classSpace, 1
	case '0' <= r && r <= '9':
		return classNumber, 1
	case r < utf8.RuneSelf:
		return classOther, 1
	case unicode.IsLetter(r):
		return classLetter, size
	case unicode.IsNumber(r):
		return classNumber, size
	case unicode.IsSpace(r):
		return classSpace, size
	}
	return classOther, size
}

// run returns how far the class of s[at:] goes on, in at most max characters
// and about maxWord bytes.
func run(s []byte, at int, want class, max int) int {
	for n := 0; at < len(s) && n < max && at <= maxWord; n++ {
		c, size := classify(s[at:])
		if c != want {
			break
		}
		at += size
	}
	return at
}

const unlimited = 1 << 30

// contraction returns the length of 's, 't, 're, 've, 'm, 'll or 'd at the
// start of s, else 0.
func contraction(s []byte, fold bool) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	low := func(b byte) byte {
		if fold && 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		return b
	}
	switch low(s[1]) {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(s) >= 3 {
		switch string([]byte{low(s[1]), low(s[2])}) {
		case "re", "ve", "ll":
			return 3
		}
	}
	return 0
}

func gpt2Word(s []byte, rule Rule) int {
	if n := contraction(s, false); n > 0 {
		return n
	}
	at := 0
	c, size := classify(s)
	if s[0] == ' ' && len(s) > 1 {
		if next, n := classify(s[1:]); next != classSpace && next != classInvalid {
			at, c, size = 1, next, n
		}
	}
	switch c {
	case classNumber:
		if rule == GPT2Digits {
			if at > 0 {
				return at // the space alone
			}
			return size
		}
		return run(s, at, c, unlimited)
	case classLetter, classOther:
		return run(s, at, c, unlimited)
	}
	return spaces(s)
}

// spaces returns the length of the white space at the start of s, less its last
// character if a word follows: that one leads the word.
func spaces(s []byte) int {
	at, last := 0, 0
	for at < len(s) && at <= maxWord {
		c, size := classify(s[at:])
		if c != classSpace {
			break
		}
		last = size
		at += size
	}
	if at < len(s) && at > last && at <= maxWord {
		return at - last
	}
	return at
}

func modernWord(s []byte, rule Rule) int {
	if n := contraction(s, true); n > 0 {
		return n
	}
	c, size := classify(s)
	// [^\r\n\p{L}\p{N}]?\p{L}+
	if c == classLetter {
		return run(s, 0, classLetter, unlimited)
	}
	if c != classNumber && s[0] != '\r' && s[0] != '\n' && len(s) > size {
		if next, _ := classify(s[size:]); next == classLetter {
			return run(s, size, classLetter, unlimited)
		}
	}
	if c == classNumber {
		if rule == Modern3 {
			return run(s, 0, c, 3)
		}
		return size
	}
	// " ?[^\s\p{L}\p{N}]+[\r\n]*"
	at := 0
	if s[0] == ' ' && len(s) > 1 {
		at = 1
	}
	if next, _ := classify(s[at:]); next == classOther {
		at = run(s, at, classOther, unlimited)
		for at < len(s) && at <= maxWord && (s[at] == '\r' || s[at] == '\n') {
			at++
		}
		return at
	}
	// \s*[\r\n]+: up to the last line end of the white space
	end := run(s, 0, classSpace, unlimited)
	for i := end; i > 0; i-- {
		if s[i-1] == '\n' || s[i-1] == '\r' {
			return i
		}
	}
	return spaces(s)
}

func spacesWord(s []byte) int {
	at := 0
	for at < len(s) && s[at] == ' ' && at <= maxWord {
		at++
	}
	for at < len(s) && s[at] != ' ' && at <= maxWord {
		if r, size := rune1(s[at:]); r == utf8.RuneError && size == 1 {
			break
		}
		_, size := rune1(s[at:])
		at += size
	}
	return at
}
