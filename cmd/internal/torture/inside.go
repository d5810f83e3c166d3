package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
)

// fails reports an error that the engine does not class, or none where there must be
// one.
func fails(err error) error {
	var damage *engine.DamageError
	switch {
	case err == nil:
		return errors.New("it was accepted")
	case errors.As(err, &damage):
	case errors.Is(err, engine.ErrCorrupt), errors.Is(err, engine.ErrTruncated), errors.Is(err, engine.ErrChecksum),
		errors.Is(err, engine.ErrNotArchive), errors.Is(err, engine.ErrUnsupported), errors.Is(err, engine.ErrDiffers),
		errors.Is(err, predict.ErrModelMissing), errors.Is(err, predict.ErrMismatch), errors.Is(err, predict.ErrRuntimeMissing),
		errors.Is(err, engine.ErrMemory):
	default:
		return fmt.Errorf("an error of no class: %w", err)
	}
	return nil
}

// damage changes every byte of every sample in turn, and cuts it there.
func damage(t *tortured) (func(uint64) error, error) {
	all, err := samples(t.ctx)
	if err != nil {
		return nil, err
	}
	total := uint64(0)
	for _, s := range all {
		total += uint64(len(s.archive))
	}
	return func(n uint64) error {
		round, at := n/(2*total), n/2%total
		i := 0
		for at >= uint64(len(all[i].archive)) {
			at -= uint64(len(all[i].archive))
			i++
		}
		s := all[i]
		if n%2 == 1 {
			_, _, err := t.decode(s.archive[:at], false)
			t.note("cut", 1)
			boundary := slices.ContainsFunc(s.members, func(m archive.Member) bool { return m.Offset == int64(at) && at > 0 })
			if err := fails(err); err != nil && !boundary {
				return fmt.Errorf("sample %s cut after %d bytes: %w", s.name, at, err)
			}
			return nil
		}
		p := bytes.Clone(s.archive)
		p[at] ^= byte(1 + round%255)
		_, _, err := t.decode(p, false)
		t.note("changed", 1)
		if err := fails(err); err != nil {
			return fmt.Errorf("sample %s, byte %d changed to %#02x: %w", s.name, at, p[at], err)
		}
		return nil
	}, nil
}

// havoc changes pieces of samples.
func havoc(t *tortured) (func(uint64) error, error) {
	all, err := samples(t.ctx)
	if err != nil {
		return nil, err
	}
	return func(n uint64) error {
		r := rand.New(rand.NewPCG(n, 1))
		s := all[r.IntN(len(all))]
		p := bytes.Clone(s.archive)
		for range 1 + r.IntN(4) {
			p = mangle(r, p)
		}
		content, _, err := t.decode(p, false)
		if err == nil && !madeOf(content, s.pieces(false)) {
			return fmt.Errorf("sample %s: %d bytes that were never compressed, without an error", s.name, len(content))
		}
		if err != nil {
			t.note("refused", 1)
			if err := fails(err); err != nil {
				return fmt.Errorf("sample %s: %w", s.name, err)
			}
		}
		content, res, err := t.decode(p, true)
		if !madeOf(content, s.pieces(true)) {
			return fmt.Errorf("sample %s: %d bytes salvaged that were never compressed", s.name, len(content))
		}
		if err == nil && len(res.Damaged) > 0 {
			return fmt.Errorf("sample %s: %d damaged places and no error", s.name, len(res.Damaged))
		}
		t.note("bytes salvaged", len(content))
		return nil
	}, nil
}

// mangle overwrites, removes, repeats, moves or inserts a piece.
func mangle(r *rand.Rand, p []byte) []byte {
	if len(p) == 0 {
		return []byte{byte(r.Uint32())}
	}
	from := r.IntN(len(p))
	to := from + 1 + r.IntN(min(len(p)-from, 1+r.IntN(64)))
	piece := bytes.Clone(p[from:to])
	switch r.IntN(6) {
	case 0:
		for i := range piece {
			p[from+i] = byte(r.Uint32())
		}
	case 1:
		return slices.Delete(p, from, to)
	case 2:
		return slices.Insert(p, r.IntN(len(p)+1), piece...)
	case 3:
		p[from] ^= 1 << r.IntN(8)
	case 4:
		clear(p[from:to])
	default:
		return p[:to]
	}
	return p
}

