package trainer

import (
	"bytes"
	"math/rand/v2"
	"unicode/utf8"
)

// Augment gives the shares of the training streams that are rewritten, so that a
// model has seen what its corpus happens not to hold. At most one of the last four
// applies to a stream.
type Augment struct {
	CRLF      float64 `json:"crlf"`       // line feeds become carriage return and line feed
	Tabs      float64 `json:"tabs"`       // runs of leading spaces become tabs
	UpperCase float64 `json:"upper_case"` // ASCII letters
	Latin1    float64 `json:"latin1"`     // UTF-8 becomes ISO 8859-1 where it can
	Indent    float64 `json:"indent"`     // every line is indented by the same number of spaces
}

// DefaultAugment is what the bundled models were trained with.
var DefaultAugment = Augment{CRLF: 0.3, Tabs: 0.02, UpperCase: 0.015, Latin1: 0.03, Indent: 0.03}

// apply returns text, or a rewritten copy of it.
func (a Augment) apply(r *rand.Rand, text []byte) []byte {
	kind, line := r.Float64(), r.Float64()
	switch {
	case kind < a.Tabs:
		text = tabs(text)
	case kind < a.Tabs+a.UpperCase:
		text = bytes.ToUpper(text)
	case kind < a.Tabs+a.UpperCase+a.Latin1:
		text = latin1(text)
	case kind < a.Tabs+a.UpperCase+a.Latin1+a.Indent:
		text = indent(text, []int{1, 2, 4, 5, 8, 10, 16}[r.IntN(7)])
	}
	if line < a.CRLF && bytes.IndexByte(text, '\r') < 0 {
		text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	}
	return text
}

// tabs replaces every 4 (or 8) leading spaces of a line by a tab.
func tabs(text []byte) []byte {
	out := make([]byte, 0, len(text))
	unit := []byte("    ")
	if bytes.Contains(text, []byte("\n        ")) && !bytes.Contains(text, []byte("\n    ")) {
		unit = []byte("        ")
	}
	for line := range bytes.Lines(text) {
		for bytes.HasPrefix(line, unit) {
			out = append(out, '\t')
			line = line[len(unit):]
		}
		out = append(out, line...)
	}
	return out
}

// latin1 recodes UTF-8; what is not in ISO 8859-1 or not valid stays as it is.
func latin1(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		if n == 2 && c < 256 {
			out = append(out, byte(c))
		} else {
			out = append(out, text[i:i+n]...)
		}
		i += n
	}
	return out
}

// indent puts n spaces before every line that is not empty.
func indent(text []byte, n int) []byte {
	pad := bytes.Repeat([]byte(" "), n)
	out := make([]byte, 0, len(text)+len(text)/8)
	for line := range bytes.Lines(text) {
		if len(bytes.TrimRight(line, "\r\n")) > 0 {
			out = append(out, pad...)
		}
		out = append(out, line...)
	}
	return out
}
