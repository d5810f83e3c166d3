package trainer

import (
	"github.com/llmz/llmz/ggml/parallel"
	"github.com/llmz/llmz/ggml/sgemm"
	"github.com/llmz/llmz/models/trainer/vec"
)

// network computes the loss and its gradient over chunks of steps x streams
// symbols, by truncated back-propagation through time.
//
// The streams are cut into shards, which run forward and backward through all
// layers and steps independently; threads take shards as they become free. All
// per-symbol arrays are ordered [shard][step][stream of the shard], so that a
// shard's part is contiguous, and the weight gradients are single products over
// all symbols of the chunk.
type network struct {
	p       *recurrentParams
	kernel  *sgemm.Kernel
	threads int

	steps, streams int
	shardStreams   int
	symbols        int // steps * streams

	// The chunk: what each step reads, what it should predict, and whether the
	// stream's state is zeroed first.
	input, target []int32
	reset         []bool

	layers []layerState
	fc     packedPair
	logits []float32 // [symbols][256], then their gradient
	table  []float32 // [257][gates*hidden]: the first layer's input products
	losses []float64 // of each shard, in nats
	shards []shardScratch
	embedW sgemm.Packed
	tableA sgemm.Packed
}

// packedPair holds a weight matrix packed for y = x*W^T and for dx = dy*W.
type packedPair struct{ forward, backward sgemm.Packed }

type layerState struct {
	ih, hh packedPair
	hPrev  []float32 // [symbols][hidden]: the state each step starts from
	hOut   []float32 // [symbols][hidden]
	cPrev  []float32 // LSTM only
	saved  []float32 // [symbols][4 or 5 * hidden]
	di, dg []float32 // [symbols][gates*hidden]: gradients of input and hidden products
	h, c   []float32 // [streams][hidden]: the state between chunks
}

type shardScratch struct {
	a          sgemm.Packed
	gh         []float32 // [shardStreams][gates*hidden]
	dh, dc     []float32 // [shardStreams][hidden]
	dOut       []float32 // [steps*shardStreams][hidden]
	transientA sgemm.Packed
}

// newNetwork makes a network for chunks of steps x streams; shardStreams divides
// streams.
func newNetwork(p *params, kernel *sgemm.Kernel, steps, streams, shardStreams, threads int) *network {
	n := &network{p: viewRecurrent(p), kernel: kernel, threads: threads, steps: steps, streams: streams,
		shardStreams: shardStreams, symbols: steps * streams}
	h, g := p.shape.Hidden, p.shape.gates()*p.shape.Hidden
	n.input, n.target, n.reset = make([]int32, n.symbols), make([]int32, n.symbols), make([]bool, n.symbols)
	n.logits = make([]float32, n.symbols*outputSymbols)
	n.table = make([]float32, inputSymbols*g)
	n.layers = make([]layerState, p.shape.Layers)
	lstm := p.shape.Arch == "lstm"
	for i := range n.layers {
		l := &n.layers[i]
		l.hPrev, l.hOut = make([]float32, n.symbols*h), make([]float32, n.symbols*h)
		l.di = make([]float32, n.symbols*g)
		l.dg = l.di
		saved := 5
		if !lstm {
			l.dg = make([]float32, n.symbols*g)
			saved = 4
		}
		l.saved = make([]float32, n.symbols*saved*h)
		l.h = make([]float32, streams*h)
		if lstm {
			l.c = make([]float32, streams*h)
			l.cPrev = make([]float32, n.symbols*h)
		}
	}
	n.shards = make([]shardScratch, streams/shardStreams)
	n.losses = make([]float64, len(n.shards))
	for i := range n.shards {
		s := &n.shards[i]
		s.gh = make([]float32, shardStreams*g)
		s.dh, s.dc = make([]float32, shardStreams*h), make([]float32, shardStreams*h)
		s.dOut = make([]float32, steps*shardStreams*h)
	}
	return n
}

// index returns the position of a stream's step in the per-symbol arrays.
func (n *network) index(step, stream int) int {
	shard, i := stream/n.shardStreams, stream%n.shardStreams
	return (shard*n.steps+step)*n.shardStreams + i
}

// prepare packs the weights; call it after they have changed.
func (n *network) prepare(backward bool) {
	p := n.p
	pack := func(dst *packedPair, t tensor) {
		n.kernel.PackRight(&dst.forward, t.matrix(p.data).T(), n.threads)
		if backward {
			n.kernel.PackRight(&dst.backward, t.matrix(p.data), n.threads)
		}
	}
	for i := range n.layers {
		if i > 0 {
			pack(&n.layers[i].ih, p.layers[i].ih)
		}
		pack(&n.layers[i].hh, p.layers[i].hh)
	}
	pack(&n.fc, p.fc)
	g := p.shape.gates() * p.shape.Hidden
	n.kernel.PackLeft(&n.tableA, p.embed.matrix(p.data), n.threads)
	n.kernel.PackRight(&n.embedW, p.layers[0].ih.matrix(p.data).T(), n.threads)
	n.kernel.Mul(sgemm.Dense(n.table, inputSymbols, g), 1, &n.tableA, &n.embedW, 0, n.threads)
}

// forwardBackward runs the chunk in input, target and reset, and returns the mean
// cross-entropy in bits per symbol. With backward, the gates' and logits'
// gradients are left for weightGradients.
func (n *network) forwardBackward(backward bool) float64 {
	parallel.For(n.threads, len(n.shards), func(s int) {
		n.losses[s] = n.forward(s)
		if backward {
			n.backward(s)
		}
	})
	sum := 0.0
	for _, l := range n.losses {
		sum += l
	}
	return sum / float64(n.symbols) / ln2
}

