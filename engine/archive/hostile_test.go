package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// forge makes records with right checksums, as nobody honest does.
type forge struct {
	p  []byte
	id uint32
	h  *Header
	at int // where the member starts
}

func (f *forge) header(h *Header) {
	f.at, f.h = len(f.p), h
	p, err := h.append(f.p)
	if err != nil {
		panic(err)
	}
	f.p, f.id = p, binary.LittleEndian.Uint32(p[len(p)-4:])
}

// block appends a block; where size is not that of the payload, only its header is right.
func (f *forge) block(offset int64, length, size int, payload []byte) {
	b := Block{Kind: Stored, Offset: offset, Length: length, Size: size, Sum: Checksum(payload)}
	if length != size {
		b.Kind, b.Lanes = Coded, 1
	}
	start := len(f.p)
	var err error
	if f.p, err = b.append(f.p, f.h, f.id); err != nil {
		panic(err)
	}
	f.p = append(f.p, payload...)
	if size == len(payload) {
		f.p = binary.LittleEndian.AppendUint32(f.p, memberCRC(f.id, f.p[start:]))
	}
}

// index appends the beginning of an index that claims so many blocks.
func (f *forge) index(before, blocks int64) {
	f.p = append(f.p, markIndex)
	f.p = binary.AppendUvarint(f.p, uint64(before))
	f.p = binary.AppendUvarint(f.p, uint64(blocks))
}

func namedHeader(i int) *Header {
	return &Header{Mixer: 1, Name: fmt.Sprint("m", i)}
}

// hostileKinds are archives of about n bytes that are meant to keep a Scanner busy.
var hostileKinds = map[string]func(n int) []byte{
	"indexes of a member at 0": func(n int) []byte {
		f := forge{p: []byte{0}}
		for len(f.p) < n {
			f.index(int64(len(f.p)), 1<<26)
		}
		return f.p
	},
	"magics": func(n int) []byte { return bytes.Repeat([]byte(Magic), n/4) },
	"long headers": func(n int) []byte {
		return bytes.Repeat([]byte(Magic+"\x01\xff\xff\x03"), n/8)
	},
	"headers apart": func(n int) []byte {
		var f forge
		for i := 0; len(f.p) < n; i++ {
			f.header(namedHeader(i))
			f.p = append(f.p, 0)
		}
		return f.p
	},
	"headers and block marks": func(n int) []byte {
		var f forge
		for i := 0; len(f.p) < n; i++ {
			f.header(namedHeader(i))
			f.p = append(f.p, 0, markBlock, 0, markIndex)
		}
		return f.p
	},
	"blocks that claim the rest": func(n int) []byte {
		var f forge
		f.header(namedHeader(0))
		for i := 0; len(f.p) < n; i++ {
			f.block(int64(i), n, max(1, n-len(f.p)-64), nil)
		}
		return f.p
	},
	"small blocks and large claims": func(n int) []byte {
		var f forge
		f.header(namedHeader(0))
		for i := int64(0); len(f.p) < n; i += 2 {
			f.block(2*i, 1, 1, []byte{byte(i)})
			f.block(2*i+1, n, max(n-len(f.p)-64, 1), nil)
			f.p = append(f.p, 0)
		}
		return f.p
	},
	"small blocks and indexes": func(n int) []byte {
		var f forge
		f.header(namedHeader(0))
		for i := int64(0); len(f.p) < n; i++ {
			f.block(i, 1, 1, []byte{1})
			f.index(int64(len(f.p)), int64(len(f.p)/20))
			f.p = append(f.p, 0)
		}
		return f.p
	},
	"indexes in indexes": func(n int) []byte {
		// Each ends with what lets the next one before it end, too.
		var tail []byte
		h, _ := namedHeader(0).append(nil)
		id := binary.LittleEndian.Uint32(h[len(h)-4:])
		at := n
		for len(tail) < n {
			blocks := 3 + len(tail)/3
			tail = append(bytes.Repeat([]byte{1}, n/100), tail...)
			head := binary.AppendUvarint([]byte{markIndex}, uint64(at-1))
			head = binary.AppendUvarint(head, uint64(blocks))
			x := append(head, tail...)
			x = append(x, bytes.Repeat([]byte{1}, 8)...)
			x = append(x, make([]byte, 32)...)
			x = appendBytes(x, h)
			x = binary.LittleEndian.AppendUint32(x, memberCRC(id, x))
			tail = appendReversed(x, uint64(len(x)))
			at++
		}
		return append(append([]byte{0}, h...), tail...)
	},
	"a member for each block": func(n int) []byte {
		var f forge
		var later forge
		for i := 0; len(f.p)+len(later.p) < n; i++ {
			f.header(namedHeader(i))
			f.p = append(f.p, 0)
			later.h, later.id = f.h, f.id
			later.block(0, 1, 1, []byte{1}) // of a member that is open no more
		}
		return append(f.p, later.p...)
	},
	"noise": func(n int) []byte {
		r := rand.New(rand.NewPCG(3, uint64(n)))
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		return p
	},
	"noise of marks": func(n int) []byte {
		r := rand.New(rand.NewPCG(5, uint64(n)))
		set := []byte{markBlock, markIndex, 0xf1, 'L', 'M', 'Z', 0, 1, 2, 0x80}
		p := make([]byte, n)
		for i := range p {
			p[i] = set[r.IntN(len(set))]
		}
		return p
	},
	"a mixture": func(n int) []byte {
		r := rand.New(rand.NewPCG(7, uint64(n)))
		var f forge
		f.header(namedHeader(0))
		for i := int64(0); len(f.p) < n; i++ {
			switch r.IntN(7) {
			case 0:
				f.header(namedHeader(int(i % 50)))
			case 1:
				f.block(i, 3, 3, []byte("abc"))
			case 2:
				f.block(i, n, max(1, n-len(f.p)-30), nil)
			case 3:
				f.index(int64(len(f.p)-f.at), r.Int64N(int64(n)))
			case 4:
				f.p = append(f.p, Magic+"\x01\x81\x80\x01"...)
			case 5:
				var x index
				x.before = int64(len(f.p) - f.at)
				x.blocks = r.IntN(2)
				f.p = x.append(f.p, f.id)
			case 6:
				f.p = append(f.p, make([]byte, r.IntN(9))...)
			}
		}
		return f.p
	},
}

