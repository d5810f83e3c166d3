// Package archive reads and writes the .llmz container: headers, blocks,
// checksums and index. It knows nothing of models and coders: to it a block's
// payload is bytes. FORMAT.md is the specification.
//
// Nothing here trusts its input: every length is bounded before anything is
// allocated for it, and every record is covered by a checksum.
package archive

import (
	"errors"
	"fmt"
	"hash/crc32"
)

// Magic begins every archive. Its first byte is neither ASCII nor the start of
// valid UTF-8 before an L.
const Magic = "\xf1LMZ"

// The first byte of each record after the header.
const (
	markBlock = 0xb7
	markIndex = 0xe9
)

// Limits of the format. Readers refuse more; writers never write more.
const (
	MaxHeader     = 1 << 16 // bytes of header fields
	MaxName       = 1 << 10 // bytes of a file or model name
	MaxSettings   = 64      // runtime settings
	MaxSettingKey = 1 << 8
	MaxSetting    = 1 << 12
	MaxBlock      = 1 << 30 // original bytes in a block
	MaxLanes      = 1 << 12
	MaxBlocks     = 1 << 26 // blocks in a member
	MaxProbeSteps = 1 << 10
	maxDigest     = 32
)

// Classes of errors. Errors of this package, and of the engine about archives,
// wrap one of them.
var (
	ErrNotArchive  = errors.New("not an llmz archive")
	ErrUnsupported = errors.New("unsupported archive feature")
	ErrCorrupt     = errors.New("archive is corrupt")
	ErrTruncated   = errors.New("archive is truncated")
	ErrChecksum    = errors.New("checksum mismatch")
)

// Error is an error in an archive, with its place.
type Error struct {
	// Block is the block's number, counted from 0 through all members; -1 outside of
	// blocks.
	Block int
	// Offset is where in the archive the record at fault starts.
	Offset int64
	// What says what is wrong.
	What string
	// Class is one of the errors above.
	Class error
}

func (e *Error) Error() string {
	where := ""
	if e.Block >= 0 {
		where = fmt.Sprintf("block %d ", e.Block)
	}
	return fmt.Sprintf("%sat offset %d: %v: %s", where, e.Offset, e.Class, e.What)
}

func (e *Error) Unwrap() error { return e.Class }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum returns the CRC-32C of content, as block headers carry it.
func Checksum(content []byte) uint32 { return crc32.Checksum(content, castagnoli) }

// memberCRC continues the CRC-32C of a member's header checksum with p: the
// records of one member are so told apart from all others'.
func memberCRC(id uint32, p []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte{byte(id), byte(id >> 8), byte(id >> 16), byte(id >> 24)}, castagnoli), castagnoli, p)
}
