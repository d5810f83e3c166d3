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
