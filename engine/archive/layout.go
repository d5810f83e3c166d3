package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Member is one member of an archive and where its parts are.
type Member struct {
	Header *Header
	// Offset and Size locate the member in the archive.
	Offset, Size int64
	// HeaderSize and IndexSize are the sizes of its first and last record; a whole block has
	// no index after it.
	HeaderSize, IndexSize int
	// Content is where its original content starts in that of all members.
	Content int64
	Blocks  []BlockAt
	// Sum is that of the member's content if HasSum, which it has where there are two or more
	// blocks, and in parts. See Summer.
	Sum    [sha256.Size]byte
	HasSum bool
	// Digests are those of a part's blocks.
	Digests []Digest

	id uint32
}

// Length returns the number of original bytes.
func (m *Member) Length() int64 {
	if len(m.Blocks) == 0 {
		return 0
	}
	b := &m.Blocks[len(m.Blocks)-1]
	return b.Block.Offset + int64(b.Length)
}

// BlockAt is a block and where it is in the archive.
type BlockAt struct {
	Block
	// At is where the block's header starts, Payload where its payload does.
	At, Payload int64
	// Size is the size of the whole record.
	RecordSize int64
}

// List returns the members of the archive of size bytes in r. It reads headers and
// indexes but no payloads, and checks that the blocks are where the index says.
func List(r io.ReaderAt, size int64) ([]Member, error) {
	var members []Member
	err := Walk(r, size, func(m *Member) error {
		members = append(members, *m)
		return nil
	})
	return members, err
}

// Walk is List for archives of many members: it calls visit with one after the other, which
// may keep it, and stops at visit's first error.
func Walk(r io.ReaderAt, size int64, visit func(*Member) error) error {
	s := source{r: r, size: size}
	var content int64
	blocks := 0
	for pos := int64(0); pos < size || pos == 0; {
		m, err := s.member(pos, pos > 0)
		if err != nil {
			return placed(err, blocks)
		}
		m.Content = content
		content += m.Length()
		pos += m.Size
		blocks += len(m.Blocks)
		if err := visit(m); err != nil {
			return err
		}
	}
	return nil
}

// placed adds the number of blocks before to the block number of err.
func placed(err error, before int) error {
	var e *Error
	if errors.As(err, &e) && e.Block >= 0 {
		c := *e
		c.Block += before
		return &c
	}
	return err
}

// source reads pieces of an archive at random, with a small cache.
type source struct {
	r     io.ReaderAt
	size  int64
	least int // what is read at once, at least; 0: cacheSize
	buf   []byte
	at    int64
}

// cacheSize is the least that a source reads at once where nothing else is said.
const cacheSize = 16 << 10

// bytes returns up to n bytes at pos, fewer only at the end. They are valid until the
// next call.
func (s *source) bytes(pos int64, n int) ([]byte, error) {
	n = int(min(int64(n), max(s.size-pos, 0)))
	if n == 0 {
		return nil, nil
	}
	if pos < s.at || pos+int64(n) > s.at+int64(len(s.buf)) {
		least := cacheSize
		if s.least > 0 {
			least = s.least
		}
		want := int(min(int64(max(n, least)), s.size-pos))
		s.buf = slices.Grow(s.buf[:0], want)[:want]
		s.at = pos
		m, err := s.r.ReadAt(s.buf, pos)
		if m < want {
			s.buf = s.buf[:0]
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // the file shrank
			}
			return nil, err
		}
	}
	return s.buf[pos-s.at:][:n], nil
}

// at places an error without a place.
func at(err error, block int, offset int64) error {
	var e *Error
	if errors.As(err, &e) {
		c := *e
		c.Block, c.Offset = block, offset
		return &c
	}
	return err
}

// headerAt reads the header at pos.
func (s *source) headerAt(pos int64) (h *Header, rec []byte, id uint32, err error) {
	p, err := s.bytes(pos, headerPrefix)
	if err != nil {
		return nil, nil, 0, err
	}
	if len(p) == 0 {
		return nil, nil, 0, at(&Error{What: "it is empty", Class: ErrTruncated}, -1, pos)
	}
	size, err := headerSize(p)
	if err != nil {
		return nil, nil, 0, at(inRecord(err, "header"), -1, pos)
	}
	if p, err = s.bytes(pos, size); err != nil {
		return nil, nil, 0, err
	}
	h, size, id, err = parseHeader(p)
	if err != nil {
		return nil, nil, 0, at(err, -1, pos)
	}
	return h, slices.Clone(p[:size]), id, nil
}

