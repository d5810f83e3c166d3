package rich

// classOf sorts bytes into eight classes: letters, digits, spaces, ends of lines,
// punctuation and what is not text.
var classOf [256]uint8

func init() {
	for b := range classOf {
		switch {
		case b >= 'a' && b <= 'z':
			classOf[b] = 1
		case b >= 'A' && b <= 'Z':
			classOf[b] = 2
		case b >= '0' && b <= '9':
			classOf[b] = 3
		case b == ' ' || b == '\t':
			classOf[b] = 4
		case b == '\n' || b == '\r':
			classOf[b] = 5
		case b > ' ' && b < 127:
			classOf[b] = 6
		case b >= 128:
			classOf[b] = 7
		}
	}
}
