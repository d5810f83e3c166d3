package content

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
)

// planOfAll has a segment of each kind.
func planOfAll(n int) Plan {
	return Plan{
		{Kind: Plain, Len: n}, {Kind: Text, Len: n}, {Kind: Source, Len: n}, {Kind: Markup, Len: n},
		{Kind: Table, Len: n, Step: ','}, {Kind: Log, Len: n}, {Kind: Records, Len: n, Width: 13},
		{Kind: Numbers, Len: n, Width: 12, Step: 4, BigEndian: true}, {Kind: Numbers, Len: n, Step: 8}, {Kind: Numbers, Len: n, Step: 4, BigEndian: true}, {Kind: Audio, Len: n, Width: 6, Step: 2},
		{Kind: Image1, Len: n, Width: 216}, {Kind: Image8, Len: n, Width: MaxWidth}, {Kind: Image24, Len: n, Width: 99, Step: 3},
		{Kind: Audio, Len: n, Width: 4, Step: 2, BigEndian: true}, {Kind: X86, Len: n, Step: 8, Absolute: true},
		{Kind: X86, Len: n, Step: 4, Absolute: true}, {Kind: ARM, Len: n, Absolute: true},
		{Kind: ARM64, Len: n, Width: 3052, Absolute: true}, {Kind: ARM64, Len: n}, {Kind: Code, Len: n, Step: 2, BigEndian: true},
	}
}

func TestPlanRoundTrip(t *testing.T) {
	for _, s := range planOfAll(77) {
		check(t, Plan{s})
		check(t, Plan{s, {Kind: Text, Len: 1000}})
	}
	check(t, planOfAll(100000))
	if got := len(Plan{{Kind: Plain, Len: 1 << 24}}.Append(nil)); got != 1 {
		t.Errorf("a block of nothing known takes %d bytes, want 1", got)
	}
}

func check(t *testing.T, p Plan) {
	t.Helper()
	n := 0
	for _, s := range p {
		n += s.Len
	}
	b := p.Append(nil)
	got, rest, err := Parse(append(b, 1, 2, 3), n)
	if err != nil || !reflect.DeepEqual(got, p) || !bytes.Equal(rest, []byte{1, 2, 3}) {
		t.Errorf("%v: got %v, rest %v, %v", p, got, rest, err)
	}
	for i := range b {
		if _, _, err := Parse(b[:i], n); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%v cut to %d bytes: %v", p, i, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	last := byte(flagLast)
	for name, b := range map[string][]byte{
		"nothing":                  {},
		"top bit":                  {0x80 | last},
		"no last segment":          {0, 50, 0, 49},
		"nothing left":             {0, 100, last},
		"too long":                 {0, 0xff, 1, last},
		"empty segment":            {0, 0, last},
		"long varint":              {0, 0x81, 0, last},
		"endless varint":           {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"order of text":            {byte(Text) | last | flagBigEndian},
		"targets in text":          {byte(Text) | last | flagAbsolute},
		"records without length":   {byte(Records) | last, 0},
		"width out of range":       {byte(Records) | last, 0x81, 0x80, 0x40},
		"image without pixels":     {byte(Image24) | last, 9, 0},
		"image of five bytes":      {byte(Image24) | last, 9, 5},
		"samples of three bytes":   {byte(Audio) | last, 9, 3},
		"x86 of three bytes":       {byte(X86) | last, 3},
		"numbers of 3 bytes":       {byte(Numbers) | last, 0, 3},
		"width missing":            {byte(Image8) | last},
		"step missing":             {byte(Table) | last},
		"more segments than space": {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, last},
	} {
		if p, _, err := Parse(b, 100); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if _, _, err := Parse([]byte{last}, 0); !errors.Is(err, ErrCorrupt) {
		t.Errorf("empty block: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(planOfAll(100).Append(nil), 1900)
	f.Add([]byte{flagLast}, 1)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		n &= 1<<13 - 1
		p, rest, err := Parse(b, n)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		sum := 0
		for i := range p {
			sum += p[i].Len
			if !p[i].valid() {
				t.Fatalf("invalid segment %+v", p[i])
			}
		}
		if sum != n {
			t.Fatalf("segments of %d bytes for a block of %d", sum, n)
		}
		if again := p.Append(nil); !bytes.Equal(again, b[:len(b)-len(rest)]) {
			t.Fatalf("% x is stored as % x", b[:len(b)-len(rest)], again)
		}
		data := make([]byte, n)
		r := rand.New(rand.NewPCG(uint64(n), uint64(len(b))))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		checkCalls(t, p, data)
	})
}