// countingReader counts what is read.
type countingReader struct {
	r     *bytes.Reader
	calls int
	bytes int64
}

func (c *countingReader) ReadAt(p []byte, at int64) (int, error) {
	c.calls++
	c.bytes += int64(len(p))
	return c.r.ReadAt(p, at)
}

// TestScannerIsLinear scans archives that are forged to make a scan look at the same bytes
// again and again. What it reads must grow with their size, not with its square.
func TestScannerIsLinear(t *testing.T) {
	for name, build := range hostileKinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var per [2]float64
			for i, n := range []int{100_000, 1_000_000} {
				p := build(n)
				r := &countingReader{r: bytes.NewReader(p)}
				z := NewScanner(r, int64(len(p)))
				var found int64
				for {
					f, err := z.Next()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					if f.Block != nil {
						found += f.Block.RecordSize
					}
				}
				if found > int64(len(p)) {
					t.Errorf("blocks of %d bytes in %d", found, len(p))
				}
				per[i] = float64(r.bytes) / float64(len(p))
				t.Logf("%d bytes: %d reads, %.0f bytes read per byte, %d found", len(p), r.calls, per[i], found)
			}
			// A candidate may cost some reads of 4 KiB, however large the archive is.
			if per[1] > 4000 {
				t.Errorf("%.0f bytes are read for each of 10^5, %.0f for each of 10^6", per[0], per[1])
			}
		})
	}
}

// TestScannerFindsBetweenForgeries puts an honest member's blocks between forgeries: nothing of them may be lost.
func TestScannerFindsBetweenForgeries(t *testing.T) {
	for name, build := range hostileKinds {
		forged := build(5000)
		var f forge
		f.header(&Header{Mixer: 1, Name: "honest"})
		var want [][]byte
		offset := int64(0)
		for i := range 5 {
			content := bytes.Repeat([]byte{byte('a' + i)}, 100)
			f.block(offset, 100, 100, content)
			f.p = append(f.p, 0) // a header right after a block would begin a member
			f.p = append(f.p, forged...)
			want = append(want, content)
			offset += 100
		}
		z := NewScanner(bytes.NewReader(f.p), int64(len(f.p)))
		var got [][]byte
		for {
			found, err := z.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(name, err)
			}
			if found.Block != nil && found.Header.Name == "honest" {
				got = append(got, bytes.Clone(found.Payload))
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d of %d blocks found", name, len(got), len(want))
			continue
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("%s: block %d differs", name, i)
			}
		}
	}
}
