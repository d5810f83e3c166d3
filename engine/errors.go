package engine

import (
	"errors"
	"fmt"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/block"
)

// Classes of errors about archives. Errors wrap one of them, mostly in an
// *archive.Error that says where.
var (
	ErrNotArchive  = archive.ErrNotArchive
	ErrUnsupported = archive.ErrUnsupported
	ErrCorrupt     = archive.ErrCorrupt
	ErrTruncated   = archive.ErrTruncated
	ErrChecksum    = archive.ErrChecksum
)

// ErrOptions is wrapped by errors about options that make no sense.
var ErrOptions = errors.New("invalid options")

// ErrMemory is wrapped by MemoryError.
var ErrMemory = errors.New("memory limit is too low")

// ErrDiffers means that an archive decodes to something else than the original
// it was compared with.
var ErrDiffers = errors.New("archive does not decode to the original")

// MemoryError refuses a job that would take more memory than allowed.
type MemoryError struct {
	Need, Limit int64 // bytes
	// Default says that the limit is the one where none is set.
	Default bool
}

func (e *MemoryError) Error() string {
	allowed := fmt.Sprintf("%d MiB", e.Limit>>20)
	switch {
	case e.Limit == 1:
		allowed = "1 byte"
	case e.Limit < 1<<20:
		allowed = fmt.Sprintf("%d bytes", e.Limit)
	}
	return fmt.Sprintf("%v: about %d MiB are needed, %s allowed", ErrMemory, (e.Need+1<<20-1)>>20, allowed)
}

func (e *MemoryError) Unwrap() error { return ErrMemory }

// Hint returns what to do.
func (e *MemoryError) Hint() string {
	if e.Default {
		return fmt.Sprintf("if you trust the archive, allow %d MiB with -M: that is much for so little data", (e.Need+1<<20-1)>>20)
	}
	return fmt.Sprintf("allow at least %d MiB; when compressing, smaller blocks or fewer lanes need less", (e.Need+1<<20-1)>>20)
}

// MismatchError means that the model or runtime here does not compute what the
// archive's did. It wraps predict.ErrMismatch.
type MismatchError = block.MismatchError

// BlockError is an error in coding one block.
type BlockError = block.Error
