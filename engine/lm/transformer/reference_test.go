package transformer

import (
	"fmt"
	"math"

	"github.com/llmz/llmz/ggml/gguf"
)

// A reference computes a model in float64, one token after the other, in the
// plainest way: what the integer network is measured against.
type reference struct {
	Config
	embed, pos, out [][]float64
	norm            refNorm
	layers          []refLayer
	keys, values    [][][]float64 // [layer][position]
	fake            fake
}

type refNorm struct{ gain, bias []float64 }

type refMatrix struct {
	w    [][]float64 // [row][column]
	bias []float64
}

type refLayer struct {
	attn, ffn      refNorm
	q, k, v, o     refMatrix
	up, gate, down refMatrix
}

func refRows(f *gguf.File, name string) [][]float64 {
	t, err := f.Tensor(name)
	if err != nil {
		return nil
	}
	v, err := f.Float32s(t)
	if err != nil {
		panic(err)
	}
	cols := t.Shape[0]
	rows := make([][]float64, len(v)/cols)
	for r := range rows {
		rows[r] = make([]float64, cols)
		for c := range cols {
			rows[r][c] = float64(v[r*cols+c])
		}
	}
	return rows
}

func refVector(f *gguf.File, name string, n int) []float64 {
	rows := refRows(f, name)
	if rows == nil {
		return make([]float64, n)
	}
	return rows[0]
}

func refLinear(f *gguf.File, name string) refMatrix {
	w := refRows(f, name+".weight")
	return refMatrix{w, refVector(f, name+".bias", len(w))}
}

func newReference(f *gguf.File) (*reference, error) {
	c, err := ReadConfig(f)
	if err != nil {
		return nil, err
	}
	r := &reference{Config: c}
	r.embed, r.pos, r.out = refRows(f, "token_embd.weight"), refRows(f, "position_embd.weight"), refRows(f, "output.weight")
	if r.out == nil {
		r.out = r.embed
	}
	norm := func(name string) refNorm {
		return refNorm{refVector(f, name+".weight", c.Embed), refVector(f, name+".bias", c.Embed)}
	}
	r.norm = norm("output_norm")
	for l := range c.Layers {
		p := fmt.Sprintf("blk.%d.", l)
		var y refLayer
		y.attn, y.ffn = norm(p+"attn_norm"), norm(p+"ffn_norm")
		if c.Fused {
			m := refLinear(f, p+"attn_qkv")
			e := c.Embed
			y.q, y.k, y.v = refMatrix{m.w[:e], m.bias[:e]}, refMatrix{m.w[e : 2*e], m.bias[e : 2*e]}, refMatrix{m.w[2*e:], m.bias[2*e:]}
		} else {
			y.q, y.k, y.v = refLinear(f, p+"attn_q"), refLinear(f, p+"attn_k"), refLinear(f, p+"attn_v")
		}
		y.o, y.up, y.down = refLinear(f, p+"attn_output"), refLinear(f, p+"ffn_up"), refLinear(f, p+"ffn_down")
		if c.Gated {
			y.gate = refLinear(f, p+"ffn_gate")
		}
		r.layers = append(r.layers, y)
	}
	r.reset()
	return r, nil
}

func (r *reference) reset() {
	r.keys, r.values = make([][][]float64, r.Layers), make([][][]float64, r.Layers)
}

func (m *refMatrix) mul(x []float64) []float64 {
	y := make([]float64, len(m.w))
	for i, row := range m.w {
		var s float64
		for j, w := range row {
			s += w * x[j]
		}
		y[i] = s + m.bias[i]
	}
	return y
}

func (r *reference) normalise(n refNorm, x []float64) []float64 {
	var mean, v float64
	if !r.RMS {
		for _, a := range x {
			mean += a
		}
		mean /= float64(len(x))
	}
	for _, a := range x {
		v += (a - mean) * (a - mean)
	}
	s := 1 / math.Sqrt(v/float64(len(x))+float64(r.Epsilon))
	y := make([]float64, len(x))
	for i, a := range x {
		y[i] = (a-mean)*s*n.gain[i] + n.bias[i]
	}
	return y
}