// blockAt reads the header of block number n at pos. The whole record must be there.
func (s *source) blockAt(pos int64, m *Member, n int) (*BlockAt, error) {
	p, err := s.bytes(pos, maxBlockHeader)
	if err != nil {
		return nil, err
	}
	b, size, err := parseBlock(p, m.Header, m.id)
	if err != nil {
		return nil, at(err, n, pos)
	}
	ba := &BlockAt{*b, pos, pos + int64(size), int64(size) + int64(b.Size) + 4}
	if pos+ba.RecordSize > s.size {
		return ba, at(&Error{What: "it ends inside the block", Class: ErrTruncated}, n, pos)
	}
	return ba, nil
}

// payload reads and checks the payload of b into buf, which grows as needed.
func (s *source) payload(m *Member, b *BlockAt, buf []byte) ([]byte, error) {
	head, err := s.bytes(b.At, int(b.Payload-b.At))
	if err != nil {
		return nil, err
	}
	crc := memberCRC(m.id, head)
	n := b.Block.Size + 4
	buf = slices.Grow(buf[:0], n)[:n]
	if _, err := s.r.ReadAt(buf, b.Payload); err != nil {
		return nil, err
	}
	payload := buf[:n-4]
	if binary.LittleEndian.Uint32(buf[n-4:]) != updateCRC(crc, payload) {
		return nil, &Error{What: "the coded data is damaged", Class: ErrChecksum}
	}
	return payload, nil
}

// member reads the layout of the member at pos.
func (s *source) member(pos int64, follows bool) (*Member, error) {
	h, rec, id, err := s.headerAt(pos)
	if err != nil {
		if follows && errors.Is(err, ErrNotArchive) {
			err = at(&Error{What: "something that is no archive follows its end", Class: ErrCorrupt}, -1, pos)
		}
		return nil, err
	}
	m := &Member{Header: h, Offset: pos, HeaderSize: len(rec), id: id}
	p := pos + int64(len(rec))
	var next int64
	for {
		mark, err := s.bytes(p, 1)
		if err != nil {
			return nil, err
		}
		if len(mark) == 0 {
			return nil, at(&Error{What: "it ends before its index", Class: ErrTruncated}, -1, p)
		}
		if mark[0] == markIndex {
			break
		}
		n := len(m.Blocks)
		b, err := s.blockAt(p, m, n)
		if err == nil && b.Offset != next {
			err = at(&Error{What: "blocks are missing or out of order", Class: ErrCorrupt}, n, p)
		}
		if err != nil {
			return nil, err
		}
		m.Blocks = append(m.Blocks, *b)
		next += int64(b.Length)
		p += b.RecordSize
		if b.Whole {
			m.Size = p - pos
			return m, nil
		}
	}
	want := m.index(p-pos, rec)
	size := want.size(id)
	raw, err := s.bytes(p, size)
	if err != nil {
		return nil, err
	}
	x, err := want.read(raw, id)
	if err != nil {
		return nil, at(err, -1, p)
	}
	m.IndexSize = size
	m.Size = p + int64(size) - pos
	m.Sum, m.HasSum, m.Digests = x.sum, x.long(), x.digests
	return m, nil
}

// index returns the index that m must have.
func (m *Member) index(before int64, rec []byte) *index {
	x := &index{before: before, blocks: len(m.Blocks), header: rec, part: m.Header.Part != nil}
	for i := range m.Blocks {
		x.entries = append(x.entries, entry{m.Blocks[i].RecordSize, int64(m.Blocks[i].Length)})
	}
	return x
}

// A Seeker reads single blocks of one member by its index, without reading what
// comes before them.
type Seeker struct {
	s       source
	m       Member
	entries []entry
	block   *BlockAt // the one that Block has returned

	// Block number at starts at pos, its content at offset.
	at          int
	pos, offset int64
}