const ln2 = 0.693147180559945309417232121458

// forward runs one shard through all layers and returns its summed cross-entropy
// in nats, leaving the logits' gradient in their place.
func (n *network) forward(shard int) float64 {
	s, k := &n.shards[shard], n.kernel
	h, g := n.p.shape.Hidden, n.p.shape.gates()*n.p.shape.Hidden
	w, rows := n.shardStreams, n.steps*n.shardStreams
	first := shard * rows
	for li := range n.layers {
		l, t := &n.layers[li], n.p.layers[li]
		bi, bh := t.bih.in(n.p.data), t.bhh.in(n.p.data)
		if li > 0 {
			below := n.layers[li-1].hOut[first*h:][:rows*h]
			k.PackLeft(&s.transientA, sgemm.Dense(below, rows, h), 1)
			k.Mul(sgemm.Dense(l.di[first*g:], rows, g), 1, &s.transientA, &l.ih.forward, 0, 1)
		}
		for step := range n.steps {
			at := first + step*w
			for i := range w {
				src := l.h[(shard*w+i)*h:]
				if step > 0 {
					src = l.hOut[(at-w+i)*h:]
				}
				n.start(l.hPrev[(at+i)*h:][:h], src, n.reset[at+i])
				if l.c != nil {
					n.start(l.cPrev[(at+i)*h:][:h], l.c[(shard*w+i)*h:], n.reset[at+i])
				}
			}
			k.PackLeft(&s.a, sgemm.Dense(l.hPrev[at*h:][:w*h], w, h), 1)
			k.Mul(sgemm.Dense(s.gh, w, g), 1, &s.a, &l.hh.forward, 0, 1)
			for i := range w {
				r := at + i
				gi := l.di[r*g:][:g]
				if li == 0 {
					gi = n.table[int(n.input[r])*g:][:g]
				}
				if l.c != nil {
					vec.LSTMForward(gi, s.gh[i*g:][:g], bi, bh, l.cPrev[r*h:][:h], l.c[(shard*w+i)*h:][:h], l.hOut[r*h:][:h], l.saved[r*5*h:][:5*h])
				} else {
					vec.GRUForward(gi, s.gh[i*g:][:g], bi, bh, l.hPrev[r*h:][:h], l.hOut[r*h:][:h], l.saved[r*4*h:][:4*h])
				}
			}
		}
		copy(l.h[shard*w*h:][:w*h], l.hOut[(first+rows-w)*h:])
	}
	top := n.layers[len(n.layers)-1].hOut[first*h:][:rows*h]
	logits := n.logits[first*outputSymbols:][:rows*outputSymbols]
	k.PackLeft(&s.transientA, sgemm.Dense(top, rows, h), 1)
	k.Mul(sgemm.Dense(logits, rows, outputSymbols), 1, &s.transientA, &n.fc.forward, 0, 1)
	loss, scale, bias := 0.0, 1/float32(n.symbols), n.p.fcb.in(n.p.data)
	for r := range rows {
		loss += vec.CrossEntropy(logits[r*outputSymbols:][:outputSymbols], bias, int(n.target[first+r]), scale)
	}
	return loss
}

// start copies a state, or zeroes it at the beginning of a stream.
func (n *network) start(dst, src []float32, reset bool) {
	if reset {
		clear(dst)
	} else {
		copy(dst, src)
	}
}

// backward computes one shard's gradients of the gates.
func (n *network) backward(shard int) {
	s, k := &n.shards[shard], n.kernel
	h, g := n.p.shape.Hidden, n.p.shape.gates()*n.p.shape.Hidden
	w, rows := n.shardStreams, n.steps*n.shardStreams
	first := shard * rows
	dOut := sgemm.Dense(s.dOut, rows, h)
	k.PackLeft(&s.transientA, sgemm.Dense(n.logits[first*outputSymbols:][:rows*outputSymbols], rows, outputSymbols), 1)
	k.Mul(dOut, 1, &s.transientA, &n.fc.backward, 0, 1)
	for li := len(n.layers) - 1; li >= 0; li-- {
		l := &n.layers[li]
		clear(s.dh)
		clear(s.dc)
		for step := n.steps - 1; step >= 0; step-- {
			at := first + step*w
			vec.Add(s.dh, s.dOut[step*w*h:][:w*h])
			beta := float32(1)
			for i := range w {
				r, dh := at+i, s.dh[i*h:][:h]
				if l.c != nil {
					vec.LSTMBackward(dh, s.dc[i*h:][:h], l.saved[r*5*h:][:5*h], l.cPrev[r*h:][:h], l.dg[r*g:][:g])
					beta = 0
				} else {
					vec.GRUBackward(dh, l.saved[r*4*h:][:4*h], l.hPrev[r*h:][:h], l.di[r*g:][:g], l.dg[r*g:][:g])
				}
			}
			k.PackLeft(&s.a, sgemm.Dense(l.dg[at*g:][:w*g], w, g), 1)
			k.Mul(sgemm.Dense(s.dh, w, h), 1, &s.a, &l.hh.backward, beta, 1)
			for i := range w {
				if n.reset[at+i] {
					clear(s.dh[i*h:][:h])
					clear(s.dc[i*h:][:h])
				}
			}
		}
		if li > 0 {
			k.PackLeft(&s.transientA, sgemm.Dense(l.di[first*g:], rows, g), 1)
			k.Mul(dOut, 1, &s.transientA, &l.ih.backward, 0, 1)
		}
	}
}
