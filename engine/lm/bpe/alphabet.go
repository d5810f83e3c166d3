package bpe

// GPT-2 writes tokens in printable characters: each byte has one. Bytes that
// print stand for themselves, the others for U+0100 and on, in order.

func printable(b byte) bool {
	return '!' <= b && b <= '~' || 0xa1 <= b && b <= 0xac || b >= 0xae
}

var printableByte = func() map[rune]byte {
	m := make(map[rune]byte, 256)
	next := rune(256)
	for i := range 256 {
		if printable(byte(i)) {
			m[rune(i)] = byte(i)
		} else {
			m[next] = byte(i)
			next++
		}
	}
	return m
}()

// Printable writes the bytes of a token in the characters that vocabularies use.
func Printable(token []byte) string {
	out := make([]rune, len(token))
	for i, b := range token {
		out[i] = byteRune[b]
	}
	return string(out)
}

var byteRune = func() (m [256]rune) {
	for r, b := range printableByte {
		m[b] = r
	}
	return m
}()

// fromPrintable returns the bytes of a token. One that has other characters,
// as tokens added to a vocabulary by hand may, is its own text.
func fromPrintable(s string) []byte {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		c, ok := printableByte[r]
		if !ok {
			return []byte(s)
		}
		b = append(b, c)
	}
	return b
}
