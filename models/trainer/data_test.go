package trainer

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestAugmentations(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		f              func([]byte) []byte
	}{
		{"tabs", "a\n    b\n        c  d\n  e", "a\n\tb\n\t\tc  d\n  e", tabs},
		{"latin1", "na\u00efve \u20ac \xff", "na\xefve \u20ac \xff", latin1},
		{"indent", "a\n\nb\r\n\r\nc", "  a\n\n  b\r\n\r\n  c", func(b []byte) []byte { return indent(b, 2) }},
	} {
		if got := c.f([]byte(c.in)); string(got) != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	if got := (Augment{CRLF: 1}).apply(r, []byte("a\nb\n")); string(got) != "a\r\nb\r\n" {
		t.Errorf("crlf: got %q", got)
	}
	if got := (Augment{CRLF: 1}).apply(r, []byte("a\r\nb\r\n")); string(got) != "a\r\nb\r\n" {
		t.Errorf("crlf twice: got %q", got)
	}
	if got := (Augment{UpperCase: 1}).apply(r, []byte("aB1")); string(got) != "AB1" {
		t.Errorf("upper case: got %q", got)
	}
}

// TestStreams checks that streams hold texts of the corpus, each from the start
// symbol, in the shares asked for, and never held-out text.
func TestStreams(t *testing.T) {
	a := bytes.Repeat([]byte("a"), 100_000)
	b := bytes.Repeat([]byte("b"), 30_000)
	copy(a[99_000:], bytes.Repeat([]byte("v"), 1000))
	c, err := newCorpus([]Source{{"a", 0.8, a}, {"b", 0.2, b}, {"tiny", 5, []byte("x")}}, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.train) != 2 || len(c.valid) != 2 || len(c.valid[0].Data) != 1000 || c.bytes != 99_000+29_700 {
		t.Fatalf("corpus %d+%d sources, %d bytes", len(c.train), len(c.valid), c.bytes)
	}
	counts := map[byte]int{}
	s := newStream(c, Augment{}, 1, 2)
	last := int32(-1)
	for i := range 2_000_000 {
		in, target, reset := s.next()
		if reset {
			counts[byte(target)]++
			last = startSymbol
		}
		if i == 0 && !reset {
			t.Fatal("a new stream does not reset the state")
		}
		if in != last {
			t.Fatalf("symbol %d: reads %d after %d", i, in, last)
		}
		last = target
	}
	if counts['v'] != 0 {
		t.Error("held-out text in a stream")
	}
	if share := float64(counts['a']) / float64(counts['a']+counts['b']); share < 0.65 || share > 0.95 {
		t.Errorf("%v of the texts from the first source, want 0.8", share)
	}
}

func TestStreamState(t *testing.T) {
	c, err := newCorpus([]Source{{Data: text}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	a := newStream(c, DefaultAugment, 1, 2)
	b := newStream(c, DefaultAugment, 9, 9)
	if err := b.restore(newStream(c, DefaultAugment, 9, 9).state()); err != nil {
		t.Fatal(err)
	}
	for range 3000 {
		a.next()
	}
	if err := b.restore(a.state()); err != nil {
		t.Fatal(err)
	}
	for i := range 20_000 {
		i1, t1, r1 := a.next()
		i2, t2, r2 := b.next()
		if i1 != i2 || t1 != t2 || r1 != r2 {
			t.Fatalf("symbol %d after the restart differs", i)
		}
	}
	st := a.state()
	st.Position = 1 << 30
	if err := b.restore(st); err == nil {
		t.Error("a position beyond the text was accepted")
	}
}
