package content

import "encoding/binary"

// The functions here look at bytes that may be the beginning of a file and return what
// follows in it. Files that are cut off by the end of the block are told, too.

// mostEntries bounds the entries of a file's tables that are looked at, as there may be a
// header at every other place of a block that is made for it.
const mostEntries = 256

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

// rows returns a piece of h rows at the given place of b, or of as many as there are.
func rows(b []byte, at, h int, s Segment) []piece {
	if at < 0 || at >= len(b) || h < 1 || s.Width < 1 || s.Width > MaxWidth {
		return nil
	}
	s.Len = min(s.Width*min(h, 1<<30/s.Width), len(b)-at)
	return []piece{{at, s}}
}

// image returns a segment for pixels of so many bits.
func image(depth, width int) (s Segment, ok bool) {
	s.Width = width
	switch depth {
	case 1:
		s.Kind = Image1
	case 8:
		s.Kind = Image8
	case 24, 32:
		s.Kind, s.Step = Image24, depth/8
	case 16, 48, 64:
		s.Kind, s.Step = Numbers, 2
	default:
		return s, false
	}
	return s, true
}

func findBMP(b []byte) []piece {
	if len(b) < 54 || b[1] != 'M' || le.Uint32(b[6:]) != 0 {
		return nil
	}
	at, size := le.Uint32(b[10:]), le.Uint32(b[14:])
	w, h := int(int32(le.Uint32(b[18:]))), int(int32(le.Uint32(b[22:])))
	depth, packed := int(le.Uint16(b[28:])), le.Uint32(b[30:])
	if size < 40 || size > 124 || at < 14+size || at > 1<<12 || le.Uint16(b[26:]) != 1 || packed != 0 && (packed != 3 || depth != 32) {
		return nil
	}
	if h < 0 {
		h = -h
	}
	if w < 1 || w > 1<<17 || h < 1 {
		return nil
	}
	s, ok := image(depth, (w*depth+31)/32*4)
	if !ok {
		return nil
	}
	return rows(b, int(at), h, s)
}

// findPNM knows the binary forms of bitmaps, greymaps and pixmaps.
func findPNM(b []byte) []piece {
	kind := b[1]
	if kind < '4' || kind > '6' || b[2] != '\n' && b[2] != ' ' && b[2] != '\r' {
		return nil
	}
	numbers := 3
	if kind == '4' {
		numbers = 2
	}
	var v [3]int
	i := 2
	for k := range numbers {
		for i < len(b) && i < 512 && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t' || b[i] == '#') {
			if b[i] == '#' {
				for i < len(b) && i < 512 && b[i] != '\n' {
					i++
				}
				continue
			}
			i++
		}
		from := i
		for i < len(b) && i < from+7 && b[i] >= '0' && b[i] <= '9' {
			v[k] = v[k]*10 + int(b[i]-'0')
			i++
		}
		if i == from {
			return nil
		}
	}
	if i >= len(b) || b[i] != '\n' && b[i] != ' ' && b[i] != '\r' {
		return nil
	}
	depth, width := 8, v[0]
	switch {
	case kind == '4':
		depth, width = 1, (v[0]+7)/8
	case v[2] < 1 || v[2] > 65535:
		return nil
	case kind == '6':
		depth, width = 24, 3*v[0]
	}
	if depth > 1 && v[2] > 255 {
		depth, width = 16, 2*width
	}
	s, _ := image(depth, width)
	s.BigEndian = s.Kind == Numbers
	return rows(b, i+1, v[1], s)
}