// forge changes fields and makes all checksums right, or makes archives of odd
// fields from nothing.
func forge(t *tortured) (func(uint64) error, error) {
	all, err := samples(t.ctx)
	if err != nil {
		return nil, err
	}
	return func(n uint64) error {
		r := rand.New(rand.NewPCG(n, 2))
		var p []byte
		s := sample{name: "none"}
		if r.IntN(2) == 0 {
			p = invent(r)
		} else {
			s = all[r.IntN(len(all))]
			p = bytes.Clone(s.archive)
			m := s.members[r.IntN(len(s.members))]
			for range 1 + r.IntN(3) {
				p[int(m.Offset)+4+r.IntN(int(m.Size)-4)] = byte(r.Uint32())
			}
			seal(p, &m)
		}
		content, _, err := t.decode(p, false)
		switch {
		case err == nil && !madeOf(content, s.pieces(false)) && len(s.members) > 0:
			return fmt.Errorf("sample %s: %d bytes that were never compressed, without an error", s.name, len(content))
		case err == nil:
			t.note("harmless", 1)
		default:
			t.note("refused", 1)
			if err := fails(err); err != nil {
				return fmt.Errorf("sample %s: %w", s.name, err)
			}
		}
		_, _, _ = t.decode(p, true)
		_, _ = archive.List(bytes.NewReader(p), int64(len(p)))
		return nil
	}, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func crc(parts ...[]byte) uint32 { return crc32.Checksum(bytes.Join(parts, nil), castagnoli) }

// seal makes the checksums of a member right, where it is as it was. Those of
// contents stay: without them nothing would be left to tell a change by.
func seal(p []byte, m *archive.Member) {
	le := binary.LittleEndian
	header := p[m.Offset : m.Offset+int64(m.HeaderSize)]
	id := header[len(header)-4:]
	le.PutUint32(id, crc(header[:len(header)-4]))
	for _, b := range m.Blocks {
		record := p[b.At : b.At+b.RecordSize]
		check := int(b.Payload-b.At) - 2
		le.PutUint16(record[check:], uint16(crc(id, record[:check])))
		le.PutUint32(record[len(record)-4:], crc(id, record[:len(record)-4]))
	}
	if m.IndexSize == 0 {
		return
	}
	index := p[m.Offset+m.Size-int64(m.IndexSize) : m.Offset+m.Size]
	end := len(index) - 1 // of the size, which is written backwards
	for end > 0 && index[end] >= 0x80 {
		end--
	}
	if end > 4 {
		le.PutUint32(index[end-4:], crc(id, index[:end-4]))
	}
}

// invent makes an archive of odd numbers with right checksums.
func invent(r *rand.Rand) []byte {
	odd := func() uint64 {
		if r.IntN(2) == 0 {
			return r.Uint64N(20)
		}
		return []uint64{0, 127, 128, 1 << 14, 1 << 20, 1<<30 - 1, 1 << 30, 1<<30 + 1, 1 << 31, 1 << 40, 1<<63 - 1, 1 << 63}[r.IntN(12)]
	}
	varint := binary.AppendUvarint
	text := func(p []byte, n int) []byte {
		p = varint(p, uint64(n))
		for range n {
			p = append(p, byte(r.Uint32()))
		}
		return p
	}
	flags := r.Uint64N(64)
	fields := varint(nil, flags)
	if flags&1 != 0 {
		name := []string{"gru", "lstm", "x", "\x1b[31m"}[r.IntN(4)]
		fields = append(varint(fields, uint64(len(name))), name...)
		fields = text(fields, []int{0, 8, 32, 33}[r.IntN(4)])
		fields = varint(fields, []uint64{8, 0, 12, 3, odd()}[r.IntN(5)])
	}
	if flags&0x20 != 0 {
		k := r.Uint64N(4)
		fields = varint(fields, k)
		for range 2 * k {
			fields = text(fields, r.IntN(10))
		}
	}
	if flags&2 != 0 {
		fields = append(fields, byte(r.IntN(4)))
	}
	if flags&4 != 0 {
		fields = text(fields, r.IntN(20))
	}
	if flags&8 != 0 {
		fields = binary.LittleEndian.AppendUint64(fields, r.Uint64())
	}
	if flags&16 != 0 {
		fields = varint(fields, odd())
	}
	p := append([]byte(archive.Magic), 1)
	p = append(varint(p, uint64(len(fields))), fields...)
	p = binary.LittleEndian.AppendUint32(p, crc(p))
	id := p[len(p)-4:]
	for range r.IntN(4) {
		b := []byte{0xb7, byte(r.IntN(8))}
		if b[1]&4 == 0 {
			b = varint(b, []uint64{0, odd()}[r.IntN(2)])
		}
		payload := make([]byte, r.IntN(40))
		for i := range payload {
			payload[i] = byte(r.Uint32())
		}
		b = varint(b, []uint64{uint64(len(payload)), odd()}[r.IntN(2)]) // length
		if b[1]&1 == 0 {
			b = varint(b, uint64(len(payload)))
			b = varint(b, []uint64{1, odd()}[r.IntN(2)]) // lanes
			if r.IntN(4) == 0 {
				b = varint(b, odd())
			}
			if flags&2 != 0 {
				b = append(b, byte(r.IntN(3)))
			}
			if b[1]&2 != 0 {
				b = append(varint(b, odd()), 1, 2, 3, 4, 5, 6, 7, 8)
			}
		}
		b = binary.LittleEndian.AppendUint32(b, crc(payload))
		b = binary.LittleEndian.AppendUint16(b, uint16(crc(id, b)))
		b = append(b, payload...)
		p = append(p, binary.LittleEndian.AppendUint32(b, crc(id, b))...)
	}
	return p
}
