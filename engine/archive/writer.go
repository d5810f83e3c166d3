package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A Writer writes one member: its header, then blocks, then the index. It never
// seeks.
type Writer struct {
	w      io.Writer
	header Header
	record []byte // the header record
	id     uint32
	buf    []byte
	pos    int64 // bytes of the member so far
	next   int64 // original bytes so far
	blocks []entry
	whole  bool // the block written is the only one
	err    error
}

// NewWriter writes h to w and returns a Writer for the member's blocks.
func NewWriter(w io.Writer, h *Header) (*Writer, error) {
	rec, err := h.append(nil)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(rec); err != nil {
		return nil, err
	}
	return newWriter(w, h, rec), nil
}

func newWriter(w io.Writer, h *Header, rec []byte) *Writer {
	return &Writer{w: w, header: *h, record: rec, id: binary.LittleEndian.Uint32(rec[len(rec)-4:]), pos: int64(len(rec))}
}

// WriteBlock writes a block. It sets b.Offset and b.Size itself.
func (w *Writer) WriteBlock(b *Block, payload []byte) error {
	if w.err != nil {
		return w.err
	}
	b.Offset, b.Size = w.next, len(payload)
	switch {
	case len(w.blocks) >= MaxBlocks:
		return fmt.Errorf("an archive holds at most %d blocks", MaxBlocks)
	case w.whole || b.Whole && len(w.blocks) > 0:
		return errors.New("the only block of an archive is not alone")
	}
	var err error
	if w.buf, err = b.append(w.buf[:0], &w.header, w.id); err != nil {
		return err
	}
	head := len(w.buf)
	w.write(w.buf)
	crc := payloadCRC(w.id, w.buf, payload)
	w.write(payload)
	w.buf = binary.LittleEndian.AppendUint32(w.buf[:0], crc)
	w.write(w.buf)
	w.blocks = append(w.blocks, entry{int64(head + len(payload) + 4), int64(b.Length)})
	w.next += int64(b.Length)
	w.whole = b.Whole
	return w.err
}

func (w *Writer) write(p []byte) {
	if w.err != nil {
		return
	}
	n, err := w.w.Write(p)
	w.pos += int64(n)
	w.err = err
}

// MemberSize returns the number of bytes of a member that has header h and nothing but the
// whole block b, with a payload of b.Size bytes; 0 if they break a rule of the format.
func MemberSize(h *Header, b *Block) int {
	rec, err := h.append(nil)
	if err != nil {
		return 0
	}
	head, err := b.append(nil, h, 0)
	if err != nil {
		return 0
	}
	return len(rec) + len(head) + b.Size + 4
}

// Size returns the number of bytes of the member so far.
func (w *Writer) Size() int64 { return w.pos }

// Blocks returns the number of blocks so far.
func (w *Writer) Blocks() int { return len(w.blocks) }

// ContentSize returns the number of original bytes so far.
func (w *Writer) ContentSize() int64 { return w.next }

// Close writes the index, unless the member is a whole block. sum is that of all the original
// content: see Summer; digests are those of a part's blocks. It does not close the
// underlying writer.
func (w *Writer) Close(sum [sha256.Size]byte, digests []Digest) error {
	if w.err != nil {
		return w.err
	}
	if !w.whole {
		x := index{before: w.pos, blocks: len(w.blocks), entries: w.blocks, sum: sum, header: w.record, part: w.header.Part != nil, digests: digests}
		w.write(x.append(w.buf[:0], w.id))
	}
	if w.err != nil {
		return w.err
	}
	w.err = errors.New("archive is closed")
	return nil
}
