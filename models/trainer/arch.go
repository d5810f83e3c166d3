package trainer

import (
	"context"

	"github.com/llmz/llmz/ggml/sgemm"
)

// An architecture computes the loss of a kind of model and its gradient. The loop, the
// optimisers, the schedule and the checkpoints are the same for all.
type architecture interface {
	// step draws the next chunk from the streams, and returns its cross-entropy in bits
	// and how many bytes that is of. The gradient of the mean over the chunk's symbols
	// replaces what is in g, which has the layout of the parameters. The error is ctx's: the
	// streams are as before then.
	step(ctx context.Context, streams []*stream, g []float32) (bits float64, bytes int, err error)
	// measure returns the bits per byte of texts, each from a cold start. The error is
	// ctx's.
	measure(ctx context.Context, texts [][]byte) (float64, error)
	// heldOut says how many texts to validate on, and the most bytes of one.
	heldOut() (texts, length int)
	// textLength is the length of the texts to cut; 0: of many lengths.
	textLength() int
	// chunkBytes is about how many bytes a chunk has.
	chunkBytes() int
	// state lists the arrays that pass from one chunk to the next.
	state() [][]float32
}

// newArchitecture returns the architecture of c.Shape with the parameters p.
func newArchitecture(c *Config, p *params, kernel *sgemm.Kernel) (architecture, error) {
	if c.Shape.Transformer() {
		return newTransformer(c, p, kernel)
	}
	return newRecurrent(c, p, kernel), nil
}

// recurrent is a GRU or an LSTM.
type recurrent struct {
	n, eval *network
	d       *gradients
}

func newRecurrent(c *Config, p *params, kernel *sgemm.Kernel) *recurrent {
	n := newNetwork(p, kernel, c.Steps, c.Streams, c.shard(), c.Threads)
	return &recurrent{n: n, d: newGradients(n)}
}

// step takes a fraction of a second: it does not look at ctx.
func (r *recurrent) step(_ context.Context, streams []*stream, g []float32) (bits float64, bytes int, err error) {
	n := r.n
	for i, s := range streams {
		for step := range n.steps {
			at := n.index(step, i)
			n.input[at], n.target[at], n.reset[at] = s.next()
		}
	}
	n.prepare(true)
	bits = n.forwardBackward(true) * float64(n.symbols)
	r.d.g.data = g
	r.d.compute()
	return bits, n.symbols, nil
}

func (r *recurrent) heldOut() (texts, length int) { return validStreams, validChunks * validSteps }

func (r *recurrent) textLength() int { return 0 }

func (r *recurrent) chunkBytes() int { return r.n.symbols }

func (r *recurrent) measure(ctx context.Context, texts [][]byte) (float64, error) {
	if r.eval == nil || r.eval.streams != len(texts) {
		c := Config{Streams: len(texts)}
		r.eval = newNetwork(r.n.p.params, r.n.kernel, validSteps, len(texts), c.shard(), r.n.threads)
	}
	return evaluate(ctx, r.eval, texts)
}

func (r *recurrent) state() [][]float32 {
	var list [][]float32
	for i := range r.n.layers {
		list = append(list, r.n.layers[i].h, r.n.layers[i].c)
	}
	return list
}
