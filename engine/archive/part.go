package archive

import (
	"encoding/binary"
	"fmt"
)

// A Part says which part of an archive a member is: some of its blocks, made apart from
// the others. Parts decode like other members; joined, they are the archive that would have
// been made at once.
type Part struct {
	// Number counts from 1 to Of.
	Number, Of int
	// Total is the number of original bytes of all parts.
	Total int64
	// BlockSize is that of all blocks but the last.
	BlockSize int64
	// Lanes is the number of lanes asked for, 0 for the default.
	Lanes int
}

// MaxParts is the largest number of parts.
const MaxParts = MaxBlocks

// Range returns the bytes of the content, from start to end, that the part has: whole blocks,
// shared out as evenly as possible.
func (p *Part) Range() (start, end int64) {
	blocks := (p.Total + p.BlockSize - 1) / p.BlockSize
	at := func(n int) int64 { return min(share(blocks, n, p.Of)*p.BlockSize, p.Total) }
	return at(p.Number - 1), at(p.Number)
}

// share returns how many of blocks are in the first n of so many parts.
func share(blocks int64, n, of int) int64 {
	each, more := blocks/int64(of), blocks%int64(of)
	return each*int64(n) + more*int64(n)/int64(of)
}

// Share returns the blocks, from first to end, that part number of parts has of so many.
func Share(blocks, number, of int) (first, end int) {
	return int(share(int64(blocks), number-1, of)), int(share(int64(blocks), number, of))
}

func (p *Part) check() error {
	switch {
	case p.Of < 1 || p.Of > MaxParts || p.Number < 1 || p.Number > p.Of:
		return fmt.Errorf("part %d of %d", p.Number, p.Of)
	case p.BlockSize < 1 || p.BlockSize > MaxBlock:
		return fmt.Errorf("parts of blocks of %d bytes", p.BlockSize)
	case p.Total < 0 || p.Total/p.BlockSize >= MaxBlocks:
		return fmt.Errorf("parts of %d bytes in blocks of %d", p.Total, p.BlockSize)
	case p.Lanes < 0 || p.Lanes > MaxLanes:
		return fmt.Errorf("parts of %d lanes", p.Lanes)
	}
	return nil
}

// append appends the fields of p.
func (p *Part) append(b []byte) []byte {
	for _, v := range []uint64{uint64(p.Number), uint64(p.Of), uint64(p.Total), uint64(p.BlockSize), uint64(p.Lanes)} {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

// part reads the fields of a part.
func (f *fields) part() *Part {
	p := &Part{Number: int(f.limited(MaxParts, errTooBig)), Of: int(f.limited(MaxParts, errTooBig)), Total: int64(f.uvarint()),
		BlockSize: int64(f.limited(MaxBlock, errTooBig)), Lanes: int(f.limited(MaxLanes, errTooBig))}
	if f.err == nil {
		f.err = p.check()
	}
	return p
}
