package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Kind says what a block's payload is.
type Kind uint8

// The kinds of blocks.
const (
	Coded  Kind = 0 // the output of the range coder
	Stored Kind = 1 // the original bytes
)

// Block is a block's header.
type Block struct {
	Kind Kind
	// Offset is where the block starts in the member's original content.
	Offset int64
	// Length is the number of original bytes, 1 to MaxBlock.
	Length int
	// Size is the number of payload bytes: below Length in a coded block, equal to
	// it in a stored one.
	Size int
	// Sum is the Checksum of the original bytes.
	Sum uint32
	// Whole says that the block is the member's only one: no index follows it.
	Whole bool

	// The following are zero in stored blocks.

	// Lanes is the number of contiguous parts the block is cut into.
	Lanes int
	// Symbols is the number of tokens, 0 for models whose symbols are bytes.
	Symbols int
	// MixerKind is a parameter of the mixer, 0 without one.
	MixerKind uint8
	// Probe, if ProbeSteps is not zero, is a hash of the integer frequencies of the
	// block's first ProbeSteps steps.
	ProbeSteps int
	Probe      [8]byte
}

// Bits of a block's flags.
const (
	blockStored = 1 << 0
	blockProbe  = 1 << 1
	blockWhole  = 1 << 2
	blockKnown  = 1<<3 - 1
)

// maxBlockHeader is more than any block header takes.
const maxBlockHeader = 2 + 4*10 + 3*10 + 1 + 8 + 4 + 2

// minBlockRecord is the size of the smallest record of a block that an index follows.
const minBlockRecord = 14

// BlockOverhead is the most that a block takes beside its payload.
const BlockOverhead = maxBlockHeader + 4

// append appends the block's header to p. id is the member's.
func (b *Block) append(p []byte, h *Header, id uint32) ([]byte, error) {
	start := len(p)
	if err := b.check(h); err != nil {
		return nil, err
	}
	var flags byte
	if b.Kind == Stored {
		flags |= blockStored
	}
	if b.ProbeSteps > 0 {
		flags |= blockProbe
	}
	if b.Whole {
		flags |= blockWhole
	}
	p = append(p, markBlock, flags)
	if !b.Whole {
		p = binary.AppendUvarint(p, uint64(b.Offset))
	}
	p = binary.AppendUvarint(p, uint64(b.Length))
	if b.Kind == Coded {
		p = binary.AppendUvarint(p, uint64(b.Size))
		p = binary.AppendUvarint(p, uint64(b.Lanes))
		if h.Model != nil && h.Model.Tokens {
			p = binary.AppendUvarint(p, uint64(b.Symbols))
		}
		if h.Mixer != 0 {
			p = append(p, b.MixerKind)
		}
		if b.ProbeSteps > 0 {
			p = binary.AppendUvarint(p, uint64(b.ProbeSteps))
			p = append(p, b.Probe[:]...)
		}
	}
	p = binary.LittleEndian.AppendUint32(p, b.Sum)
	return binary.LittleEndian.AppendUint16(p, uint16(memberCRC(id, p[start:]))), nil
}

// check returns an error if b breaks a rule of the format.
func (b *Block) check(h *Header) error {
	tokens := h.Model != nil && h.Model.Tokens
	symbols := b.Length
	if tokens {
		symbols = b.Symbols
	}
	switch {
	case b.Offset < 0 || b.Length < 1 || b.Length > MaxBlock:
		return fmt.Errorf("block of %d bytes at %d", b.Length, b.Offset)
	case b.Whole && b.Offset != 0:
		return fmt.Errorf("the only block starts at %d", b.Offset)
	case b.Kind == Stored:
		if b.Size != b.Length {
			return fmt.Errorf("%d bytes stored in %d", b.Length, b.Size)
		}
	case b.Kind != Coded:
		return fmt.Errorf("block kind %d", b.Kind)
	case h.Model == nil && h.Mixer == 0:
		return errors.New("coded block without model and mixer")
	case b.Size < 0 || b.Size >= b.Length:
		return fmt.Errorf("%d bytes coded in %d", b.Length, b.Size)
	case tokens && (b.Symbols < 1 || b.Symbols > b.Length):
		return fmt.Errorf("%d tokens for %d bytes", b.Symbols, b.Length)
	case b.Lanes < 1 || b.Lanes > MaxLanes || b.Lanes > symbols:
		return fmt.Errorf("%d lanes for %d symbols", b.Lanes, symbols)
	case b.ProbeSteps < 0 || b.ProbeSteps > MaxProbeSteps:
		return fmt.Errorf("probe of %d steps", b.ProbeSteps)
	}
	return nil
}

// parseBlock parses the block header that p starts with, and returns its size.
func parseBlock(p []byte, h *Header, id uint32) (b *Block, size int, err error) {
	return parseBlockIf(p, h, func(fields []byte, check uint16) bool { return check == uint16(memberCRC(id, fields)) })
}

// parseBlockIf is parseBlock where right tells whether the header's check is right.
func parseBlockIf(p []byte, h *Header, right func(fields []byte, check uint16) bool) (b *Block, size int, err error) {
	f := fields{p: p}
	b = new(Block)
	if f.byte() != markBlock && f.err == nil {
		return nil, 0, &Error{-1, 0, "no block starts here", ErrCorrupt}
	}
	flags := f.byte()
	unknown := flags &^ blockKnown
	if flags&blockStored != 0 {
		b.Kind = Stored
	}
	if b.Whole = flags&blockWhole != 0; !b.Whole {
		b.Offset = int64(f.uvarint())
	}
	b.Length = int(f.limited(MaxBlock, errTooBig))
	b.Size = b.Length
	if b.Kind == Coded {
		b.Size = int(f.limited(MaxBlock, errTooBig))
		b.Lanes = int(f.limited(MaxLanes, errTooBig))
		if h.Model != nil && h.Model.Tokens {
			b.Symbols = int(f.limited(MaxBlock, errTooBig))
		}
		if h.Mixer != 0 {
			b.MixerKind = f.byte()
		}
		if flags&blockProbe != 0 {
			b.ProbeSteps = int(f.limited(MaxProbeSteps, errTooBig))
			copy(b.Probe[:], f.take(len(b.Probe)))
			if b.ProbeSteps == 0 && f.err == nil {
				f.err = errors.New("empty probe")
			}
		}
	} else if flags&blockProbe != 0 {
		f.err = errors.New("probe in a stored block")
	}
	b.Sum = f.u32()
	end := f.pos
	check := f.u16()
	// Unknown flags may have added fields, so the check cannot be found.
	if f.err == nil && unknown == 0 && !right(p[:end], check) {
		return nil, 0, &Error{-1, 0, "in the block's header", ErrChecksum}
	}
	if f.err == nil && unknown != 0 {
		return nil, 0, &Error{-1, 0, fmt.Sprintf("block flags %#x: damaged, or use a newer program", unknown), ErrUnsupported}
	}
	if f.err == nil {
		f.err = b.check(h)
	}
	if f.err != nil {
		return nil, 0, inRecord(f.err, "block's header")
	}
	return b, f.pos, nil
}

// payloadCRC is the checksum after a block's payload.
func payloadCRC(id uint32, header, payload []byte) uint32 {
	return updateCRC(memberCRC(id, header), payload)
}
