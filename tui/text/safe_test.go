package text

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// evil are values that must not reach a terminal as they are.
var evil = []string{
	"\x1b]0;title\a", "\x1b[31mred", "\x1b[2J\x1b[H", "\x1bP+q544e\x1b\\", "a\nllmz: forged", "a\rb", "a\tb", "\x00\x01\x7f",
	"\u009b31m", "\x9b31m", "\xff\xfe", "\u202egnp.exe", "\u2066a\u2069", "\u200bzero", "\u2028line", "\ufeffbom", "\u00adsoft", "\U000e0041tag", "\ue000",
}

// harmless are values that must stay as they are.
var harmless = []string{"", "alice29.txt", "日本\u3000語", "e\u0301", "👩‍👩‍👧", "مرحبا", "a\u00a0b", `C:\x1b`, "naïve – “quoted”"}

func checkSafe(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%q is not valid", s)
	}
	for _, r := range s {
		if !printable(r) {
			t.Errorf("%q holds %q", s, r)
		}
	}
}

func TestClean(t *testing.T) {
	for _, s := range evil {
		if got := Clean(s); got == s {
			t.Errorf("%q is left as it is", s)
		} else {
			checkSafe(t, got)
		}
	}
	for _, s := range harmless {
		if got := Clean(s); got != s {
			t.Errorf("Clean(%q) = %q", s, got)
		}
	}
	if got, want := Clean("\x1b[m\n\u202e\xff"), `\x1b[m\n\u202e\xff`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

type stringer struct{ s string }

func (s stringer) String() string { return s.s }

func TestFprintf(t *testing.T) {
	type name string
	for _, s := range evil {
		for _, v := range []any{s, errors.New(s), fmt.Errorf("in: %w", errors.New(s)), stringer{s}, &stringer{s}, name(s), []string{s, s}, map[string]string{s: s}, struct{ a string }{s}, []byte(s)} {
			for _, form := range []string{"%s", "%v", "%20s", "%-20v", "%.3s", "%+v", "%#v", "%q"} {
				var b strings.Builder
				Fprintf(&b, form, v)
				checkSafe(t, b.String())
			}
			var b strings.Builder
			Fprint(&b, v, 1)
			checkSafe(t, b.String())
			b.Reset()
			Fprintln(&b, v, v)
			checkSafe(t, strings.TrimSuffix(b.String(), "\n"))
		}
	}
	var b strings.Builder
	Fprintf(&b, "%-5s|%5s|%d|%.2f|%v|%t|%x|%q|%s|%*d|%v\n", "é", errors.New("no"), 7, 1.5, time.Second, true, "hi", "a\n", Safe("\x1b[31mred\x1b[m\n"), 4, 2, nil)
	if want := "é    |   no|7|1.50|1s|true|6869|\"a\\n\"|\x1b[31mred\x1b[m\n|   2|<nil>\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	if got := Error(errors.Join(errors.New("a"), errors.New("b\nc"))); got != `a; b\nc` {
		t.Errorf("joined errors: %q", got)
	}
}

// TestWriter writes whole and in pieces of every length.
func TestWriter(t *testing.T) {
	for n := 1; n < 12; n++ {
		for _, s := range append(evil, harmless...) {
			text := "\x1b[1;38:2mstart\x1b[0m\t" + s + "\r\x1b[K end\n"
			var b strings.Builder
			w := &Writer{W: &b}
			for p := text; p != ""; p = p[min(n, len(p)):] {
				if k, err := w.Write([]byte(p[:min(n, len(p))])); k != min(n, len(p)) || err != nil {
					t.Fatal(k, err)
				}
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			got := b.String()
			for _, ok := range []string{"\x1b[1;38:2m", "\x1b[0m", "\x1b[31m", "\x1b[K", "\t", "\r", "\n"} {
				got = strings.ReplaceAll(got, ok, "")
			}
			checkSafe(t, got)
			if Clean(s) == s && b.String() != text {
				t.Errorf("%q became %q", text, b.String())
			}
		}
	}
}

func TestWriterJSON(t *testing.T) {
	for _, s := range append(evil, harmless...) {
		var b strings.Builder
		w := &Writer{W: &b, JSON: true}
		if err := json.NewEncoder(w).Encode(map[string]string{"name": s}); err != nil {
			t.Fatal(err)
		}
		checkSafe(t, strings.TrimSuffix(b.String(), "\n"))
		var got map[string]string
		if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
			t.Fatalf("%s: %v", b.String(), err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && got["name"] != want {
			t.Errorf("%q came back as %q", s, got["name"])
		}
	}
}
