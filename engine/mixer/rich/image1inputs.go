package rich

import (
	"math/bits"

	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/mixer/cm"
)

// image1Inputs reads images of one bit a pixel, as fax machines and scanners make them. A
// pixel is predicted from templates of pixels before and above it, directly, and from where
// the edges of the rows above are.
type image1Inputs struct {
	width int
	begun bool

	// Rows of pixels around the byte to come: row[0] the one that it is in, of which the
	// lowest bit is the last pixel known, row[k] the one k above it, of which bit 31 is the
	// pixel above the byte's first.
	row [image1Rows]uint64

	tab   [image1Templates][]cm.Adaptive
	shift [image1Templates]uint
	at    [image1Templates]uint32
}

const (
	image1Rows      = 7
	image1Templates = 12
	image1Limit     = 255
	image1Small     = 4 // templates of 16 pixels or less, which need no hash
)

func (t *image1Inputs) begin(x *Mixer, l *lane, seg content.Segment, start int) {
	t.width = seg.Width
	if t.begun {
		return
	}
	t.begun = true
	for i := range t.tab {
		log2 := image1Log(i, len(x.hist), len(x.lanes))
		t.tab[i] = make([]cm.Adaptive, 1<<log2)
		fill(t.tab[i], cm.NewAdaptive(32768, 0))
		t.shift[i] = 64 - log2
	}
}

// image1Log returns the size of the table of template i, for each of so many lanes of a
// block of n bytes.
func image1Log(i, n, lanes int) uint {
	if i < image1Small {
		return 16
	}
	return log2Clamp(4*n/lanes, 12, 20)
}

func (t *image1Inputs) see(x *Mixer, l *lane, b byte) {}

// around returns seven bytes around the one d before the next, which is in bits 24 to 31.
func (x *Mixer) around(l *lane, d int) uint64 {
	if p := l.pos - d; p-3 >= l.from && d > 4 && p+5 <= len(x.hist) {
		h := x.hist[p-3 : p+4]
		return uint64(h[0])<<48 | uint64(h[1])<<40 | uint64(h[2])<<32 | uint64(h[3])<<24 | uint64(h[4])<<16 | uint64(h[5])<<8 | uint64(h[6])
	}
	v := uint64(0)
	for i := d + 3; i >= d-3; i-- {
		v = v<<8 | x.back(l, i)
	}
	return v
}

func (t *image1Inputs) contexts(x *Mixer, l *lane, ctx *[maxCtx]uint64) int {
	t.row[0] = l.c8
	for k := 1; k < image1Rows; k++ {
		t.row[k] = x.around(l, k*t.width)
	}
	above := t.row[1] >> 24 & 0xff
	c1 := l.c8 & 0xff
	n := 0
	add := func(h uint64) {
		ctx[n] = h
		n++
	}
	add(above | c1<<8 | t.row[1]>>16&0xff<<16)
	add(hash3(t.row[1]>>8&0xffffffffff, l.c8&0xffff, t.row[2]>>16&0xffffff))
	return n
}

func (t *image1Inputs) selectors(x *Mixer, l *lane) selectors { return selectors{} }

func (t *image1Inputs) predictBit(x *Mixer, l *lane, in *[numDirect]int32, s *selectors) {
	b := ilog(l.c0) - 1
	left := l.c8<<b | uint64(l.c0)&(1<<b-1)
	r1 := t.row[1] >> (31 - 15 - b) // bit 15 is the pixel above
	r2 := t.row[2] >> (31 - 15 - b)
	r3 := t.row[3] >> (31 - 15 - b)
	r4 := t.row[4] >> (31 - 15 - b)
	r5 := t.row[5] >> (31 - 15 - b)
	r6 := t.row[6] >> (31 - 15 - b)
	px := func(r uint64, right, n uint) uint64 { return r >> (15 - right) & (1<<n - 1) }

	small := left&7 | px(r1, 2, 5)<<3 | px(r2, 0, 1)<<8 // nine pixels
	c := [image1Templates]uint64{
		left&15 | px(r1, 3, 7)<<4 | px(r2, 2, 5)<<11,
		left&7 | px(r1, 2, 5)<<3 | px(r2, 2, 5)<<8 | px(r3, 1, 3)<<13,
		px(r1, 1, 3) | px(r2, 1, 3)<<3 | px(r3, 1, 3)<<6 | px(r4, 1, 3)<<9 | px(r5, 1, 3)<<12 | left&1<<15,
		left&0xff | px(r1, 4, 8)<<8,
		left&0x3f | px(r1, 4, 9)<<6 | px(r2, 3, 7)<<15 | px(r3, 2, 5)<<22,
		left&0x1f | px(r1, 6, 11)<<5 | px(r2, 5, 10)<<16 | px(r3, 3, 7)<<26 | px(r4, 2, 5)<<33,
		left&0x3ff | px(r1, 8, 17)<<10 | px(r2, 6, 13)<<27 | px(r3, 4, 9)<<40 | px(r4, 3, 7)<<49,
		left&3 | px(r1, 2, 5)<<2 | px(r2, 2, 5)<<7 | px(r3, 2, 5)<<12 | px(r4, 2, 5)<<17 | px(r5, 2, 5)<<22 | px(r6, 2, 5)<<27,
		left&0xffffff | px(r1, 1, 3)<<24,
		left&0xf | px(r1, 14, 20)<<4,
		0, 0,
	}
	// Edges: how long the run is that the pixel goes on or ends, and where the rows above
	// change.
	run := uint64(bits.TrailingZeros64(left ^ -(left & 1)))
	run = min(run, 63)
	e1, e2, e3 := edge(r1, left&1), edge(r2, left&1), edge(r3, left&1)
	c[10] = left&1 | e1<<1 | e2<<7 | e3<<13 | min(run, 15)<<19
	c[11] = left&1 | e1<<1 | run<<7 | px(r1, 7, 15)<<13

	known := uint32(0)
	for i := range c {
		var h uint32
		if i < image1Small {
			h = uint32(c[i])
		} else {
			h = uint32((c[i] + uint64(i)*cm.Phi) * 0xd6e8feb86659fd93 * cm.Phi >> t.shift[i])
		}
		t.at[i] = h
		a := t.tab[i][h]
		in[i] = stretch(a.P())
		if i >= image1Small && i < image1Small+4 {
			n := uint32(a) & 1023
			in[image1Templates+i-image1Small] = (int32(a.P()) - 32768) >> 5
			if n > 3 {
				known++
			}
		}
	}
	s.a = uint32(small)
	s.b = known | b<<3 | uint32(min(run, 7))<<6
	s.final = uint32(small) | uint32(px(r2, 1, 1))<<9
}

// edge returns where row r changes its colour next to the pixel above (bit 15), looking
// right for the place that a run of colour y ends.
func edge(r, y uint64) uint64 {
	v := (r ^ -y) & (1<<22 - 1) // bits that differ from the colour
	// From seven left of the pixel to fifteen right of it.
	return uint64(bits.LeadingZeros64(v<<42)) & 31
}

func (t *image1Inputs) learnBit(x *Mixer, l *lane, bit uint32) {
	for i, at := range t.at {
		t.tab[i][at].Train(bit, image1Limit)
	}
}
