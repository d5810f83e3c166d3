package trainer

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Source is one part of a corpus.
type Source struct {
	Name   string
	Weight float64 // share of the streams cut from it; all 0: by size
	Data   []byte
}

// Lengths of the streams that training cuts from the corpus, in bytes: drawn
// evenly on a logarithmic scale. A stream stays with its text for many updates, so the
// longer the texts, the fewer of them an update is the mean of.
const (
	minStream = 512
	maxStream = 16 << 10
)

// corpus is the training part and the held-out part of all sources.
type corpus struct {
	train, valid []Source
	cumulative   []float64 // of the training sources' weights, ending in 1
	bytes        int64     // of the training part
	held         float64   // sum of the weights of valid
}

// newCorpus holds back the last part of every source for validation.
func newCorpus(sources []Source, validation float64) (*corpus, error) {
	c := &corpus{}
	total, weights := 0.0, false
	for _, s := range sources {
		weights = weights || s.Weight > 0
	}
	for _, s := range sources {
		if !weights {
			s.Weight = float64(len(s.Data))
		}
		if len(s.Data) < 64 || s.Weight <= 0 {
			continue
		}
		held := min(int(validation*float64(len(s.Data))), 1<<20)
		train, valid := s, s
		train.Data, valid.Data = s.Data[:len(s.Data)-held], s.Data[len(s.Data)-held:]
		c.train = append(c.train, train)
		if len(valid.Data) >= 16 {
			c.valid = append(c.valid, valid)
			c.held += s.Weight
		}
		total += s.Weight
		c.bytes += int64(len(train.Data))
		c.cumulative = append(c.cumulative, total)
	}
	if len(c.train) == 0 {
		return nil, fmt.Errorf("%w: fewer than 64 bytes in each source", ErrCorpus)
	}
	for i := range c.cumulative {
		c.cumulative[i] /= total
	}
	return c, nil
}

// stream is an endless sequence of texts cut from the corpus. It is determined by
// its generator's state, so that a checkpoint can restore it.
type stream struct {
	c       *corpus
	augment Augment
	pcg     *rand.PCG
	length  int    // of a text before it is rewritten; 0: drawn
	before  []byte // the generator's state before it drew text
	earlier []byte // the same of the text before
	text    []byte
	pos     int
}

func newStream(c *corpus, a Augment, seed, index uint64) *stream {
	return &stream{c: c, augment: a, pcg: rand.NewPCG(seed, index)}
}

// draw cuts the next text.
func (s *stream) draw() {
	s.earlier = s.before
	s.before, _ = s.pcg.MarshalBinary() // it never fails
	r := rand.New(s.pcg)
	p, i := r.Float64(), 0
	for i < len(s.c.train)-1 && p >= s.c.cumulative[i] {
		i++
	}
	data := s.c.train[i].Data
	length := s.length
	if length == 0 {
		length = int(minStream * math.Exp(r.Float64()*math.Log(float64(maxStream)/minStream)))
	}
	length = min(length, len(data))
	from := r.IntN(len(data) - length + 1)
	s.text, s.pos = s.augment.apply(r, data[from:from+length]), 0
}

// whole returns the next text.
func (s *stream) whole() []byte {
	s.draw()
	s.pos = 1 // as restore wants it
	return s.text
}

// back undoes one call of whole: the next one returns the same text.
func (s *stream) back() error {
	err := s.pcg.UnmarshalBinary(s.before)
	s.before, s.earlier = s.earlier, nil
	return err
}

// next returns what a model reads, what it should predict, and whether its state
// starts afresh.
func (s *stream) next() (input, target int32, reset bool) {
	if s.pos == len(s.text) {
		s.draw()
		reset = true
		input = startSymbol
	} else {
		input = int32(s.text[s.pos-1])
	}
	target = int32(s.text[s.pos])
	s.pos++
	return input, target, reset
}

// streamState is a stream in a checkpoint.
type streamState struct {
	Generator []byte `json:"generator"`
	Position  int    `json:"position"`
}

func (s *stream) state() streamState {
	return streamState{Generator: s.before, Position: s.pos}
}

// restore continues a stream of the same corpus.
func (s *stream) restore(st streamState) error {
	if len(st.Generator) == 0 {
		return nil // not started
	}
	if err := s.pcg.UnmarshalBinary(st.Generator); err != nil {
		return fmt.Errorf("%w: stream state: %w", ErrCheckpoint, err)
	}
	s.draw()
	if st.Position < 1 || st.Position > len(s.text) {
		return fmt.Errorf("%w: stream position %d of %d", ErrCheckpoint, st.Position, len(s.text))
	}
	s.pos = st.Position
	return nil
}
