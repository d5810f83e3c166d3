package inspect

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/charmbracelet/x/ansi"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/tui/internal/demo"
	"github.com/llmz/llmz/tui/internal/golden"
	"github.com/llmz/llmz/tui/text"
)

var (
	pageLine = regexp.MustCompile(`(?s)<div><i>\d+</i><p>(.*?)</p>`)
	pageTag  = regexp.MustCompile(`<[^>]*>`)
	pageNote = regexp.MustCompile(`(?m)^"([A-Za-z0-9_-]*)",$`)
)

// pageText is what a person reads on a page.
func pageText(page string) string {
	var b strings.Builder
	for _, l := range pageLine.FindAllStringSubmatch(page, -1) {
		b.WriteString(html.UnescapeString(pageTag.ReplaceAllString(l[1], "")))
	}
	return b.String()
}

// A noted mark as the page's script reads it.
type noted struct {
	bits        float64
	units, rank int
	guesses     int
}

func readNotes(t *testing.T, line string) []noted {
	t.Helper()
	at := 0
	number := func(n int) int {
		v := 0
		for range n {
			v = v*64 + strings.IndexByte(digits, line[at])
			at++
		}
		return v
	}
	var out []noted
	for at < len(line) {
		f := number(1)
		m := noted{bits: float64(f) / 48, rank: 1, units: 1}
		if f >= 48 {
			m.bits = float64(number(2)) / 64
			if m.rank, m.guesses = 0, f>>1&3; f&8 == 0 {
				m.rank = number(1)
			} else {
				m.rank = number(3)
			}
			if f&1 != 0 {
				m.units = number(2)
			}
			for range m.guesses {
				if number(1) >= 48 {
					number(2)
				}
				number(1)
			}
		}
		out = append(out, m)
	}
	return out
}

// The notes of a line name each of its characters once, with the costs that the
// line's total is made of.
func TestPageNotes(t *testing.T) {
	tokens := &engine.Inspection{Model: predict.Info{Kind: predict.Tokens}, Content: []byte("hello, whoever you are\nü" + strings.Repeat(" ", 90) + "end")}
	for at, n := range []int{5, 1, 8, 10, 1, 90, 3} {
		from := int64(0)
		if k := len(tokens.Symbols); k > 0 {
			from = tokens.Symbols[k-1].Offset + int64(tokens.Symbols[k-1].Length)
		}
		tokens.Symbols = append(tokens.Symbols, engine.SymbolCost{Offset: from, Length: int32(n), Bits: float32(at), Rank: int32(at * at * at),
			Guesses: [engine.NumGuesses]engine.Guess{{Symbol: int32(at), P: 0.3}, {Symbol: 7, P: 0.001}}})
	}
	for name, x := range map[string]*engine.Inspection{"bytes": demo.Inspection([]byte(strings.Repeat(sample, 3))), "tokens": tokens, "empty": demo.Inspection(nil)} {
		var b bytes.Buffer
		if err := HTML(&b, "x", x); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		lines, notes := pageLine.FindAllStringSubmatch(page, -1), pageNote.FindAllStringSubmatch(page, -1)
		if len(lines) != len(notes) {
			t.Fatalf("%s: %d lines, notes of %d", name, len(lines), len(notes))
		}
		for i, l := range lines {
			shown, units := html.UnescapeString(pageTag.ReplaceAllString(l[1], "")), 0
			for _, m := range readNotes(t, notes[i][1]) {
				units += m.units
				if rank := int(m.bits * m.bits * m.bits); name == "tokens" && rank != m.rank && m.bits != 7 {
					t.Errorf("%s: rank %d of a mark of %v bits", name, m.rank, m.bits)
				}
			}
			if want := len(utf16.Encode([]rune(shown))); units != want {
				t.Errorf("%s: line %d has %d units, noted %d", name, i, want, units)
			}
		}
	}
	total := 0.0
	var b bytes.Buffer
	x := demo.Inspection([]byte(sample))
	if err := HTML(&b, "x", x); err != nil {
		t.Fatal(err)
	}
	for _, l := range pageNote.FindAllStringSubmatch(b.String(), -1) {
		for _, m := range readNotes(t, l[1]) {
			total += m.bits
		}
	}
	if math.Abs(total-x.Bits) > float64(len(sample))/64 {
		t.Errorf("the notes sum to %.1f of %.1f bits", total, x.Bits)
	}
}

