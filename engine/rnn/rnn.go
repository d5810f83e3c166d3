// Package rnn predicts bytes with GRU and LSTM networks over the bundled tensor
// graph. Weights and activations are int8; ggml/NUMERICS.md has the arithmetic,
// which is the same, bit for bit, on every machine: archives made with these
// models are portable.
package rnn

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/cpu"
	"github.com/llmz/llmz/ggml/gguf"
)

const (
	// Numerics is the number of the arithmetic contract.
	Numerics = 1
	// Alphabet is the number of symbols that are predicted, the bytes; Vocabulary has
	// one more that only goes in: the start of a lane.
	Alphabet   = 256
	Vocabulary = Alphabet + 1
)

// Model is a network that is ready to predict. It may be shared by goroutines.
type Model struct {
	info    predict.Info
	config  Config
	backend ggml.Backend
	table   *ggml.Table // by symbol: W_ih*embedding + b_ih of the first layer
	layers  []layer
	fc      *ggml.Matrix
}

type layer struct {
	input  *ggml.Matrix // W_ih, nil for the first layer
	hidden *ggml.Matrix // W_hh
}

// Options are the options of Load.
type Options struct {
	// Name is the name of the model in archives.
	Name string
	// Bundled tells that the model comes with the program.
	Bundled bool
	// Backend computes, and is closed with the model; nil for the CPU.
	Backend ggml.Backend
}

// Load reads a model from the bytes of a GGUF file, quantising it if its weights
// are floating-point numbers. Errors wrap gguf.ErrFormat or ErrModel.
func Load(file []byte, o Options) (*Model, error) {
	f, err := gguf.Parse(file)
	if err != nil {
		return nil, err
	}
	w, err := readWeights(f)
	if err != nil {
		return nil, err
	}
	backend := o.Backend
	if backend == nil {
		if backend, err = cpu.New(""); err != nil {
			return nil, err
		}
	}
	m, err := build(w, backend)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(file)
	m.info = predict.Info{
		Ref: predict.Ref{
			Name:        o.Name,
			Digest:      digest[:],
			Numerics:    Numerics,
			Portability: predict.Portable,
		},
		Parameters: w.Parameters(),
		Bundled:    o.Bundled,
		Kind:       predict.Bytes,
		Alphabet:   Alphabet,
		Device:     backend.Name(),
		Kernel:     backend.Kernel(),
	}
	return m, nil
}

// Info describes the model.
func (m *Model) Info() predict.Info { return m.info }

// Config returns the model's hyper-parameters.
func (m *Model) Config() Config { return m.config }

// Lanes returns the number of lanes for a block of n bytes. More lanes are faster,
// but each starts knowing nothing, and while they advance together the context
// mixer has seen less of what is near; ggml/NUMERICS.md has the measurements.
func (m *Model) Lanes(n int) int {
	const smallest = 48 << 10 // bytes in a lane
	lanes := 1
	for lanes < maxLanes && n/(2*lanes) >= smallest {
		lanes *= 2
	}
	return lanes
}

// maxLanes is the number of lanes of large blocks. More would gain little speed:
// with 16 lanes the products already run near the processor's peak.
const maxLanes = 16

// MemoryBytes estimates the peak memory of a session with that many lanes, the
// weights included.
func (m *Model) MemoryBytes(lanes int) int64 {
	g := m.graph(max(lanes, 1))
	n, err := m.backend.Memory(g.Graph, ggml.CompileOptions{Threads: runtime.GOMAXPROCS(0), Ahead: true})
	if err != nil {
		return 0 // no session will start either
	}
	return n.Weights + n.Program + 64<<10
}

// Preferences says how sessions with that many lanes run best. A large block takes
// minutes. More threads than a few wait for each other; in one lane a step is short.
func (m *Model) Preferences(lanes int) predict.Preferences {
	p := predict.Preferences{BlockSize: 16 << 20, Threads: 4, FewLanes: 1}
	if lanes == 1 {
		p.Threads = 2
	}
	p.Lean = m.info.Parameters >= leanFrom
	p.LoadBytes = 2 * m.MemoryBytes(1) // the file, and the weights as they were read
	return p
}

// leanFrom is the number of parameters from which on a network takes several times as long as the fast
// mixer.
const leanFrom = 1 << 21

// NewSession starts the state of the lanes of a block.
func (m *Model) NewSession(_ context.Context, o predict.SessionOptions) (predict.Session, error) {
	if o.Lanes < 1 {
		return nil, fmt.Errorf("rnn: session with %d lanes", o.Lanes)
	}
	return m.newSession(o)
}

// Close lets go of the weights.
func (m *Model) Close() error { return m.backend.Close() }
