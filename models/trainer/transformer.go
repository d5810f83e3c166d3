package trainer

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/llmz/llmz/engine/lm/bpe"
	"github.com/llmz/llmz/ggml/parallel"
	"github.com/llmz/llmz/ggml/sgemm"
	"github.com/llmz/llmz/models/trainer/vec"
)

// transformer computes the loss of a transformer and its gradient over chunks of
// sequences, each of which starts from nothing.
//
// The sequences are cut into groups, which threads take as they become free. A group has
// a gradient of its own and runs its sequences a few at a time, forward and backward
// through all layers; the groups' gradients are added in the end. So the result does not
// depend on the threads, and a thread that is held up holds up no other until then.
type transformer struct {
	shape   Shape
	p       *params
	v       *transformerView
	kernel  *sgemm.Kernel
	threads int
	tok     *bpe.Tokenizer
	start   int32

	sequences int
	input     []int32 // [sequences][context]: what is read, the start symbol first
	target    []int32 // what follows it; none: nothing is predicted there
	lengths   []int   // bytes of each sequence

	packed []packedBlock
	head   packedPair
	cos    []float32 // [context][head], each value for a pair; see vec.Rotate
	sin    []float32
	back   []float32 // the sine of the turn back

	groups    int
	gradients [][]float32 // of each group but the first, which uses the result
	losses    []float64   // of each group, in nats
	workers   chan *worker
	scale     float32 // of each prediction's gradient
}

// none is the target where nothing is predicted.
const none = -1

// packedBlock is a layer's matrices packed for both directions.
type packedBlock struct{ qkv, out, up, down packedPair }

// maxGroups bounds the groups, and groupMemory the bytes of their gradients.
const (
	maxGroups   = 8
	groupMemory = 1 << 30
)

// groupsOf returns how many groups a chunk of sequences is cut into: a divisor of them.
func groupsOf(sequences int, parameters int64) int {
	most := min(maxGroups, sequences, max(2, int(groupMemory/(4*parameters))))
	for g := most; ; g-- {
		if sequences%g == 0 {
			return g
		}
	}
}

func newTransformer(c *Config, p *params, kernel *sgemm.Kernel) (*transformer, error) {
	tok, err := c.Vocabulary.Tokenizer()
	if err != nil {
		return nil, err
	}
	if tok.Tokens() != c.Shape.Vocabulary {
		return nil, fmt.Errorf("vocabulary of %d tokens for a model of %d", tok.Tokens(), c.Shape.Vocabulary)
	}
	n := bareTransformer(p, kernel, c.Threads)
	n.tok, n.start = tok, c.Vocabulary.Start
	n.allocate(c.Streams)
	n.groups = groupsOf(c.Streams, c.Shape.Parameters())
	for range n.groups - 1 {
		n.gradients = append(n.gradients, make([]float32, len(p.data)))
	}
	n.losses = make([]float64, n.groups)
	return n, nil
}

// bareTransformer returns one without a chunk.
func bareTransformer(p *params, kernel *sgemm.Kernel, threads int) *transformer {
	n := &transformer{shape: p.shape, p: p, v: viewTransformer(p), kernel: kernel, threads: threads,
		packed: make([]packedBlock, p.shape.Layers), groups: 1}
	if n.threads < 1 {
		n.threads = runtime.GOMAXPROCS(0)
	}
	n.workers = make(chan *worker, n.threads)
	for range n.threads {
		n.workers <- nil // made when it is needed
	}
	if p.shape.Arch == GPT {
		n.cos, n.sin, n.back = rotations(p.shape.Context, p.shape.head())
	}
	return n
}

// rotations returns the turns of rotary positions in the layout of vec.Rotate.
func rotations(positions, head int) (cos, sin, back []float32) {
	cos, sin, back = make([]float32, positions*head), make([]float32, positions*head), make([]float32, positions*head)
	for p := range positions {
		for i := 0; i < head; i += 2 {
			s, c := math.Sincos(float64(p) * math.Pow(ropeBase, -float64(i)/float64(head)))
			at := p*head + i
			cos[at], cos[at+1] = float32(c), float32(c)
			sin[at], sin[at+1] = float32(-s), float32(s)
			back[at], back[at+1] = float32(s), float32(-s)
		}
	}
	return cos, sin, back
}

// allocate makes room for a chunk.
func (n *transformer) allocate(sequences int) {
	n.sequences = sequences
	n.input = make([]int32, sequences*n.shape.Context)
	n.target = make([]int32, sequences*n.shape.Context)
	n.lengths = make([]int, sequences)
}

// prepare packs the weights; call it after they have changed.
func (n *transformer) prepare(backward bool) {
	pack := func(dst *packedPair, t tensor) {
		n.kernel.PackRight(&dst.forward, t.matrix(n.p.data).T(), n.threads)
		if backward {
			n.kernel.PackRight(&dst.backward, t.matrix(n.p.data), n.threads)
		}
	}
	for l, b := range n.v.blocks {
		k := &n.packed[l]
		pack(&k.qkv, b.qkv)
		pack(&k.out, b.out)
		pack(&k.up, b.up)
		pack(&k.down, b.down)
	}
	pack(&n.head, n.v.embed)
}

// batchRows is about how many tokens a worker runs at once: enough for the products of
// the weights' gradients, which read and write all of it, to be worth it.
const batchRows = 1024

// batch is the number of sequences that a worker runs at once.
func (n *transformer) batch() int { return max(1, batchRows/n.shape.Context) }

// forwardBackward runs the chunk and returns its cross-entropy in nats. With g, the
// gradient of the mean over the predictions replaces what is in it. Neither means
// anything once ctx is cancelled.
func (n *transformer) forwardBackward(ctx context.Context, g []float32) float64 {
	predictions := 0
	for _, t := range n.target {
		if t != none {
			predictions++
		}
	}
	n.scale = 1 / float32(max(1, predictions))
	per := n.sequences / n.groups
	parallel.For(n.threads, n.groups, func(group int) {
		var into []float32
		if g != nil {
			if into = g; group > 0 {
				into = n.gradients[group-1]
			}
			clear(into)
		}
		w := <-n.workers
		if w == nil {
			w = newWorker(n, min(per, n.batch()))
		}
		w.n = n // a copy, where texts are measured
		n.losses[group] = 0
		for s := 0; s < per && ctx.Err() == nil; s += w.sequences {
			n.losses[group] += w.run(group*per+s, min(w.sequences, per-s), into)
		}
		n.workers <- w
	})
	if g != nil {
		parallel.For(n.threads, (len(g)+block-1)/block, func(b int) {
			from, to := b*block, min(len(g), (b+1)*block)
			for _, other := range n.gradients {
				vec.Add(g[from:to], other[from:to])
			}
		})
	}
	sum := 0.0
	for _, l := range n.losses {
		sum += l
	}
	return sum
}