// NewMemberSeeker returns a Seeker of a member that List found in r.
func NewMemberSeeker(r io.ReaderAt, size int64, m *Member) *Seeker {
	k := &Seeker{s: source{r: r, size: size}, m: *m}
	for i := range m.Blocks {
		k.entries = append(k.entries, entry{m.Blocks[i].RecordSize, int64(m.Blocks[i].Length)})
	}
	return k
}

// ErrNoIndex means that an archive cannot be read by its index: it has several
// members, or the index is damaged or missing. List may still read it.
var ErrNoIndex = errors.New("archive has no usable index")

// NewSeeker reads the header and the index of the archive of size bytes in r.
// Errors wrap ErrNoIndex unless the header itself is at fault.
func NewSeeker(r io.ReaderAt, size int64) (*Seeker, error) {
	k := &Seeker{s: source{r: r, size: size}}
	h, rec, id, err := k.s.headerAt(0)
	if err != nil {
		return nil, err
	}
	k.m = Member{Header: h, HeaderSize: len(rec), Size: size, id: id}
	if b, err := k.s.blockAt(int64(len(rec)), &k.m, 0); err == nil && b.Whole {
		if int64(len(rec))+b.RecordSize != size {
			return nil, fmt.Errorf("%w: it has several members", ErrNoIndex)
		}
		k.entries = []entry{{b.RecordSize, int64(b.Length)}}
		return k, nil
	}
	tail, err := k.s.bytes(max(size-10, 0), 10)
	if err != nil {
		return nil, err
	}
	length, n := reversedUvarint(tail)
	start := size - int64(n) - int64(length)
	if n == 0 || length > uint64(size) || start < int64(len(rec)) {
		return nil, fmt.Errorf("%w: it does not end in one", ErrNoIndex)
	}
	p := make([]byte, size-start)
	if _, err := r.ReadAt(p, start); err != nil {
		return nil, err
	}
	x, _, err := parseIndex(p, id, h.Part != nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoIndex, err)
	}
	if x.before != start {
		return nil, fmt.Errorf("%w: it has several members", ErrNoIndex)
	}
	k.m.IndexSize = len(p)
	k.entries = x.entries
	if x.blocks == 1 && !x.long() {
		b, err := k.s.blockAt(int64(len(rec)), &k.m, 0)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoIndex, err)
		}
		k.entries = []entry{{b.RecordSize, int64(b.Length)}}
	}
	total := int64(len(rec))
	for _, e := range k.entries {
		total += e.size // each at most 2^63: checked at every step
		if e.size < 0 || total < 0 || total > start {
			break
		}
	}
	if total != start {
		return nil, fmt.Errorf("%w: its blocks do not add up", ErrNoIndex)
	}
	return k, nil
}

// Header returns the member's header.
func (k *Seeker) Header() *Header { return k.m.Header }

// Blocks returns the number of blocks.
func (k *Seeker) Blocks() int { return len(k.entries) }

// Length returns the number of original bytes of block n.
func (k *Seeker) Length(n int) int64 { return k.entries[n].length }

// Record returns where in the archive the record of the block starts that Block has
// returned.
func (k *Seeker) Record() int64 { return k.pos }

// Block reads the header of block n.
func (k *Seeker) Block(n int) (*Block, error) {
	if n < k.at || k.pos == 0 {
		k.at, k.pos, k.offset = 0, k.m.Offset+int64(k.m.HeaderSize), 0
	}
	for ; k.at < n; k.at++ {
		k.pos += k.entries[k.at].size
		k.offset += k.entries[k.at].length
	}
	b, err := k.s.blockAt(k.pos, &k.m, n)
	if err == nil && (b.RecordSize != k.entries[n].size || b.Offset != k.offset || int64(b.Length) != k.entries[n].length) {
		err = &Error{What: "the index does not fit the block", Class: ErrCorrupt}
	}
	if err != nil {
		return nil, at(err, n, k.pos)
	}
	k.block = b
	return &b.Block, nil
}

// Payload reads and checks the payload of the block that Block has returned, into buf,
// which grows as needed.
func (k *Seeker) Payload(buf []byte) ([]byte, error) {
	payload, err := k.s.payload(&k.m, k.block, buf)
	if err != nil {
		return nil, at(err, k.at, k.block.At)
	}
	return payload, nil
}
