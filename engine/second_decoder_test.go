package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"os"
	"testing"
)

// This file is a second decoder, written from archive/FORMAT.md and sharing no
// code with the first. It is as plain as possible and knows only what the golden
// archives bare.llmz and whole.llmz need: bytes, no mixer, and a model that counts
// which bytes follow which.

type plainDecoder struct {
	t *testing.T
	p []byte // what has not been read yet
}

func (d *plainDecoder) take(n int) []byte {
	if n > len(d.p) {
		d.t.Fatalf("%d bytes wanted, %d left", n, len(d.p))
	}
	b := d.p[:n]
	d.p = d.p[n:]
	return b
}

func (d *plainDecoder) varint() (v int) {
	for shift := 0; ; shift += 7 {
		b := d.take(1)[0]
		v |= int(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
}

func (d *plainDecoder) u32() uint32 { return binary.LittleEndian.Uint32(d.take(4)) }

// since returns the bytes read since mark was what was left.
func (d *plainDecoder) since(mark []byte) []byte { return mark[:len(mark)-len(d.p)] }

func plainCRC(parts ...[]byte) uint32 {
	return crc32.Checksum(bytes.Join(parts, nil), crc32.MakeTable(crc32.Castagnoli))
}

func (d *plainDecoder) want(what string, got, want any) {
	d.t.Helper()
	if got != want {
		d.t.Fatalf("%s is %v, want %v", what, got, want)
	}
}

// member decodes a member.
func (d *plainDecoder) member() (content []byte) {
	start := d.p
	d.want("magic", string(d.take(4)), "\xf1LMZ")
	d.want("version", d.take(1)[0], byte(1))
	d.take(d.varint()) // the fields are known
	header := d.since(start)
	id := binary.LittleEndian.AppendUint32(nil, plainCRC(header))
	d.want("header CRC", string(d.take(4)), string(id))
	header = d.since(start)
	var records, lengths []int
	for d.p[0] == 0xb7 {
		mark := d.p
		if d.p[1]&4 != 0 {
			d.want("bytes before the only block", len(content), 0)
			return d.block(id, 0)
		}
		block := d.block(id, len(content))
		records = append(records, len(d.since(mark)))
		lengths = append(lengths, len(block))
		content = append(content, block...)
	}
	index := d.p
	d.want("index mark", d.take(1)[0], byte(0xe9))
	d.want("before", d.varint(), len(start)-len(index))
	d.want("blocks", d.varint(), len(records))
	for i := range records {
		d.want("record size", d.varint(), records[i])
		d.want("length", d.varint(), lengths[i])
	}
	sum := sha256.Sum256(content)
	d.want("SHA-256", string(d.take(32)), string(sum[:]))
	d.want("copy of the header", string(d.take(d.varint())), string(header))
	crc := plainCRC(id, d.since(index))
	d.want("index CRC", d.u32(), crc)
	size := len(d.since(index))
	d.want("size at the end", d.take(1)[0], byte(size)) // one byte: it is below 128
	return content
}

// block decodes a block that starts at offset.
func (d *plainDecoder) block(id []byte, offset int) []byte {
	mark := d.p
	d.take(1)
	flags := d.take(1)[0]
	if flags&4 == 0 {
		d.want("offset", d.varint(), offset)
	}
	flags &^= 4
	length := d.varint()
	size, lanes := length, 0
	if flags == 0 {
		size = d.varint()
		lanes = d.varint()
	} else {
		d.want("flags", flags, byte(1))
	}
	sum := d.u32()
	check := plainCRC(id, d.since(mark))
	d.want("header check", binary.LittleEndian.Uint16(d.take(2)), uint16(check))
	payload := d.take(size)
	crc := plainCRC(id, d.since(mark))
	d.want("record CRC", d.u32(), crc)
	block := payload
	if flags == 0 {
		block = plainDecode(payload, length, lanes)
	}
	d.want("content CRC", plainCRC(block), sum)
	return block
}

// plainDecode decodes a coded block of bytes.
func plainDecode(payload []byte, n, lanes int) []byte {
	at := 0
	next := func() uint64 { // a byte, zeros after the end
		at++
		if at > len(payload) {
			return 0
		}
		return uint64(payload[at-1])
	}
	code, rng := uint64(0), uint64(1<<64-1)
	for range 8 {
		code = code<<8 | next()
	}
	// counts[lane][previous byte, 256 at the start][byte]
	counts := make([][257][256]uint32, lanes)
	for i := range counts {
		for j := range counts[i] {
			for k := range counts[i][j] {
				counts[i][j][k] = 1
			}
		}
	}
	block := make([]byte, n)
	for step := 0; step*lanes < n; step++ {
		for lane := range lanes {
			start := lane*(n/lanes) + min(lane, n%lanes)
			size := n / lanes
			if lane < n%lanes {
				size++
			}
			if step >= size {
				continue
			}
			prev := 256
			if step > 0 {
				prev = int(block[start+step-1])
			}
			freqs := &counts[lane][prev]
			total := uint64(0)
			for _, f := range freqs {
				total += uint64(f)
			}
			unit := rng / total
			target := min(code/unit, total-1)
			before := uint64(0)
			sym := 0
			for before+uint64(freqs[sym]) <= target {
				before += uint64(freqs[sym])
				sym++
			}
			code -= unit * before
			rng = unit * uint64(freqs[sym])
			for rng < 1<<48 {
				code = code<<16 | next()<<8 | next()
				rng <<= 16
			}
			freqs[sym] += 32
			block[start+step] = byte(sym)
		}
	}
	return block
}

func TestSecondDecoder(t *testing.T) {
	for _, name := range []string{"bare", "whole"} {
		p, err := os.ReadFile("testdata/" + name + ".llmz")
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := decompress(p, ReadOptions{Models: resolver()})
		if err != nil {
			t.Fatal(err)
		}
		d := &plainDecoder{t: t, p: p}
		if got := d.member(); !bytes.Equal(got, want) {
			t.Errorf("%s: the decoder written from the specification gives %d bytes that differ from the %d of the engine", name, len(got), len(want))
		}
		if len(d.p) != 0 {
			t.Errorf("%s: %d bytes are left", name, len(d.p))
		}
	}
}
