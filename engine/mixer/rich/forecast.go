package rich

import "github.com/llmz/llmz/engine/mixer/cm"

// A forecast says which byte comes next, from arithmetic that no table of what has been seen
// can know: a counter goes on, a difference stays. It is believed as far as it has been right
// before, at the same place (key) and of late.
type forecast struct {
	byte  uint32 // what it expects, with a leading one; 0 for nothing
	key   uint32
	past  [forecastKeys]uint8           // by key: the last outcomes, 1 is a miss, above a one that says how many
	conf  [256 * 8]cm.Adaptive          // that it is right, by past and bit
	place [forecastKeys * 2]cm.Adaptive // by key, before and after the first nibble
	at    [2]*cm.Adaptive
	bit   uint32
	ok    bool
}

const (
	forecastKeys  = 1024
	forecastLimit = 255
)

func (f *forecast) init() {
	fill(f.conf[:], cm.NewAdaptive(49152, 2))
	fill(f.place[:], cm.NewAdaptive(49152, 2))
	for i := range f.past {
		f.past[i] = 1
	}
}

// expect sets what comes next, at a place of key.
func (f *forecast) expect(b, key uint64) {
	f.byte = uint32(b&0xff) | 256
	f.key = uint32(key*cm.Phi>>32) >> 22
	f.ok = true
}

// none says that there is nothing to expect.
func (f *forecast) none() { f.byte, f.ok = 0, false }

// predict writes two inputs for the bit after c0.
func (f *forecast) predict(c0, bitpos uint32, in []int32) {
	if !f.ok || f.byte>>(8-bitpos) != c0 {
		f.ok = false
		return
	}
	f.bit = f.byte >> (7 - bitpos) & 1
	f.at[0] = &f.conf[uint32(f.past[f.key])*8+bitpos]
	k := f.key * 2
	if bitpos > 3 {
		k++
	}
	f.at[1] = &f.place[k]
	for i, a := range f.at {
		s := stretch(a.P())
		if f.bit == 0 {
			s = -s
		}
		in[i] = s
	}
}

// learnBit takes the bit.
func (f *forecast) learnBit(bit uint32) {
	if !f.ok {
		return
	}
	hit := uint32(1)
	if f.bit != bit {
		hit = 0
		f.ok = false
	}
	f.at[0].Train(hit, forecastLimit)
	f.at[1].Train(hit, forecastLimit)
}

// learn takes the byte.
func (f *forecast) learn(b byte) {
	if f.byte == 0 {
		return
	}
	p := &f.past[f.key]
	miss := uint8(0)
	if f.byte != uint32(b)|256 {
		miss = 1
	}
	if *p >= 128 {
		*p = *p&0x3f | 0x40
	}
	*p = *p<<1 | miss
	f.byte = 0
}
