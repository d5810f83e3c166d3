package transformer

import (
	"context"
	"fmt"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/kernel"
)

// network holds what the graph is built of.
type network struct {
	embed       *ggml.Matrix
	embedFactor []float32   // undoes the balance of a tied output matrix
	positions   *ggml.Table // nil unless learned
	layers      []layer
	norm        ggml.Norm
	out         *ggml.Matrix
	tied        bool
}

type layer struct {
	attn, ffn      ggml.Norm
	q, k, v, o     *ggml.Matrix
	gate, up, down *ggml.Matrix
	factor         []float32 // of GELU's results
}

// loader reads the tensors of a model, layer by layer, into a back end; a layer's
// data is let go of before the next is read.
type loader struct {
	ctx     context.Context
	f       *gguf.File
	c       *Config
	backend ggml.Backend
}

// load reads all weights. window is the number of positions that will be used.
func (l *loader) load(window int) (*network, error) {
	n := &network{layers: make([]layer, l.c.Layers)}
	for i := range n.layers {
		if err := l.layer(&n.layers[i], fmt.Sprintf("blk.%d.", i)); err != nil {
			return nil, err
		}
	}
	if err := l.ends(n); err != nil {
		return nil, err
	}
	if l.c.Learned {
		return n, l.positions(n, window)
	}
	return n, nil
}

// norm reads a norm and balances it with the matrices that take its results.
func (l *loader) norm(name string, ms ...*matrix) (n ggml.Norm, k []int, err error) {
	n = ggml.Norm{Epsilon: l.c.Epsilon, RMS: l.c.RMS}
	if n.Gain, err = readVector(l.f, name+".weight", l.c.Embed, nil); err != nil {
		return n, nil, err
	}
	if n.Gain == nil {
		return n, nil, fmt.Errorf("%w: %s.weight is missing", ErrModel, name)
	}
	if n.Bias, err = readVector(l.f, name+".bias", l.c.Embed, make([]float32, l.c.Embed)); err != nil {
		return n, nil, err
	}
	w, err := columnMax(l.ctx, ms...)
	if err != nil {
		return n, nil, err
	}
	k = balance(normSize(n.Gain, n.Bias), w)
	scaled(n.Gain, k, 1)
	scaled(n.Bias, k, 1)
	for _, m := range ms {
		m.columns = powers(k, -1)
		if err := m.measure(l.ctx); err != nil {
			return n, nil, err
		}
	}
	return n, k, nil
}

// follow balances the rows of a measured matrix with the columns of the one that takes
// its results; rows[c] is the row that column c takes.
func (l *loader) follow(from, to *matrix, rows func(c int) int) ([]int, error) {
	w, err := columnMax(l.ctx, to)
	if err != nil {
		return nil, err
	}
	top := make([]float32, from.rows)
	for c, v := range w {
		top[rows(c)] = max(top[rows(c)], v)
	}
	k := balance(from.scale, top)
	to.columns = make([]float32, to.cols)
	for c := range to.columns {
		to.columns[c] = kernel.Pow2(-k[rows(c)])
	}
	return k, to.measure(l.ctx)
}

func (l *loader) layer(y *layer, p string) error {
	c := l.c
	q, k, v, err := l.queries(p)
	if err != nil {
		return err
	}
	if y.attn, _, err = l.norm(p+"attn_norm", q, k, v); err != nil {
		return err
	}
	o, err := readMatrix(l.f, p+"attn_output", c.Embed, c.Embed)
	if err != nil {
		return err
	}
	group := c.Heads / c.KVHeads
	kv := func(e int) int { return e/c.HeadDim/group*c.HeadDim + e%c.HeadDim }
	e, err := l.follow(v, o, kv)
	if err != nil {
		return err
	}
	v.scaleRows(e, 1)
	l.pair(q, k, kv)
	if err := l.pack(map[**ggml.Matrix]*matrix{&y.q: q, &y.k: k, &y.v: v, &y.o: o}); err != nil {
		return err
	}
	return l.feedForward(y, p)
}

// queries reads the matrices of queries, keys and values.
func (l *loader) queries(p string) (q, k, v *matrix, err error) {
	c := l.c
	if c.Fused {
		m, err := readMatrix(l.f, p+"attn_qkv", 3*c.Embed, c.Embed)
		if err != nil {
			return nil, nil, nil, err
		}
		return m.part(0, c.Embed), m.part(c.Embed, c.Embed), m.part(2*c.Embed, c.Embed), nil
	}
	if q, err = readMatrix(l.f, p+"attn_q", c.Embed, c.Embed); err == nil {
		if k, err = readMatrix(l.f, p+"attn_k", c.KVHeads*c.HeadDim, c.Embed); err == nil {
			v, err = readMatrix(l.f, p+"attn_v", c.KVHeads*c.HeadDim, c.Embed)
		}
	}
	return q, k, v, err
}

