package archive

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// A Reader reads an archive from front to back, without seeking: NextMember, then
// NextBlock and Payload in turn until io.EOF, then NextMember again.
type Reader struct {
	br     *bufio.Reader
	pos    int64 // in the archive
	size   int64 // of the archive, if it is known, else 0
	member int   // members begun
	number int   // blocks begun, in all members
	inside bool  // a member is being read
	whole  bool  // its only block has been begun

	header *Header
	record []byte
	id     uint32
	start  int64 // of the member
	at     int64 // of the block
	next   int64 // original bytes so far in the member
	blocks []entry
	index  *index

	block *Block
	head  []byte // header record of the block
	err   error
}

// NewReader returns a Reader of r. It reads ahead.
func NewReader(r io.Reader) *Reader {
	return &Reader{br: bufio.NewReaderSize(r, MaxHeader+1024)}
}

// Offset returns the number of bytes read so far.
func (r *Reader) Offset() int64 { return r.pos }

// Block returns the number of the current block, counted from 0 through all
// members.
func (r *Reader) Block() int { return r.number - 1 }

// Expect tells how long the archive is: what is there need not be read piece by piece.
func (r *Reader) Expect(size int64) { r.size = size }

// Blocks returns how many blocks of the current member have been read.
func (r *Reader) Blocks() int { return len(r.blocks) }

// fail fills in where err happened and makes it final.
func (r *Reader) fail(err error, block int, offset int64) error {
	var e *Error
	if errors.As(err, &e) {
		c := *e
		c.Block, c.Offset = block, offset
		err = &c
	}
	r.err = err
	return err
}

// peek returns up to n of the next bytes; fewer only at the end of the input.
func (r *Reader) peek(n int) ([]byte, error) {
	p, err := r.br.Peek(n)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return p, err
}

func (r *Reader) skip(n int) {
	r.br.Discard(n) // of peeked bytes: cannot fail
	r.pos += int64(n)
}

// NextMember reads the header of the next member. It returns io.EOF after the last
// one, and an error wrapping ErrNotArchive if the input does not start with one.
func (r *Reader) NextMember() (*Header, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.inside {
		return nil, errors.New("archive: NextMember before the end of the last one")
	}
	p, err := r.peek(headerPrefix)
	if err != nil {
		return nil, r.fail(err, -1, r.pos)
	}
	if len(p) == 0 {
		if r.member > 0 {
			r.err = io.EOF
			return nil, io.EOF
		}
		return nil, r.fail(&Error{What: "it is empty", Class: ErrTruncated}, -1, 0)
	}
	size, err := headerSize(p)
	if err == nil {
		if p, err = r.peek(size); err != nil {
			return nil, r.fail(err, -1, r.pos)
		}
	} else if r.member > 0 && errors.Is(err, ErrNotArchive) {
		err = &Error{What: "something that is no archive follows its end", Class: ErrCorrupt}
	}
	var h *Header
	if err == nil {
		h, size, r.id, err = parseHeader(p)
	}
	if err != nil {
		return nil, r.fail(inRecord(err, "header"), -1, r.pos)
	}
	r.start = r.pos
	r.record = slices.Clone(p[:size])
	r.skip(size)
	r.header, r.inside, r.whole, r.member = h, true, false, r.member+1
	r.next, r.blocks, r.index = 0, r.blocks[:0:0], nil
	return h, nil
}

// NextBlock reads the header of the member's next block. After the last one it
// checks the index and returns io.EOF. A payload that has not been read is read and checked.
func (r *Reader) NextBlock() (*Block, error) {
	if r.err != nil {
		return nil, r.err
	}
	if !r.inside {
		return nil, io.EOF
	}
	if r.block != nil {
		if _, err := r.Payload(nil); err != nil {
			return nil, err
		}
	}
	if r.whole {
		r.inside = false
		return nil, io.EOF
	}
	p, err := r.peek(maxBlockHeader)
	if err != nil {
		return nil, r.fail(err, r.number, r.pos)
	}
	if len(p) == 0 {
		return nil, r.fail(&Error{What: "it ends before its index", Class: ErrTruncated}, -1, r.pos)
	}
	if p[0] == markIndex {
		return nil, r.readIndex()
	}
	b, size, err := parseBlock(p, r.header, r.id)
	if err == nil && b.Offset != r.next {
		err = &Error{What: "blocks are missing or out of order", Class: ErrCorrupt}
	}
	if err != nil {
		return nil, r.fail(err, r.number, r.pos)
	}
	r.at = r.pos
	r.head = append(r.head[:0], p[:size]...)
	r.skip(size)
	r.number++
	r.block, r.whole = b, b.Whole
	r.next += int64(b.Length)
	return b, nil
}

// Payload reads the current block's payload into buf, which grows as needed, and
// checks it. What it allocates is bounded by what the input really holds.
func (r *Reader) Payload(buf []byte) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.block == nil {
		return nil, errors.New("archive: Payload without a block")
	}
	buf = buf[:0]
	size := r.block.Size + 4
	for len(buf) < size {
		n := min(size-len(buf), 1<<20)
		if r.size-r.pos >= int64(size-len(buf)) {
			n = size - len(buf)
		}
		if cap(buf)-len(buf) < n {
			// At most twice of what is there already, so that the old and the new one
			// together are no more than twice the payload.
			buf = append(make([]byte, 0, min(max(2*len(buf), len(buf)+n), size)), buf...)
		}
		m, err := io.ReadFull(r.br, buf[len(buf):len(buf)+n])
		buf = buf[:len(buf)+m]
		r.pos += int64(m)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = &Error{What: "it ends inside the block", Class: ErrTruncated}
		}
		if err != nil {
			return nil, r.fail(err, r.number-1, r.at)
		}
	}
	payload := buf[:r.block.Size]
	if binary.LittleEndian.Uint32(buf[len(payload):]) != payloadCRC(r.id, r.head, payload) {
		return nil, r.fail(&Error{What: "the coded data is damaged", Class: ErrChecksum}, r.number-1, r.at)
	}
	r.blocks = append(r.blocks, entry{r.pos - r.at, int64(r.block.Length)})
	r.block = nil
	return payload, nil
}

// readIndex reads the index, which must describe exactly the blocks read, and
// ends the member.
func (r *Reader) readIndex() error {
	want := index{before: r.pos - r.start, blocks: len(r.blocks), entries: r.blocks, header: r.record, part: r.header.Part != nil}
	rec := make([]byte, want.size(r.id))
	n, err := io.ReadFull(r.br, rec)
	at := r.pos
	r.pos += int64(n)
	var x *index
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		x, err = want.read(rec[:n], r.id)
	}
	if err != nil {
		return r.fail(err, -1, at)
	}
	r.index, r.inside = x, false
	return io.EOF
}

// Sum returns the sum of the content of the member whose blocks have all been read: see
// Summer. Members of fewer than two blocks carry none, unless they are parts.
func (r *Reader) Sum() (sum [sha256.Size]byte, ok bool) {
	if r.index == nil || !r.index.long() {
		return sum, false
	}
	return r.index.sum, true
}

// ID returns the number that ties a member's records together.
func (r *Reader) ID() uint32 { return r.id }
