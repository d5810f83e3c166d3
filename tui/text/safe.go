package text

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// What comes from outside (archives, model files, servers, file names, command lines) may
// hold anything. This file is the one place that makes it fit for a terminal, a log or a
// message: Clean for a single value, Fprint and its siblings for what is printed, and Writer
// for what others print.

// Safe is text that is printed as it is: it holds nothing from outside, or that has been
// cleaned already, and may hold colours and line ends.
type Safe string

// Clean makes s safe to put on a screen, as part of one line: control characters, escape
// sequences, line ends, characters that change the order of the text around them or cannot
// be seen, and invalid UTF-8 become visible escapes as in Go, so that a file's name can
// neither move the cursor nor forge a line of output.
func Clean(s string) string {
	if isClean(s) {
		return s
	}
	b := make([]byte, 0, len(s)+16)
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			b = appendByte(b, s[0])
		} else {
			b = appendRune(b, r)
		}
		s = s[n:]
	}
	return string(b)
}

func isClean(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !printable(r) })
}

// appendByte appends the escape of a byte that is not part of valid UTF-8.
func appendByte(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	return append(b, '\\', 'x', hex[c>>4], hex[c&15])
}

// appendRune appends r, or its escape.
func appendRune(b []byte, r rune) []byte {
	if printable(r) {
		return utf8.AppendRune(b, r)
	}
	q := strconv.QuoteRuneToASCII(r)
	return append(b, q[1:len(q)-1]...)
}

// printable tells whether r shows, where it stands. Spaces of all kinds do, and the joiner that
// emoji and some scripts need. Bidirectional controls and what is invisible does not, nor
// does the stand-in for invalid UTF-8.
func printable(r rune) bool {
	if r == utf8.RuneError {
		return false
	}
	return r >= ' ' && r < 0x7f || r >= 0xa0 && unicode.IsGraphic(r) || r == 0x200c || r == 0x200d
}

// Error returns the message of err in one clean line; the messages of joined errors are
// set apart by semicolons.
func Error(err error) string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || err.Error() != errors.Join(joined.Unwrap()...).Error() {
		return Clean(err.Error())
	}
	var parts []string
	for _, e := range joined.Unwrap() {
		parts = append(parts, Error(e))
	}
	return strings.Join(parts, "; ")
}

// Fprintf is fmt.Fprintf with all arguments cleaned, but for those that are Safe. The
// format is trusted.
func Fprintf(w io.Writer, format string, args ...any) (int, error) {
	return fmt.Fprintf(w, format, shield(args)...)
}

// Fprintln is fmt.Fprintln with all arguments cleaned, but for those that are Safe.
func Fprintln(w io.Writer, args ...any) (int, error) { return fmt.Fprintln(w, shield(args)...) }

// Fprint is fmt.Fprint with all arguments cleaned, but for those that are Safe.
func Fprint(w io.Writer, args ...any) (int, error) { return fmt.Fprint(w, shield(args)...) }

// shield returns args so that fmt formats them clean.
func shield(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case Safe:
			out[i] = string(v)
		case string:
			if isClean(v) {
				out[i] = v
			} else {
				out[i] = shielded{v}
			}
		case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
			out[i] = v
		default:
			out[i] = shielded{v}
		}
	}
	return out
}

// shielded cleans what v's formatting comes to.
type shielded struct{ v any }

// Format implements fmt.Formatter.
func (x shielded) Format(f fmt.State, verb rune) {
	if verb != 's' && verb != 'v' {
		fmt.Fprintf(f, fmt.FormatString(f, verb), x.v) // quoted, or digits
		return
	}
	form := "%" + string(verb)
	for _, c := range "+#" {
		if f.Flag(int(c)) {
			form = "%" + string(c) + string(verb)
		}
	}
	s := ""
	if err, ok := x.v.(error); ok && form != "%#v" {
		s = Error(err)
	} else {
		s = Clean(fmt.Sprintf(form, x.v))
	}
	pad := "%"
	if f.Flag('-') {
		pad += "-"
	}
	if w, ok := f.Width(); ok {
		pad += strconv.Itoa(w)
	}
	if p, ok := f.Precision(); ok {
		pad += "." + strconv.Itoa(p)
	}
	fmt.Fprintf(f, pad+"s", s)
}

// A Writer is the last gate before a terminal, for what is printed by others: it lets
// printable text, line ends, tabs, carriage returns, colours and the erasing of a line's end
// pass, and shows everything else as Clean does. If JSON is set, it writes JSON that means
// the same.
type Writer struct {
	W    io.Writer
	JSON bool
	rest []byte // the beginning of a character or sequence
}

// Write implements io.Writer. It says that all of p was written unless W fails.
func (z *Writer) Write(p []byte) (int, error) {
	if len(z.rest) == 0 && isClean(strings.Trim(string(p), "\n")) {
		return z.W.Write(p)
	}
	s := string(z.rest) + string(p)
	z.rest = z.rest[:0]
	b := make([]byte, 0, len(s)+32)
	for len(s) > 0 {
		n := sequence(s)
		if n < 0 && !z.JSON || !utf8.FullRuneInString(s) {
			z.rest = append(z.rest, s...)
			break
		}
		if n > 0 && !z.JSON {
			b = append(b, s[:n]...)
			s = s[n:]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b = append(b, byte(r))
		case !z.JSON && r == utf8.RuneError && n == 1:
			b = appendByte(b, s[0])
		case z.JSON && !printable(r):
			b = appendJSON(b, r)
		default:
			b = appendRune(b, r)
		}
		s = s[n:]
	}
	if _, err := z.W.Write(b); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what waited for its end.
func (z *Writer) Flush() error {
	s := Clean(string(z.rest))
	z.rest = nil
	if s == "" {
		return nil
	}
	_, err := io.WriteString(z.W, s)
	return err
}

// appendJSON appends r as a JSON string writes it.
func appendJSON(b []byte, r rune) []byte {
	if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
		return fmt.Appendf(b, `\u%04x\u%04x`, hi, lo)
	}
	return fmt.Appendf(b, `\u%04x`, r)
}

// sequence returns the length of the escape sequence that s starts with, if it is one that
// sets colours or erases the end of the line; -1 if s is the beginning of one, else 0.
func sequence(s string) int {
	switch {
	case s == "\x1b":
		return -1
	case !strings.HasPrefix(s, "\x1b["):
		return 0
	}
	const longest = 64
	for i := 2; i < min(len(s), longest); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9' || c == ';' || c == ':':
		case c == 'm' || c == 'K':
			return i + 1
		default:
			return 0
		}
	}
	if len(s) < longest {
		return -1
	}
	return 0
}
