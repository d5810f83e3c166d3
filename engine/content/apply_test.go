package content

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// checkCalls applies p and undoes it, at once and in pieces.
func checkCalls(t *testing.T, p Plan, data []byte) (applied []byte) {
	t.Helper()
	applied = bytes.Clone(data)
	p.Apply(applied)
	if !p.Changes() && !bytes.Equal(applied, data) {
		t.Fatal("changed without saying so")
	}
	whole := bytes.Clone(applied)
	p.Undo(whole)
	if !bytes.Equal(whole, data) {
		t.Fatalf("%v: not undone", p)
	}
	if len(data) == 0 {
		return applied
	}
	for _, piece := range []int{1, 3, 4096, len(data)} {
		r := NewRestorer(p)
		out := make([]byte, len(data))
		src := make([]byte, len(data)) // what is not known yet is not looked at
		for n := 0; n < len(data); {
			m := min(n+piece, len(data))
			copy(src[n:m], applied[n:m])
			n = m
			final := r.Next(out, src, n)
			if final > n || n == len(data) && final != n {
				t.Fatalf("%v: %d of %d bytes final", p, final, n)
			}
			if !bytes.Equal(out[:final], data[:final]) {
				t.Fatalf("%v: not restored in pieces of %d", p, piece)
			}
		}
	}
	return applied
}

// likeCode makes bytes with many opcodes that matter, so that they overlap, too.
func likeCode(r *rand.Rand, n int) []byte {
	common := []byte{0xe8, 0xe9, 0x48, 0x8b, 0x8d, 0x89, 5, 0x0d, 0, 0, 0xff, 0xff, 0x94, 0x97, 0x90, 0xeb, 1, 0xfe}
	b := make([]byte, n)
	for i := range b {
		if r.IntN(4) == 0 {
			b[i] = byte(r.Uint32())
		} else {
			b[i] = common[r.IntN(len(common))]
		}
	}
	return b
}

func TestCallsReturn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		n := 1 + r.IntN(3000)
		data := likeCode(r, n)
		for _, s := range []Segment{
			{Kind: X86, Step: 8}, {Kind: X86, Step: 4}, {Kind: ARM}, {Kind: ARM64, Width: r.IntN(4096)},
			{Kind: Audio, Width: 6, Step: 2}, {Kind: Audio, Width: 3, Step: 1}, {Kind: Numbers, Step: 4},
			{Kind: Numbers, Step: 8}, {Kind: Numbers, Step: 2, BigEndian: true},
		} {
			s.Absolute = s.Kind.isCode()
			s.Len = n
			checkCalls(t, Plan{s}, data)
			if n > 40 {
				s.Len = 1 + r.IntN(n-35)
				u := s
				u.Len = n - s.Len - 30
				if u.Len > 0 {
					checkCalls(t, Plan{s, {Kind: Plain, Len: 30}, u}, data)
				}
			}
		}
	}
}

// TestCallsFarIn is about places beyond the window.
func TestCallsFarIn(t *testing.T) {
	data := make([]byte, callWindow+5000)
	r := rand.New(rand.NewPCG(3, 4))
	copy(data[callWindow-callBefore-1000:], likeCode(r, 2000))
	copy(data[callWindow-1000:], likeCode(r, 4000))
	s := Segment{Kind: X86, Step: 8, Len: len(data), Absolute: true}
	applied := bytes.Clone(data)
	Plan{s}.Apply(applied)
	Plan{s}.Undo(applied)
	if !bytes.Equal(applied, data) {
		t.Error("not undone")
	}
}

// TestCallsBecomeEqual is what it is for: calls of one function look alike.
func TestCallsBecomeEqual(t *testing.T) {
	for _, c := range []struct {
		name  string
		s     Segment
		call  func(b []byte, at, target int)
		bytes int
	}{
		{"x86 CALL", Segment{Kind: X86, Step: 4}, func(b []byte, at, target int) {
			b[at] = 0xe8
			binary.LittleEndian.PutUint32(b[at+1:], uint32(target-at-5))
		}, 5},
		{"x86-64 LEA", Segment{Kind: X86, Step: 8}, func(b []byte, at, target int) {
			copy(b[at:], []byte{0x48, 0x8d, 0x3d})
			binary.LittleEndian.PutUint32(b[at+3:], uint32(target-at-7))
		}, 7},
		{"ARM BL", Segment{Kind: ARM}, func(b []byte, at, target int) {
			binary.LittleEndian.PutUint32(b[at:], 0xeb000000|uint32(target-at-8)>>2&0xffffff)
		}, 4},
		{"ARM64 BL", Segment{Kind: ARM64}, func(b []byte, at, target int) {
			binary.LittleEndian.PutUint32(b[at:], 0x94000000|uint32(target-at)>>2&0x3ffffff)
		}, 4},
		{"ARM64 ADRP", Segment{Kind: ARM64, Width: 0x7f0}, func(b []byte, at, target int) {
			v := uint32((target+0x7f0)>>12 - (at+0x7f0)>>12)
			binary.LittleEndian.PutUint32(b[at:], 0x90000003|v&3<<29|v&0x1ffffc<<3)
		}, 4},
	} {
		data := make([]byte, 40000)
		c.s.Len, c.s.Absolute = len(data), true
		places := []int{400, 5000, 12340, 39000}
		for _, at := range places {
			c.call(data, at, 8192)
		}
		got := checkCalls(t, Plan{c.s}, data)
		for _, at := range places[1:] {
			if !bytes.Equal(got[at:at+c.bytes], got[places[0]:places[0]+c.bytes]) {
				t.Errorf("%s: % x at %d, % x at %d", c.name, got[places[0]:places[0]+c.bytes], places[0], got[at:at+c.bytes], at)
			}
		}
	}
}

// TestNumbersTurn is about the order of bytes.
func TestNumbersTurn(t *testing.T) {
	in := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, c := range []struct {
		s    Segment
		want []byte
	}{
		{Segment{Kind: Numbers, Step: 4}, []byte{4, 3, 2, 1, 8, 7, 6, 5, 9, 10}},
		{Segment{Kind: Numbers, Step: 4, BigEndian: true}, in},
		{Segment{Kind: Audio, Width: 4, Step: 2}, []byte{2, 1, 4, 3, 6, 5, 8, 7, 10, 9}},
		{Segment{Kind: Audio, Width: 1, Step: 1}, in},
	} {
		c.s.Len = len(in)
		if got := checkCalls(t, Plan{c.s}, in); !bytes.Equal(got, c.want) {
			t.Errorf("%+v: %d, want %d", c.s, got, c.want)
		}
	}
}
