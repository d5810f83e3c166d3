package rnn

import (
	"fmt"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/cpu"
)

// activationScale is the value of an int8 activation of 1: hidden states lie in
// [-1, 1] and are stored as round(h * 127).
const activationScale = 127

// build describes the matrices and loads them into the back end.
func build(w *weights, backend ggml.Backend) (*Model, error) {
	m := &Model{config: w.Config, backend: backend, layers: make([]layer, w.Layers)}
	gates := w.Gates()
	var err error
	for l := range w.layers {
		lw := &w.layers[l]
		if l == 0 {
			m.table, err = inputTable(&w.embedding, lw, gates)
		} else {
			m.layers[l].input, err = m.load(&lw.ih, lw.biasIH, gates)
		}
		if err != nil {
			return nil, err
		}
		if m.layers[l].hidden, err = m.load(&lw.hh, lw.biasHH, gates); err != nil {
			return nil, err
		}
	}
	m.fc, err = m.load(&w.fc, w.fcBias, 1)
	return m, err
}

// load describes a matrix that is multiplied with hidden states, the scale of the
// activations going into that of the rows, and has the back end take its weights.
func (m *Model) load(w *matrix, bias []float32, groups int) (*ggml.Matrix, error) {
	scale := make([]float32, len(w.scale))
	for i, s := range w.scale {
		scale[i] = s / activationScale
	}
	g, err := ggml.NewMatrix(w.q, scale, bias, w.rows, w.cols, groups)
	if err != nil {
		return nil, err
	}
	if err := m.backend.Load(g); err != nil {
		return nil, err
	}
	g.Release()
	return g, nil
}

// inputTable computes, for each symbol, the first layer's product with its
// embedding:
//
//	T[s][r] = float32(float32(acc)*scale_w[r])*scale_e[s] + b_ih[r]
//
// with the exact sum acc of the int8 products.
func inputTable(e *matrix, lw *layerWeights, groups int) (*ggml.Table, error) {
	acc, err := cpu.MatMulInt8(lw.ih.q, lw.ih.rows, lw.ih.cols, e.q, e.rows)
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
