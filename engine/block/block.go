// Package block codes single blocks, in both directions, with one step function:
//
//	bytes -> lanes -> [ model -> mixer -> coder ] x steps -> coded data
//
// A Codec is what the blocks of one member of an archive share. Encode and Decode need
// nothing else but the block, and may run side by side.
//
// Determinism class: as that of the model. Threads, watchers and who calls change
// nothing.
package block

import (
	"context"
	"errors"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/gate"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/profile"
)

// A Codec codes the blocks of one member. It may be used by several goroutines at once.
type Codec struct {
	// Header says how blocks are coded.
	Header *archive.Header
	// Model is the one that Header names, nil where none is used.
	Model predict.Model
	// Lanes is the number of lanes of encoded blocks, 0 for the model's choice.
	Lanes int
	// Threads returns the number of threads that a block may use from now on, at least 1. It
	// uses no more than its model makes use of.
	Threads func() int
	// Gate holds the steps while it is closed; may be nil.
	Gate *gate.Gate
	// Vocabularies are shared with other codecs.
	Vocabularies *Vocabularies
}

// A Reporter is told how far the coding of a block has come. It is called by one goroutine
// at a time.
type Reporter interface {
	// Begin tells how the block is going to be coded.
	Begin(model predict.Info, lanes int, mixed bool)
	// Progress replaces what was told before: original bytes, coded bytes, symbols, and the time
	// that the stages took.
	Progress(bytes, coded, symbols int64, p profile.Profile)
	// Spent adds the stages of coding that has ended to those told before it began.
	Spent(p *profile.Profile)
}

// mixed tells whether blocks are mixed.
func (c *Codec) mixed() bool { return c.Header.Mixer != 0 }

// Info describes the model; it is the zero Info without one.
func (c *Codec) Info() predict.Info {
	if c.Model == nil {
		return predict.Info{}
	}
	return c.Model.Info()
}

// stretches tells whether a block with so many lanes is coded in stretches.
func (c *Codec) stretches(lanes int) bool {
	return c.Model != nil && Stretched(c.Header, lanes)
}

// Tokens returns m as a model of tokens if it is one.
func Tokens(m predict.Model) (predict.TokenModel, bool) {
	if m == nil || m.Info().Kind != predict.Tokens {
		return nil, false
	}
	tm, ok := m.(predict.TokenModel)
	return tm, ok
}

// Error is an error in coding one block.
type Error struct {
	Block int
	Err   error
}

func (e *Error) Error() string { return blockPrefix(e.Block) + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// blockError names the block in err, unless it is the context's.
func blockError(ctx context.Context, n int, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return err
	}
	return &Error{n, err}
}
