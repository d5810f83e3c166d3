package block

import (
	"context"
	"encoding/binary"

	"github.com/llmz/llmz/engine/archive"
)

// fewRandom is how many bytes of what looks random show whether it is.
const fewRandom = 8 << 10

// hopeless returns errIncompressible where data that look random do not become fewer in the
// mixer alone either: a model would take many times as long to find that out.
func (c *Codec) hopeless(ctx context.Context, s *Source) error {
	if c.Model == nil || !c.mixed() || len(s.Data) < fewRandom || !looksRandom(s.Data) || hasRepeats(s.Data) {
		return nil
	}
	out, err := c.alone().encode(ctx, &Source{Number: s.Number, Data: s.Data[:fewRandom], Report: quiet{s.Report}})
	if err != nil || out.Header.Kind == archive.Coded {
		return err
	}
	s.Report.Begin(c.Info(), Lanes(c.Model, true, c.Lanes, len(s.Data)), true)
	return errIncompressible
}

// tryLength returns the number of bytes of a block after which it is given up if
// they have not become fewer: a small sample where they look random; otherwise more, but
// less where the lanes take it all over the block. It is the whole block where parts
// of it come twice: that pays off late.
func tryLength(data []byte, allOver bool) int64 {
	n := int64(len(data))
	switch {
	case hasRepeats(data):
		return n
	case looksRandom(data):
		return fewRandom
	case allOver:
		return max(32<<10, n/16)
	}
	return max(256<<10, n/8)
}

// looksRandom tells whether nothing in a sample of data hints at any order: its
// bytes are as evenly distributed as random ones, and no four of them recur
// more often than by chance. Encrypted and well compressed data look so.
func looksRandom(data []byte) bool {
	const piece, pieces = 4 << 10, 16
	if len(data) < piece {
		return false
	}
	var counts [256]int
	seen := make([]uint32, 1<<16)
	total, repeats := 0, 0
	stride := max(len(data)/pieces, piece)
	for at := 0; at+piece <= len(data); at += stride {
		p := data[at : at+piece]
		var four uint32
		for i, b := range p {
			counts[b]++
			four = four<<8 | uint32(b)
			if i >= 3 {
				slot := &seen[four*2654435761>>16]
				if *slot == four {
					repeats++
				}
				*slot = four
			}
		}
		total += piece
	}
	// Chi-squared with 255 degrees of freedom: mean 255, standard deviation 23.
	mean := total / 256
	chi := 0
	for _, c := range counts {
		chi += (c - mean) * (c - mean)
	}
	return chi < 1000*mean && repeats < total/1024
}

// hasRepeats tells whether more than some 2% of data come twice, however far apart.
func hasRepeats(data []byte) bool {
	places, repeats := repeats(data, 0)
	return repeats*50 > places
}

// Repetitive tells whether a fifth of data comes again, as in most archives of documents, in
// logs and dumps, but not in texts.
func Repetitive(data []byte) bool {
	places, repeats := repeats(data, 16)
	return repeats*5 > places
}

// repeats counts at how many of the places that it looks at the bytes have come before: eight
// of them, and the given number before these. The content itself chooses the places, but in runs of
// one byte, which are all alike.
func repeats(data []byte, before int) (places, repeats int) {
	const logSlots = 16
	seen := make([]uint64, 1<<logSlots)
	// Choose at most about as many places as there are slots.
	skip := uint(4)
	for len(data)>>skip > len(seen)/2 {
		skip++
	}
	for i := before; i+8 <= len(data); i++ {
		v := binary.LittleEndian.Uint64(data[i:])
		if v == uint64(data[i])*0x0101010101010101 {
			if i&(1<<skip-1) == 0 {
				places++
				repeats++
			}
			continue
		}
		h := v * 0x9e3779b97f4a7c15
		if h>>(64-skip) != 0 {
			continue
		}
		places++
		slot := &seen[h>>(64-skip-logSlots)&(1<<logSlots-1)]
		for j := i - before; j < i; j += 8 {
			v = (v ^ v>>29) * 0xd6e8feb86659fd93
			v ^= binary.LittleEndian.Uint64(data[j:])
		}
		if *slot == v {
			repeats++
		}
		*slot = v
	}
	return places, repeats
}