func (r *reference) rotate(x []float64, heads, pos int) {
	if r.Learned {
		return
	}
	for h := range heads {
		v := x[h*r.HeadDim : (h+1)*r.HeadDim]
		for i := range r.RopeDim / 2 {
			a, b := 2*i, 2*i+1
			if r.Halves {
				a, b = i, i+r.RopeDim/2
			}
			t := float64(pos) * math.Pow(r.RopeBase, -2*float64(i)/float64(r.RopeDim))
			s, c := math.Sincos(t)
			v[a], v[b] = v[a]*c-v[b]*s, v[a]*s+v[b]*c
		}
	}
}

// step evaluates a token at the next position and returns the logits after it.
func (r *reference) step(token int32) []float64 {
	pos := len(r.keys[0])
	x := append([]float64(nil), r.embed[token]...)
	if r.Learned {
		for i, p := range r.pos[pos] {
			x[i] += p
		}
	}
	for l := range r.layers {
		y := &r.layers[l]
		n := r.fake.act(siteAttn, r.normalise(y.attn, x))
		q, k, v := y.q.mul(n), y.k.mul(n), y.v.mul(n)
		r.rotate(q, r.Heads, pos)
		r.rotate(k, r.KVHeads, pos)
		for h := range r.KVHeads {
			r.fake.head(siteKey, k[h*r.HeadDim:(h+1)*r.HeadDim])
			r.fake.head(siteValue, v[h*r.HeadDim:(h+1)*r.HeadDim])
		}
		r.keys[l], r.values[l] = append(r.keys[l], k), append(r.values[l], v)
		o := make([]float64, r.Embed)
		for h := range r.Heads {
			qh := q[h*r.HeadDim : (h+1)*r.HeadDim]
			r.fake.head(siteQuery, qh)
			kv := h / (r.Heads / r.KVHeads) * r.HeadDim
			s := make([]float64, pos+1)
			top := math.Inf(-1)
			for t := range s {
				for i, a := range qh {
					s[t] += a * r.keys[l][t][kv+i]
				}
				s[t] /= math.Sqrt(float64(r.HeadDim))
				top = max(top, s[t])
			}
			var sum float64
			for t := range s {
				s[t] = math.Exp(s[t] - top)
				sum += s[t]
			}
			r.fake.weights(s)
			for t := range s {
				for i := range r.HeadDim {
					o[h*r.HeadDim+i] += s[t] / sum * r.values[l][t][kv+i]
				}
			}
		}
		add(x, y.o.mul(r.fake.act(siteOut, o)))
		n = r.fake.act(siteFFN, r.normalise(y.ffn, x))
		u := y.up.mul(n)
		if r.Gated {
			for i, g := range y.gate.mul(n) {
				u[i] *= g / (1 + math.Exp(-g))
			}
		} else {
			for i, a := range u {
				u[i] = 0.5 * a * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(a+0.044715*a*a*a)))
			}
		}
		add(x, y.down.mul(r.fake.act(siteDown, u)))
	}
	n := r.fake.act(siteLogits, r.normalise(r.norm, x))
	m := refMatrix{r.out, make([]float64, len(r.out))}
	return m.mul(n)
}

func add(x, y []float64) {
	for i, v := range y {
		x[i] += v
	}
}

// cost returns the bits of a token by softmax.
func cost(logits []float64, token int32) float64 {
	top := math.Inf(-1)
	for _, v := range logits {
		top = max(top, v)
	}
	var s float64
	for _, v := range logits {
		s += math.Exp(v - top)
	}
	return (math.Log(s) - (logits[token] - top)) / math.Ln2
}

// bits returns the bits per token, the window refilled as a session does.
func (r *reference) bits(start int32, tokens []int32, ctx, keep int) float64 {
	r.reset()
	logits := r.step(start)
	history := []int32{start}
	var sum float64
	for _, t := range tokens {
		sum += cost(logits, t)
		history = append(history, t)
		if len(r.keys[0]) == ctx {
			r.reset()
			for _, h := range history[len(history)-keep:] {
				logits = r.step(h)
			}
			continue
		}
		logits = r.step(t)
	}
	return sum / float64(len(tokens))
}
