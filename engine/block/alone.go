package block

import (
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/profile"
)

// Most archives are a single block, coded before anything is written. Its header then
// names only what the block needs: where the model is little help, the mixer alone gets
// a try, too.

// shortBlock is the length up to which a block may be coded a second time without the
// model. Coded in stretches, or in one lane where the model rests, a longer one has left it
// itself.
const shortBlock = 128 << 10

// CodesTwice tells whether an only block of n bytes may be coded a second time, without
// the model: one of a member with header h, in so many lanes.
func CodesTwice(h *archive.Header, lanes, n int) bool {
	return h.Model != nil && h.Mixer != 0 && (n <= shortBlock || !Stretched(h, lanes) && !Rests(h, lanes))
}

// triesAlone tells whether the mixer alone may do as well on what has become out: the
// model knows little about such content (on text that it does know, one of bytes would
// have needed 5 to 20% more than with the mixer), or there is nothing to learn in it, as in
// a number's digits, so that the mixer is no help to a model of bytes, or it is nearly
// random, or next to nothing is left of it, so that naming the model matters. The mixer
// alone takes a small part of the time that went into out.
func (c *Codec) triesAlone(n int, out *Encoded) bool {
	if c.Model == nil || out.Header.Kind != archive.Coded || !CodesTwice(c.Header, out.Header.Lanes, n) {
		return false
	}
	size := int64(len(out.Payload))
	noHelp := c.Info().Kind == predict.Bytes && 20*out.bare < 21*size
	return size <= 256 || 3*out.bare > 4*size || noHelp || 10*size >= 7*int64(n)
}

// alone returns a codec that has no model.
func (c *Codec) alone() *Codec {
	h := *c.Header
	h.Model = nil
	a := *c
	a.Header, a.Model = &h, nil
	return &a
}

// uselessError ends the coding of an only block whose model has saved nothing in the first
// stretch and is not going to be of use in the others either: without it, the block
// is smaller by what the first stretch has cost, and names no model.
type uselessError struct {
	done int // bytes
}

func (e *uselessError) Error() string { return "the model is of no use" }

// useless returns a *uselessError where nothing is to be hoped for from a model that has just been
// left after the first bytes of data, done of them: what follows is not long enough
// for it to come back, or hardly any of it is text.
func useless(data []byte, done int) error {
	const little = 16 // a sixteenth
	if rest := len(data) - done; rest > firstAlone && textIn(data[done:])*little > rest {
		return nil
	}
	return &uselessError{done}
}

// textIn returns how many of the bytes of data are in some sort of text.
func textIn(data []byte) int {
	n := 0
	for _, s := range content.Detect(data) {
		switch s.Kind {
		case content.Text, content.Source, content.Markup, content.Table, content.Log:
			n += s.Len
		}
	}
	return n
}

// quiet reports nothing but the time that was spent.
type quiet struct{ Reporter }

func (quiet) Begin(predict.Info, int, bool)             {}
func (quiet) Progress(_, _, _ int64, _ profile.Profile) {}

// later is quiet about the first bytes, which have been reported before.
type later struct {
	Reporter
	from int
}

func (*later) Begin(predict.Info, int, bool) {}

func (l *later) Progress(bytes, coded, symbols int64, p profile.Profile) {
	if bytes > int64(l.from) {
		l.Reporter.Progress(bytes, coded, symbols, p)
	}
}
