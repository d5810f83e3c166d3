package cm

// ClassOf sorts bytes into eight classes: letters, digits, spaces, ends of lines,
// punctuation and what is not text.
var ClassOf [256]uint8

func init() {
	for b := range ClassOf {
		switch {
		case b >= 'a' && b <= 'z':
			ClassOf[b] = 1
		case b >= 'A' && b <= 'Z':
			ClassOf[b] = 2
		case b >= '0' && b <= '9':
			ClassOf[b] = 3
		case b == ' ' || b == '\t':
			ClassOf[b] = 4
		case b == '\n' || b == '\r':
			ClassOf[b] = 5
		case b > ' ' && b < 127:
			ClassOf[b] = 6
		case b >= 128:
			ClassOf[b] = 7
		}
	}
}
