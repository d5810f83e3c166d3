package rnn

import (
	"fmt"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

// activationScale is the value of an int8 activation of 1: hidden states lie in
// [-1, 1] and are stored as round(h * 127).
const activationScale = 127

// build packs the weights for a kernel.
func build(w *weights, kern *kernel.Kernel) (*Model, error) {
	m := &Model{config: w.Config, kern: kern, layers: make([]layer, w.Layers)}
	gates := w.Gates()
	var err error
	for l := range w.layers {
		lw := &w.layers[l]
		if l == 0 {
			m.table, err = inputTable(kern, &w.embedding, lw, gates)
		} else {
			m.layers[l].input, err = packHidden(kern, &lw.ih, lw.biasIH, gates)
		}
		if err != nil {
			return nil, err
		}
		if m.layers[l].hidden, err = packHidden(kern, &lw.hh, lw.biasHH, gates); err != nil {
			return nil, err
		}
	}
	m.fc, err = packHidden(kern, &w.fc, w.fcBias, 1)
	return m, err
}

// packHidden packs a matrix that is multiplied with hidden states: the scale of
// the activations goes into that of the rows.
func packHidden(kern *kernel.Kernel, m *matrix, bias []float32, groups int) (*ggml.Matrix, error) {
	scale := make([]float32, len(m.scale))
	for i, s := range m.scale {
		scale[i] = s / activationScale
	}
	return ggml.NewMatrix(kern, m.q, scale, bias, m.rows, m.cols, groups)
}

// inputTable computes, for each symbol, the first layer's product with its
// embedding:
//
//	T[s][r] = float32(float32(acc)*scale_w[r])*scale_e[s] + b_ih[r]
//
// with the exact sum acc of the int8 products.
func inputTable(kern *kernel.Kernel, e *matrix, lw *layerWeights, groups int) (*ggml.Table, error) {
	acc, err := ggml.MatMulInt8(kern, lw.ih.q, lw.ih.rows, lw.ih.cols, e.q, e.rows)
	if err != nil {
		return nil, fmt.Errorf("rnn: input table: %w", err)
	}
	rows := lw.ih.rows
	t := make([]float32, len(acc))
	for s := range e.rows {
		for r := range rows {
			v := float32(float32(acc[s*rows+r]) * lw.ih.scale[r])
			t[s*rows+r] = float32(v*e.scale[s]) + lw.biasIH[r]
		}
	}
	return ggml.NewTable(t, e.rows, rows, groups)
}
