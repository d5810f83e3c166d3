package trainer

import (
	"context"
	"errors"
	"fmt"

	"github.com/llmz/llmz/ggml/parallel"
	"github.com/llmz/llmz/models/trainer/vocab"
)

// Sizes of the text that a vocabulary is learned from.
const (
	vocabularyBytes = 24 << 20 // at most
	vocabularyTimes = 2        // the corpus at most so often
)

// vocabulary learns a transformer's vocabulary from the corpus unless there is one. The
// shape gets its size, which is smaller than asked for where there is little to learn.
func (t *training) vocabulary(ctx context.Context) error {
	c := &t.c
	if !c.Shape.Transformer() {
		return nil
	}
	if c.Vocabulary == nil {
		s := newStream(t.corpus, c.Augment, c.Seed, vocabularyStream)
		l := vocab.NewLearner()
		for left := min(vocabularyBytes, vocabularyTimes*t.corpus.bytes); left > 0; left -= int64(len(s.text)) {
			if err := ctx.Err(); err != nil {
				return err
			}
			s.draw()
			l.Add(s.text)
		}
		var err error
		if c.Vocabulary, err = l.Learn(ctx, c.Shape.Vocabulary); err != nil {
			return fmt.Errorf("learn a vocabulary: %w", err)
		}
	}
	c.Shape.Vocabulary = len(c.Vocabulary.Tokens)
	return c.Shape.Validate()
}

// vocabularyFor returns the size of a vocabulary that serves a corpus: a token should be
// seen often enough to be learned.
func vocabularyFor(sources []Source) int {
	bytes, size := 0, 512
	for _, s := range sources {
		bytes += len(s.Data)
	}
	for size < 8192 && bytes > 512*size {
		size *= 2
	}
	return size
}

// vocabularyStream is the index of the stream that the vocabulary is learned from.
const vocabularyStream = 1 << 32

// textPerToken is how many bytes of text are cut for each token of a sequence: more than
// all but the most repetitive text needs.
const textPerToken = 8

// step draws a text for each sequence and runs them.
func (n *transformer) step(ctx context.Context, streams []*stream, g []float32) (bits float64, bytes int, err error) {
	parallel.For(n.threads, len(streams), func(i int) {
		n.fill(i, streams[i].whole())
	})
	for _, l := range n.lengths {
		bytes += l
	}
	n.prepare(true)
	bits = n.forwardBackward(ctx, g) / ln2
	if err := ctx.Err(); err != nil {
		for _, s := range streams {
			err = errors.Join(err, s.back())
		}
		return 0, 0, err
	}
	return bits, bytes, nil
}

// fill makes a sequence of the beginning of a text.
func (n *transformer) fill(sequence int, text []byte) {
	length := n.shape.Context
	input, target := n.input[sequence*length:][:length], n.target[sequence*length:][:length]
	// Half of the text is nearly always enough, and tokens are cheap to cut, not free.
	ids := n.tokens(text[:min(len(text), length*textPerToken/2)])
	if len(ids) <= length && len(text) > length*textPerToken/2 {
		ids = n.tokens(text)
	}
	last := n.start
	n.lengths[sequence] = 0
	for i := range length {
		input[i], target[i] = last, none
		if i < len(ids) {
			target[i], last = ids[i], ids[i]
			n.lengths[sequence] += len(n.tok.TokenBytes(ids[i]))
		}
	}
}

func (n *transformer) tokens(text []byte) []int32 {
	ids, err := n.tok.Tokenize(context.Background(), text)
	if err != nil {
		panic(err) // the vocabulary has all bytes: newTransformer has looked
	}
	return ids
}

// validSequences is how many texts are validated on.
const validSequences = 64

func (n *transformer) heldOut() (texts, length int) {
	return validSequences, n.shape.Context * textPerToken / 2
}

func (n *transformer) textLength() int { return n.shape.Context * textPerToken }

// chunkBytes takes four bytes for a token.
func (n *transformer) chunkBytes() int { return n.sequences * n.shape.Context * 4 }

func (n *transformer) state() [][]float32 { return nil }

// measure cuts each text after as many tokens as a sequence has.
func (n *transformer) measure(ctx context.Context, texts [][]byte) (float64, error) {
	e := *n
	e.allocate(maxGroups)
	e.groups, e.gradients = maxGroups, nil
	e.losses = make([]float64, maxGroups)
	e.prepare(false)
	nats, bytes := 0.0, 0
	for from := 0; from < len(texts); from += e.sequences {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		clear(e.lengths)
		for i := range e.sequences {
			var text []byte
			if from+i < len(texts) {
				text = texts[from+i]
			}
			e.fill(i, text)
			bytes += e.lengths[i]
		}
		nats += e.forwardBackward(ctx, nil)
	}
	return nats / ln2 / float64(max(1, bytes)), ctx.Err()
}
