package trainer

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"

	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/sgemm"
	"github.com/llmz/llmz/models/convert"
)

// WriteGGUF writes the trained model. The same model gives the same bytes.
func (r *Result) WriteGGUF(w io.Writer, o WriteOptions) error {
	if r.Shape.Transformer() {
		return writeTransformer(w, r.Shape, r.Vocabulary, r.Weights, o)
	}
	return r.Network().WriteGGUF(w, convert.WriteOptions{Quantise: !o.Float, Name: o.Name})
}

// Save writes the trained model to a file, whole or not at all.
func (r *Result) Save(ctx context.Context, path string, o WriteOptions, a outfile.Attributes) error {
	return outfile.Write(ctx, path, outfile.Options{Replace: true}, a, func(w io.Writer) error { return r.WriteGGUF(w, o) })
}

// quantisedTransformer measures a transformer in float32 and with its matrices rounded
// as in its file.
func (r *Result) quantisedTransformer(ctx context.Context) (q Quantisation, err error) {
	p := newParams(r.Shape)
	weights := map[string][]float32{}
	for _, w := range r.Weights {
		weights[w.Name] = w.Data
	}
	if err := p.set(weights); err != nil {
		return q, err
	}
	tok, err := r.Vocabulary.Tokenizer()
	if err != nil {
		return q, err
	}
	n := bareTransformer(p, sgemm.Best(sgemm.F32), runtime.GOMAXPROCS(0))
	n.tok, n.start = tok, r.Vocabulary.Start
	if q.Float, err = n.measure(ctx, r.held); err != nil {
		return q, err
	}
	for _, w := range r.Weights {
		if !rounded(w) {
			continue
		}
		if weights[w.Name], err = roundTrip(w); err != nil {
			return q, fmt.Errorf("%s: %w", w.Name, err)
		}
	}
	if err := p.set(weights); err != nil {
		return q, err
	}
	q.Integer, err = n.measure(ctx, r.held)
	return q, err
}

// roundTrip returns a matrix as it is read from a file.
func roundTrip(w Weight) ([]float32, error) {
	if w.Shape[1]%ggml.QK8_0 != 0 {
		out := slices.Clone(w.Data)
		for i, v := range out {
			out[i] = ggml.Float16To32(ggml.Float32To16(v))
		}
		return out, nil
	}
	b, err := ggml.QuantizeQ8_0(w.Data)
	if err != nil {
		return nil, err
	}
	return ggml.Dequantize(ggml.Q8_0, b)
}