// findTIFF knows uncompressed images whose strips lie one after the other.
func findTIFF(b []byte) []piece {
	var o binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		o = le
	case "MM\x00*":
		o = be
	default:
		return nil
	}
	ifd := int64(o.Uint32(b[4:]))
	if ifd < 8 || ifd+2 > int64(len(b)) {
		return nil
	}
	tags := int64(o.Uint16(b[ifd:]))
	if tags > mostEntries || ifd+2+12*tags > int64(len(b)) {
		return nil
	}
	v := map[uint16]int64{258: 1, 259: 1, 277: 1, 284: 1}
	for i := range tags {
		e := b[ifd+2+12*i:]
		typ, n := o.Uint16(e[2:]), int64(o.Uint32(e[4:]))
		at := int64(8)
		size := int64(4)
		if typ == 3 {
			size = 2
		} else if typ != 4 {
			continue
		}
		if n*size > 4 { // the first of several
			at = int64(o.Uint32(e[8:]))
			if at+size > int64(len(b)) {
				continue
			}
			e = b
		}
		if size == 2 {
			v[o.Uint16(b[ifd+2+12*i:])] = int64(o.Uint16(e[at:]))
		} else {
			v[o.Uint16(b[ifd+2+12*i:])] = int64(o.Uint32(e[at:]))
		}
	}
	w, h, samples := v[256], v[257], v[277]
	if v[259] != 1 || w < 1 || h < 1 || w > 1<<17 || h > 1<<24 || samples < 1 || samples > 4 || v[284] != 1 && samples > 1 {
		return nil
	}
	depth := int(v[258] * samples)
	s, ok := image(depth, (int(w)*depth+7)/8)
	if !ok || v[258] > 16 {
		return nil
	}
	s.BigEndian = s.Kind == Numbers && o == be
	return rows(b, int(v[273]), int(h), s)
}

// samples returns a piece of audio.
func samples(b []byte, at, n, channels, size int, bigEndian bool) []piece {
	if at >= len(b) || channels < 1 || channels > 32 || size < 1 || size > 2 {
		return nil
	}
	s := Segment{Kind: Audio, Width: channels * size, Step: size, BigEndian: bigEndian && size > 1, Len: min(n, len(b)-at)}
	if n <= 0 {
		s.Len = len(b) - at
	}
	return []piece{{at, s}}
}

func findWAV(b []byte) []piece {
	if string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil
	}
	channels, size := 0, 0
	for at, entries := 12, 0; at+8 <= len(b) && entries < mostEntries; entries++ {
		n := int(le.Uint32(b[at+4:]))
		switch string(b[at : at+4]) {
		case "fmt ":
			if at+24 > len(b) || n < 16 {
				return nil
			}
			if f := le.Uint16(b[at+8:]); f != 1 && f != 0xfffe {
				return nil
			}
			channels, size = int(le.Uint16(b[at+10:])), int(le.Uint16(b[at+22:]))/8
		case "data":
			return samples(b, at+8, n, channels, size, false)
		}
		at += 8 + n + n&1
	}
	return nil
}

func findAIFF(b []byte) []piece {
	if string(b[:4]) != "FORM" || string(b[8:12]) != "AIFF" {
		return nil
	}
	channels, size := 0, 0
	for at, entries := 12, 0; at+8 <= len(b) && entries < mostEntries; entries++ {
		n := int(be.Uint32(b[at+4:]))
		switch string(b[at : at+4]) {
		case "COMM":
			if at+16 > len(b) {
				return nil
			}
			channels, size = int(be.Uint16(b[at+8:])), int(be.Uint16(b[at+14:]))/8
		case "SSND":
			return samples(b, at+16, n-8, channels, size, true)
		}
		at += 8 + n + n&1
	}
	return nil
}

func findAU(b []byte) []piece {
	if string(b[:4]) != ".snd" || len(b) < 24 {
		return nil
	}
	size := 0
	switch be.Uint32(b[12:]) {
	case 2:
		size = 1
	case 3:
		size = 2
	default:
		return nil
	}
	at, n := int(be.Uint32(b[4:])), be.Uint32(b[8:])
	if at < 24 || at > 1<<16 || n > 1<<30 {
		n = 0
	}
	return samples(b, at, int(n), int(be.Uint32(b[20:])&63), size, true)
}
