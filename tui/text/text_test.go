package text

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func TestCutAndFit(t *testing.T) {
	for _, c := range []struct {
		in        string
		w         int
		cut, mid_ string
	}{
		{"alice29.txt", 20, "alice29.txt", "alice29.txt"},
		{"alice29.txt", 8, "alice29…", "alic…txt"},
		{"日本語.txt", 6, "日本…", "日…xt"},
		{"", 4, "", ""},
		{"abc", 0, "", ""},
	} {
		if got := Cut(c.in, c.w); got != c.cut {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.w, got, c.cut)
		}
		if got := CutMiddle(c.in, c.w); got != c.mid_ {
			t.Errorf("CutMiddle(%q, %d) = %q, want %q", c.in, c.w, got, c.mid_)
		}
	}
}

func FuzzFit(f *testing.F) {
	f.Add("alice29.txt", 8)
	f.Add("\x1b[38;2;1;2;3m▄█⠿\x1b[m │ ·", 3)
	f.Add("日本語 und e\u0301 👩‍👩‍👧 \x1b[31m", 5)
	for _, s := range []string{"\u0abf", "\u0301a", "a\u0e33", "\u0600", "x \u0600", "\u200d", "\u0abf日本語日本語\u0600"} {
		f.Add(s, 3)
		f.Add(s, 7)
	}
	f.Add("\xe6\xac\u0abf語\x97\x97\xa5\x03\x9c\xac語日\xe6\x9c\u0abf\xe6\u0600", 6)
	f.Fuzz(func(t *testing.T, s string, w int) {
		w %= 200
		if n, ok := simpleWidth(s); ok && n != ansi.StringWidth(s) {
			t.Fatalf("%q takes %d cells, not %d", s, ansi.StringWidth(s), n)
		}
		s = Clean(s)
		for _, r := range s {
			if unicode.IsControl(r) || r == utf8.RuneError {
				t.Fatalf("Clean left %q in %q", r, s)
			}
		}
		for _, got := range []string{Fit(s, w), FitRight(s, w), FitMiddle(s, w), Ends("left", s, w), Ends(s, "right", w)} {
			if n := Width(got); n != max(0, w) {
				t.Errorf("%q in %d cells takes %d: %q", s, w, n, got)
			}
		}
	})
}

// A wrapped text keeps all its words, in lines that fit.
func TestWrap(t *testing.T) {
	long := "write /home/user/some/very/long/path/of/directories/Wörterbuch der 日本語.txt.llmz.part1234: no space left on device"
	for w := 2; w < 130; w++ {
		lines := Wrap(long, w)
		for _, l := range lines {
			if Width(l) > w {
				t.Errorf("%d cells for %d: %q", Width(l), w, l)
			}
		}
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if got := squeeze(strings.Join(lines, "")); got != squeeze(long) {
			t.Errorf("%d cells: %q", w, got)
		}
	}
	if got := Wrap("", 10); len(got) != 1 || got[0] != "" {
		t.Errorf("nothing becomes %q", got)
	}
}

func TestEndsFits(t *testing.T) {
	for w := 1; w < 40; w++ {
		if got := Ends("a name that is long", "12.3 kB", w); Width(got) != w {
			t.Errorf("%d cells for %d: %q", Width(got), w, got)
		}
	}
}

func TestSomeDropsWhatDoesNotFit(t *testing.T) {
	parts := []string{"BPC 2.01", "ratio 3.98x", "日本語"}
	for w, want := range map[int]string{30: "BPC 2.01  ratio 3.98x  日本語 ", 28: "BPC 2.01  ratio 3.98x       ", 20: "BPC 2.01            ", 5: "BPC …"} {
		if got := Some(parts, "  ", w); got != want {
			t.Errorf("%d cells: %q, want %q", w, got, want)
		}
	}
	if got := Some(nil, " ", 3); got != "   " {
		t.Errorf("nothing: %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		Count(0):                           "0",
		Count(999):                         "999",
		Count(152089):                      "152,089",
		Count(-1234567):                    "-1,234,567",
		Bytes(999):                         "999 B",
		Bytes(999999):                      "1.00 MB",
		Bytes(10846):                       "10.8 kB",
		Bytes(math.MaxInt64):               "9.22 EB",
		Binary(1000):                       "1000 B",
		Binary(16 << 20):                   "16 MiB",
		Binary(1500):                       "1.5 KiB",
		Rate(0):                            "-",
		Rate(math.Inf(1)):                  "-",
		Rate(3.14159):                      "3.1 B/s",
		Rate(48210.11):                     "48.2 kB/s",
		Clock(-1):                          "-:--",
		Clock(59600 * time.Millisecond):    "1:00",
		Clock(3*time.Hour + 5*time.Minute): "3:05:00",
		Clock(100 * time.Hour):             "4d04h",
		Seconds(213 * time.Millisecond):    "0.21 s",
		Seconds(2 * time.Millisecond):      "2 ms",
		Seconds(20 * time.Microsecond):     "1 ms",
		Seconds(99600 * time.Microsecond):  "0.10 s",
		Seconds(0):                         "0.00 s",
		Seconds(14250 * time.Millisecond):  "14.2 s",
		Ratio(4.1):                         "4.10x",
		Ratio(0):                           "-",
		Percent(0.9999):                    "99%",
		Percent(1):                         "100%",
		Fixed(math.NaN(), 2):               "-",
		Params(4302208):                    "4.30 M",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestApportionAddsUp(t *testing.T) {
	for _, values := range [][]float64{{1, 1, 1}, {0.937, 0.05, 0.013}, {1e-9, 1}, {5}, {0.3, 0, 0.3, 0.4, 1e-300}} {
		for _, total := range []int{1, 7, 80, 1000} {
			sum := 0
			for i, n := range Apportion(values, total) {
				if n < 0 || values[i] == 0 && n != 0 {
					t.Errorf("%v of %d: part %d is %d", values, total, i, n)
				}
				sum += n
			}
			if sum != total {
				t.Errorf("%v of %d adds up to %d", values, total, sum)
			}
		}
	}
	for _, n := range Apportion([]float64{0, 0}, 10) {
		if n != 0 {
			t.Error("shares of nothing")
		}
	}
}

func TestBlockAndBeside(t *testing.T) {
	l := Block([]string{"a", strings.Repeat("b", 9)}, 4, 3)
	got := Beside(l, []string{"x"}, "|")
	want := []string{"a   |x", "bbb…|", "    |"}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d: %q, want %q", i, got[i], want[i])
		}
	}
}