// A page of a usual text of 152 kB takes less than 2 MB, in lines or in one.
func TestPageSize(t *testing.T) {
	words := strings.Fields(sample)
	r := rand.New(rand.NewPCG(1, 2))
	var long strings.Builder
	for long.Len() < 152_089 {
		long.WriteString(words[r.IntN(len(words))])
		long.WriteString([]string{" ", " ", " ", " ", " ", " ", " ", " ", "\n"}[r.IntN(9)])
	}
	for name, content := range map[string]string{"text": long.String(), "one line": strings.ReplaceAll(long.String(), "\n", " ")} {
		var b bytes.Buffer
		if err := HTML(&b, "x", demo.Inspection([]byte(content))); err != nil {
			t.Fatal(err)
		}
		if b.Len() >= 2_000_000 {
			t.Errorf("%s: %d bytes make a page of %d", name, len(content), b.Len())
		}
		if got, want := pageText(b.String()), visible([]byte(content)); got != want {
			t.Errorf("%s: the page does not show the content", name)
		}
		t.Logf("%s: %d bytes", name, b.Len())
	}
}

// b switches all there is to see: the lines' bits and BPC, the overview, the costs
// under the cursor, and where the next surprise is.
func TestBareSwitchesEverything(t *testing.T) {
	m := loaded(golden.Mono, 100, 30, strings.Repeat(sample, 6))
	x := m.v.x
	for i := range x.Symbols { // the bare model is twice as bad, but for the second half, where it is good
		x.Symbols[i].ModelBits = 2 * x.Symbols[i].Bits
		if i > len(x.Symbols)/2 {
			x.Symbols[i].ModelBits = x.Symbols[i].Bits / 4
		}
	}
	m.v.page = nil
	m.SetSize(100, 30)
	row := func(head string) string {
		t.Helper()
		for _, l := range strings.Split(ansi.Strip(strings.Join(m.Render(), "\n")), "\n") {
			if strings.Contains(l, head) {
				return l
			}
		}
		t.Fatalf("no %q on\n%s", head, strings.Join(m.Render(), "\n"))
		return ""
	}
	line := m.v.page.lines[0]
	for _, bare := range []bool{false, true} {
		if got := row("   1  "); !strings.HasSuffix(strings.TrimRight(got, " "), fmt.Sprintf("%.2f", line.bpc(bare))) || !strings.Contains(got, someBits(line.cost(bare))) {
			t.Errorf("bare %v: the first line reads %q", bare, got)
		}
		if got := row("cost "); !strings.Contains(got, fmt.Sprintf("cost %.2f bits", bitsOf(&x.Symbols[0], bare))) {
			t.Errorf("bare %v: the panel reads %q", bare, got)
		}
		spark := row("BPC over the file")
		if bare {
			runes := []rune(strings.TrimSpace(strings.TrimPrefix(spark, " BPC over the file ")))
			if runes[2] <= runes[40] {
				t.Errorf("the overview does not fall: %q", spark)
			}
		}
		m.key("b")
	}
}

// Words stay whole where a row can hold them; what no row can hold is cut.
func TestWordsStayWhole(t *testing.T) {
	content := strings.Repeat("it was the best of times, it was the worst of times ", 12) + strings.Repeat("x", 70) + " end\n" + strings.Repeat("東京", 30)
	x := demo.Inspection([]byte(content))
	for w := 12; w < 60; w++ {
		p := newPage(x, golden.Mono, w)
		for i, r := range p.rows[:len(p.rows)-1] {
			end, next := content[r.to-1], content[r.to]
			long := strings.Contains(content[r.from:r.to], "xxx") || strings.Contains(content[r.from:r.to], "東")
			if end != ' ' && end != '\n' && next != ' ' && !long {
				t.Errorf("width %d: row %d ends inside a word: %q", w, i, content[r.from:r.to])
			}
			if n := text.Width(strings.TrimSuffix(content[r.from:r.to], "\n")); n > w {
				t.Errorf("width %d: row %d has %d cells", w, i, n)
			}
		}
	}
}
