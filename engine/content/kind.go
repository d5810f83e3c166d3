package content

import "fmt"

// Kind is what a segment holds. The values are stored in archives.
type Kind uint8

// The kinds of content. Where a comment names Width or Step, a segment of that kind has
// them.
const (
	// Plain is what nothing is known of: the predictor finds out by itself.
	Plain Kind = iota
	// Text is prose in any language, and everything else that people read.
	Text
	// Source is program text, and data in the syntax of one, as JSON.
	Source
	// Markup is text with tags.
	Markup
	// Table is lines of fields. Step is the byte between fields.
	Table
	// Log is lines that begin alike: times, hosts, levels.
	Log
	// Records are rows of Width bytes, column by column of one meaning each.
	Records
	// Numbers are values of Step bytes, in rows of Width bytes where that is known.
	Numbers
	// Image1 is rows of Width bytes of eight pixels each, the leftmost in the highest bit.
	Image1
	// Image8 is rows of Width bytes, one a pixel: brightness, or the number of a colour.
	Image8
	// Image24 is rows of Width bytes, Step (3 or 4) a pixel.
	Image24
	// Audio is frames of Width bytes, one sample of Step bytes (1 or 2) per channel.
	Audio
	// X86 is machine code of the x86 family, of 32 bits (Step 4) or 64 (Step 8).
	X86
	// ARM is machine code of 32-bit ARM, in units of four bytes.
	ARM
	// ARM64 is machine code of 64-bit ARM. Width is where in a page of 4 KiB it begins.
	ARM64
	// Code is other machine code, in units of Step bytes.
	Code

	// NumKinds is the number of kinds.
	NumKinds = int(Code) + 1
)

var kindNames = [NumKinds]string{
	"plain", "text", "source", "markup", "table", "log", "records", "numbers",
	"1-bit image", "8-bit image", "24-bit image", "audio", "x86 code", "ARM code", "ARM64 code", "code",
}

// String returns the kind's name.
func (k Kind) String() string {
	if int(k) < NumKinds {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Segment is a stretch of a block with one kind of content.
type Segment struct {
	Kind Kind
	// Len is its length in bytes.
	Len int
	// Width is the distance in bytes from a byte to the one above it, 0 where rows have no
	// meaning or their length is not known.
	Width int
	// Step is the size in bytes of a sample, a pixel or a unit of code; a table's delimiter.
	Step int
	// BigEndian tells that the highest byte of a number comes first.
	BigEndian bool
	// Absolute tells that Apply makes the relative targets of calls in machine code absolute.
	Absolute bool
}

// Plan is the segments of a block, one directly after the other.
type Plan []Segment

// hasWidth tells whether segments of kind k have a Width.
func (k Kind) hasWidth() bool { return k >= Records && k <= Audio || k == ARM64 }

// hasStep tells whether segments of kind k have a Step.
func (k Kind) hasStep() bool {
	return k == Table || k == Numbers || k == Image24 || k == Audio || k == X86 || k == Code
}

// IsText tells whether people can read kind k.
func (k Kind) IsText() bool { return k >= Text && k <= Log }

// isCode tells whether Apply knows the calls of kind k.
func (k Kind) isCode() bool { return k == X86 || k == ARM || k == ARM64 }

// hasOrder tells whether the order of bytes matters to kind k.
func (k Kind) hasOrder() bool { return k == Numbers || k == Audio || k == Code }

// valid tells whether the parameters are some that the kind may have.
func (s *Segment) valid() bool {
	switch {
	case int(s.Kind) >= NumKinds, s.Len < 1:
		return false
	case s.Width < 0 || s.Width > MaxWidth || s.Width > 0 && !s.Kind.hasWidth():
		return false
	case s.Step < 0 || s.Step > 255 || s.Step > 0 && !s.Kind.hasStep():
		return false
	case s.BigEndian && !s.Kind.hasOrder(), s.Absolute && !s.Kind.isCode():
		return false
	}
	switch s.Kind {
	case Records, Image1, Image8:
		return s.Width > 0
	case Numbers, Code:
		return s.Step == 2 || s.Step == 4 || s.Step == 8
	case Image24:
		return s.Width > 0 && (s.Step == 3 || s.Step == 4)
	case Audio:
		return s.Width > 0 && (s.Step == 1 || s.Step == 2)
	case X86:
		return s.Step == 4 || s.Step == 8
	}
	return true
}
