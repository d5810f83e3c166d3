package block

import (
	"context"
	"errors"

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
// random, or little is left of it, so that naming the model matters. The mixer
// alone takes a small part of the time that went into out.
func (c *Codec) triesAlone(n int, out *Encoded) bool {
	if c.Model == nil || out.Header.Kind != archive.Coded {
		return false
	}
	if out.doubtful {
		return true
	}
	if !CodesTwice(c.Header, out.Header.Lanes, n) {
		return false
	}
	size := int64(len(out.Payload))
	noHelp := c.Info().Kind == predict.Bytes && 20*out.bare < 21*size
	return size <= little || 3*out.bare > 4*size || noHelp || 10*size >= 7*int64(n)
}

// little is the number of bytes of payload up to which it may matter what it takes to say how
// they were coded.
const little = 768

// encodeOnly encodes a block that is all there is, in the way that makes the smallest archive.
func (c *Codec) encodeOnly(ctx context.Context, s *Source) (Encoded, error) {
	out, err := c.encode(ctx, s)
	early, tries := out.early, 1
	var useless *uselessError
	switch {
	case errors.As(err, &useless):
		alone := c.alone()
		alone.Lanes = 0 // as stretches without the model have one lane
		out, err = alone.encode(ctx, &Source{Number: s.Number, Data: s.Data, Report: &later{s.Report, useless.done}, Watch: s.Watch})
		out.alone, out.kept = true, 1
		tries = 2
	case err == nil && (c.triesAlone(len(s.Data), &out) || out.Without != nil && c.mixed()):
		var again Encoded
		again, err = c.alone().encode(ctx, &Source{Number: s.Number, Data: s.Data, Report: quiet{s.Report}, Watch: s.Watch})
		tries = 2
		if again.alone, again.Without = true, out.Without; again.Header.Kind == archive.Coded && c.cost(&again) <= c.cost(&out) {
			if out.Without == nil && len(again.Payload) <= len(out.Payload) {
				again.kept = 1
			}
			out = again
		}
	}
	if err == nil && early && len(s.Data) <= shortWhole {
		err = c.tryWhole(ctx, s, &out, tries)
	}
	if err == nil && c.rich() && out.Header.Kind == archive.Coded && len(out.Payload) <= little {
		// The rich mixer says what the content is, and knows less of it at the start.
		fast := c.alone()
		fast.Header.Mixer = archive.MixerFast
		var again Encoded
		again, err = fast.encode(ctx, &Source{Number: s.Number, Data: s.Data, Report: quiet{s.Report}})
		again.alone, again.mixer, again.Without, again.kept = true, archive.MixerFast, out.Without, out.kept
		if again.Header.Kind == archive.Coded && c.cost(&again) < c.cost(&out) {
			out = again
		}
	}
	if err != nil {
		return Encoded{}, err
	}
	// So little may be left that what it takes to say how it was coded matters.
	if as := stored(s.Data, out.Header.Sum); c.cost(&as) < c.cost(&out) {
		as.Without, as.kept = out.Without, out.kept
		out = as
	}
	out.Header.Whole = true
	return out, nil
}

// cost returns the number of bytes of an archive whose only block is e: its header names only
// what e needs. A person who names a model of their own wants it to be used: what naming it takes is left
// out then.
func (c *Codec) cost(e *Encoded) int {
	if c.Model != nil && !c.Info().Bundled {
		return len(e.Payload)
	}
	h, b := *c.Header, e.Header
	e.Narrow(&h)
	h.Part = nil // as it is once the parts are joined
	b.Whole, b.Size = true, len(e.Payload)
	return archive.MemberSize(&h, &b)
}

// Narrow makes h, of an archive whose only block is e, name only what e needs.
func (e *Encoded) Narrow(h *archive.Header) {
	if e.alone || e.Header.Kind == archive.Stored {
		h.Model = nil
	}
	switch {
	case e.Header.Kind == archive.Stored:
		h.Mixer = 0
	case e.mixer != 0:
		h.Mixer = e.mixer
	}
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
// left after the first bytes of n, done of them: it may be of use for hope of the others, which
// are hardly any.
func useless(n, done, hope int) error {
	const little = 16 // a sixteenth
	if hope*little > n-done {
		return nil
	}
	return &uselessError{done}
}

// textIn returns how many of the bytes of data are in some sort of text.
func textIn(data []byte) int {
	n := 0
	for _, s := range content.Detect(data) {
		if s.Kind.IsText() {
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
