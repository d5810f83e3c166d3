package mixer

// Kind is what a block holds, as far as it matters for the choice of contexts.
// The values are stored in archives.
type Kind uint8

// The kinds of blocks.
const (
	Text   Kind = 0 // text of any sort
	Binary Kind = 1 // everything else
)

// Detect returns the kind that suits block best.
func Detect(block []byte) Kind {
	n := min(len(block), 1<<16)
	odd := 0
	for _, b := range block[:n] {
		if b < 32 && b != '\n' && b != '\r' && b != '\t' || b == 127 || b == 255 {
			odd++
		}
	}
	if odd*20 > n {
		return Binary
	}
	return Text
}