// pair balances the rows of queries and keys, whose products are what counts. The two
// elements of a pair that is rotated share their factor.
func (l *loader) pair(q, k *matrix, kv func(int) int) {
	c := l.c
	same := func(r int) int { return r }
	if !c.Learned {
		same = func(r int) int {
			e := r % c.HeadDim
			switch {
			case e >= c.RopeDim:
			case c.Halves:
				e %= c.RopeDim / 2
			default:
				e -= e % 2
			}
			return r/c.HeadDim*c.HeadDim + e
		}
	}
	a, w := make([]float32, k.rows), make([]float32, k.rows)
	for r, s := range k.scale {
		a[same(r)] = max(a[same(r)], s)
	}
	for r, s := range q.scale {
		w[same(kv(r))] = max(w[same(kv(r))], s)
	}
	e := balance(a, w)
	ke, qe := make([]int, k.rows), make([]int, q.rows)
	for r := range ke {
		ke[r] = e[same(r)]
	}
	for r := range qe {
		qe[r] = e[same(kv(r))]
	}
	k.scaleRows(ke, 1)
	q.scaleRows(qe, -1)
}

func (l *loader) feedForward(y *layer, p string) error {
	c := l.c
	up, err := readMatrix(l.f, p+"ffn_up", c.FFN, c.Embed)
	if err != nil {
		return err
	}
	in := []*matrix{up}
	var gate *matrix
	if c.Gated {
		if gate, err = readMatrix(l.f, p+"ffn_gate", c.FFN, c.Embed); err != nil {
			return err
		}
		in = append(in, gate)
	}
	if y.ffn, _, err = l.norm(p+"ffn_norm", in...); err != nil {
		return err
	}
	down, err := readMatrix(l.f, p+"ffn_down", c.Embed, c.FFN)
	if err != nil {
		return err
	}
	k, err := l.follow(up, down, func(c int) int { return c })
	if err != nil {
		return err
	}
	ms := map[**ggml.Matrix]*matrix{&y.up: up, &y.down: down}
	if c.Gated {
		// What is multiplied with the gate can take the factor; GELU cannot.
		up.scaleRows(k, 1)
		ms[&y.gate] = gate
	} else {
		y.factor = powers(k, 1)
	}
	return l.pack(ms)
}

// pack gives matrices to the back end and lets go of their data.
func (l *loader) pack(ms map[**ggml.Matrix]*matrix) error {
	for at, m := range ms {
		if i := bad(m.rowScale()); i >= 0 {
			return fmt.Errorf("%w: row %d of %s.weight is too large", ErrModel, i, m.name)
		}
		g, err := m.graph()
		if err != nil {
			return err
		}
		if err := l.backend.Load(g); err != nil {
			return err
		}
		g.Release()
		*at = g
	}
	return l.ctx.Err()
}

// ends reads the embeddings, the last norm and the output matrix.
func (l *loader) ends(n *network) error {
	c := l.c
	embed, err := readMatrix(l.f, "token_embd", c.Vocab, c.Embed)
	if err != nil {
		return err
	}
	out := embed
	if _, err := l.f.Tensor("output.weight"); err == nil {
		if out, err = readMatrix(l.f, "output", c.Vocab, c.Embed); err != nil {
			return err
		}
	}
	var k []int
	if n.norm, k, err = l.norm("output_norm", out); err != nil {
		return err
	}
	ms := map[**ggml.Matrix]*matrix{&n.out: out}
	if n.tied = out == embed; n.tied {
		n.embedFactor = powers(k, 1)
	} else {
		if err := embed.measure(l.ctx); err != nil {
			return err
		}
		n.embedFactor = powers(make([]int, c.Embed), 1)
		ms[&n.embed] = embed
	}
	if err := l.pack(ms); err != nil {
		return err
	}
	if n.tied {
		n.embed = n.out
	}
	return nil
}

func (l *loader) positions(n *network, window int) error {
	t, err := l.f.Tensor("position_embd.weight")
	if err != nil || len(t.Shape) != 2 || t.Shape[0] != l.c.Embed || t.Shape[1] < window {
		return fmt.Errorf("%w: position_embd.weight is missing or smaller than %d x %d", ErrModel, l.c.Embed, window)
	}
	if !matrixType(t.Type) {
		return fmt.Errorf("%w: %s is of type %v", ErrUnsupported, t.Name, t.Type)
	}
	v, err := l.f.Float32s(t)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrModel, err)
	}
	v = append([]float32(nil), v[:window*l.c.Embed]...)
	if i := bad(v); i >= 0 {
		return fmt.Errorf("%w: element %d of position_embd.weight is %v", ErrModel, i, v[i])
	}
	n.positions, err = ggml.NewTable(v, window, l.c.Embed, 1)
	return err
}
