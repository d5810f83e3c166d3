package block

import (
	"context"

	"github.com/llmz/llmz/engine/archive"
)

// A model that has saved nothing in the first bytes of a single lane rests for longer than a
// short block is: of a program those are tables, whose rest it would have been of use for. As the time
// that takes is short, too, such a block gets a try with a model that never rests.

const (
	// shortWhole is the length up to which a block has that try, of shortSample bytes from its middle
	// first. In records, images and compressed data those become no fewer, in code 4 to 11%.
	shortWhole  = 48 << 10
	shortSample = 4 << 10
)

// tryWhole replaces out, made in so many tries, by what the model makes of all of an only block, where
// that is smaller.
func (c *Codec) tryWhole(ctx context.Context, s *Source, out *Encoded, tries int) error {
	h := *c.Header
	h.Mixer = archive.MixerWhole
	whole := *c
	whole.Header = &h
	encode := func(c *Codec, data []byte, w Watcher) (Encoded, error) {
		return c.encode(ctx, &Source{Number: s.Number, Data: data, Report: quiet{s.Report}, Watch: w})
	}
	if len(s.Data) > 2*shortSample {
		sample := s.Data[len(s.Data)/2:][:shortSample]
		with, err := encode(&whole, sample, nil)
		if err != nil {
			return err
		}
		without, err := encode(c.alone(), sample, nil)
		if err != nil || 64*len(with.Payload) > 63*len(without.Payload) {
			return err
		}
	}
	again, err := encode(&whole, s.Data, s.Watch)
	if err != nil || again.Header.Kind != archive.Coded {
		return err
	}
	again.mixer, again.Without = archive.MixerWhole, out.Without
	if c.cost(&again) < c.cost(out) {
		again.kept = tries
		*out = again
	}
	return nil
}
