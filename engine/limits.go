package engine

import (
	"errors"
	"fmt"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/block"
	"github.com/llmz/llmz/engine/predict"
)

// Archives may come from anyone, and a few bytes can stand for much. Where no limit is set, a
// block may take, beside what its model takes, decodeBase and decodeFirst for each of the
// first firstBytes bytes of its coded data, which is 1 GiB, and decodeMore for each further
// one. That is more than blocks of any size need even if they are filled with zeros.
const (
	decodeBase  = 256 << 20
	decodeFirst = 1 << 20
	firstBytes  = 768
	decodeMore  = 32 << 10
)

// NoLimit, as ReadOptions.MemoryLimit, lets blocks take what they say they need.
const NoLimit = -1

// defaultLimit returns what block b may take beside its model where no limit is set.
func defaultLimit(b *archive.Block) int64 {
	n := int64(b.Size)
	return decodeBase + decodeFirst*min(n, firstBytes) + decodeMore*max(0, n-firstBytes)
}

// ErrOutputLimit is wrapped by OutputError.
var ErrOutputLimit = errors.New("output limit is too low")

// OutputError refuses to decode more than ReadOptions.MaxOutput allows.
type OutputError struct {
	Need, Limit int64 // bytes; Need is at least so much
}

func (e *OutputError) Error() string {
	return fmt.Sprintf("%v: the content has at least %d bytes, %d allowed", ErrOutputLimit, e.Need, e.Limit)
}

func (e *OutputError) Unwrap() error { return ErrOutputLimit }

// Hint returns what to do.
func (e *OutputError) Hint() string {
	return fmt.Sprintf("if you trust the archive, allow at least %d bytes", e.Need)
}

// checkOutput refuses content of n bytes if that is more than o allows.
func (o *ReadOptions) checkOutput(n int64) error {
	if o.MaxOutput > 0 && n > o.MaxOutput {
		return &OutputError{Need: n, Limit: o.MaxOutput}
	}
	return nil
}

// An archive that decodes to more than extremeSize bytes and extremeRatio times its own size is
// worth a warning: it may be meant to fill a disk.
const (
	extremeSize  = 16 << 20
	extremeRatio = 1000
)

// warnOfRatio warns, once, if coded bytes of archive stand for content bytes out of all
// proportion.
func (t *tally) warnOfRatio(content, coded int64) {
	if content < extremeSize || content/extremeRatio < coded {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ratioWarned {
		return
	}
	t.ratioWarned = true
	t.emit(Warning{Message: fmt.Sprintf("%d bytes of archive stand for at least %d bytes of content, %d times as much", coded, content, content/max(coded, 1))})
}

// ExceedsDefault tells whether decoding block b, of a member with header h, takes more memory
// than is allowed where no limit is set, and how much that is beside its model.
func ExceedsDefault(h *archive.Header, b *archive.Block) (need int64, exceeds bool) {
	need = block.Need(h, b)
	return need, need > defaultLimit(b)
}

// admit returns an error if block b, number n, cannot have been written by an encoder, or takes
// more memory than o allows, its model left aside: all that can be told before anything is
// read or loaded for it.
func admit(n int, h *archive.Header, b *archive.Block, o *ReadOptions, index int64) error {
	if err := block.CheckLength(n, h, b, nil, nil); err != nil {
		return err
	}
	return allow(h, b, nil, o.MemoryLimit, index)
}

// allow returns an error if decoding block b takes more than limit, which is as in
// ReadOptions; index is what the archive's index takes so far.
func allow(h *archive.Header, b *archive.Block, m predict.Model, limit, index int64) error {
	need := block.Need(h, b) + index
	switch {
	case limit > 0:
		need += overhead(m)
		if m != nil {
			need += m.MemoryBytes(b.Lanes)
		}
	case limit == 0:
		if most := defaultLimit(b); need > most {
			return &MemoryError{Need: need + overhead(m), Limit: most, Default: true}
		}
		return nil
	default:
		return nil
	}
	if need > limit {
		return &MemoryError{Need: need, Limit: limit}
	}
	return nil
}
