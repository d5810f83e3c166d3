package trainer

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/rnn"
	"github.com/llmz/llmz/ggml/sgemm"
	"github.com/llmz/llmz/models/convert"
)

// ErrNoHeldOut means that there is no held-out data to measure with.
var ErrNoHeldOut = errors.New("the corpus is too small to hold any of it back")

// Network returns the trained recurrent network, ready to be written as a model file.
func (r *Result) Network() *convert.Network {
	n := &convert.Network{
		Config:  rnn.Config{Cell: r.Shape.Arch, Layers: r.Shape.Layers, Hidden: r.Shape.Hidden, Embed: r.Shape.Embed},
		Tensors: map[string]convert.Tensor{},
	}
	for _, w := range r.Weights {
		n.Tensors[w.Name] = convert.Tensor{Shape: w.Shape, Data: w.Data}
	}
	return n
}

// Quantisation is what rounding to int8 costs, in bits per byte on the same text: of
// weights and activations for a recurrent network, of weights for a transformer.
type Quantisation struct {
	Float, Integer float64
}

// Loss returns the share by which the integer model is worse.
func (q Quantisation) Loss() float64 { return q.Integer/q.Float - 1 }

// Quantisation measures the trained network, in float32 and as the int8 model
// that compresses, on the held-out texts.
func (r *Result) Quantisation(ctx context.Context) (Quantisation, error) {
	if len(r.held) == 0 {
		return Quantisation{}, ErrNoHeldOut
	}
	if r.Shape.Transformer() {
		return r.quantisedTransformer(ctx)
	}
	return Measure(ctx, r.Network(), r.held)
}

// Measure measures a network on the beginnings of texts, one a lane and all as
// long as the shortest, in float32 and as the int8 model that compresses.
func Measure(ctx context.Context, net *convert.Network, texts [][]byte) (Quantisation, error) {
	var q Quantisation
	texts, steps := equalLengths(texts)
	if len(texts) == 0 || steps == 0 {
		return q, ErrNoHeldOut
	}
	var file bytes.Buffer
	if err := net.WriteGGUF(&file, convert.WriteOptions{Quantise: true}); err != nil {
		return q, err
	}
	p := newParams(Shape{Arch: net.Cell, Layers: net.Layers, Hidden: net.Hidden, Embed: net.Embed})
	weights := map[string][]float32{}
	for name, t := range net.Tensors {
		weights[name] = t.Data
	}
	if err := p.set(weights); err != nil {
		return q, err
	}
	threads := runtime.GOMAXPROCS(0)
	c := Config{Streams: len(texts)}
	n := newNetwork(p, sgemm.Best(sgemm.F32), steps, len(texts), c.shard(), threads)
	var err error
	if q.Float, err = evaluate(ctx, n, texts); err != nil {
		return q, err
	}
	model, err := rnn.Load(file.Bytes(), rnn.Options{Name: "quantised"})
	if err != nil {
		return q, err
	}
	defer model.Close()
	q.Integer, err = measureModel(ctx, model, texts, threads)
	return q, err
}

// equalLengths cuts texts to the length of the shortest, which is made a multiple
// of steps.
func equalLengths(texts [][]byte) (cut [][]byte, steps int) {
	length := math.MaxInt
	for _, t := range texts {
		length = min(length, len(t))
	}
	if steps = min(validSteps, length); steps == 0 {
		return nil, 0
	}
	for _, t := range texts {
		cut = append(cut, t[:length/steps*steps])
	}
	return cut, steps
}

// measureModel returns the mean bits per byte that a model of the engine needs for
// texts of one length.
func measureModel(ctx context.Context, m predict.Model, texts [][]byte, threads int) (float64, error) {
	s, err := m.NewSession(ctx, predict.SessionOptions{Lanes: len(texts), Threads: threads, MaxSteps: len(texts[0])})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	prev := make([]int32, len(texts))
	bits := 0.0
	for step := range texts[0] {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		for i, t := range texts {
			prev[i] = predict.Start
			if step > 0 {
				prev[i] = int32(t[step-1])
			}
		}
		if err := s.Step(prev); err != nil {
			return 0, err
		}
		for i, t := range texts {
			freqs, total := s.Freqs(i)
			bits -= math.Log2(float64(freqs[t[step]]) / float64(total))
		}
	}
	return bits / float64(len(texts)*len(texts[0])), nil
}
