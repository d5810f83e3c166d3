package ggml

import (
	"errors"
	"fmt"

	"github.com/llmz/llmz/ggml/kernel"
)

// Graph is a computation under construction: operations are added as nodes, each
// after those it depends on, then Plan makes it ready to run. Mistakes in shapes
// are collected and reported by Plan.
type Graph struct {
	kern  *kernel.Kernel
	lanes int
	nodes []*Tensor
	state []*State
	err   error
}

// op is the work of a node. A unit is the part of the result that is computed
// in one go: kernel.Rows rows of every group, or one lane.
type op interface {
	name() string
	// units returns the number of units for n active lanes.
	units(n int) int
	// run computes a unit for the first n lanes.
	run(w *worker, t *Tensor, unit, n int)
	// local reports whether unit u of the result needs of src only unit u.
	local(src *Tensor) bool
	// scratch reports whether the result can be handed on a unit at a time.
	scratch() bool
}

// NewGraph returns an empty graph that computes up to lanes lanes with kern.
func NewGraph(kern *kernel.Kernel, lanes int) *Graph {
	g := &Graph{kern: kern, lanes: lanes}
	if lanes < 1 {
		g.fail("%d lanes", lanes)
	}
	return g
}

func (g *Graph) fail(format string, a ...any) {
	g.err = errors.Join(g.err, fmt.Errorf("ggml: graph: "+format, a...))
}

func (g *Graph) add(name string, t Type, ne0 int, o op, src ...*Tensor) *Tensor {
	n := &Tensor{Name: name, Type: t, Ne: [4]int{ne0, g.lanes, 1, 1}, op: o, src: src, groups: 1, stage: -1}
	if o != nil {
		n.index = len(g.nodes)
		g.nodes = append(g.nodes, n)
	}
	return n
}

// Input adds an I32 tensor of one symbol per lane, to be set before each
// computation.
func (g *Graph) Input(name string) *Tensor {
	t := g.add(name, I32, 1, nil)
	t.i32 = make([]int32, g.lanes)
	return t
}

// State is a hidden state, or cell state, of every lane. It starts as zeros.
type State struct {
	size int
	f32  []float32  // [size/kernel.Block][lanes][kernel.Block]
	q    [2]*Tensor // int8 activations: those of the last computation, those of this one
}

// State adds a state of size elements per lane.
func (g *Graph) State(name string, size int) *State {
	s := &State{size: size}
	n := pad(size, kernel.Block) * g.lanes
	s.f32 = aligned[float32](n)
	for i := range s.q {
		s.q[i] = g.add(name, I8, size, nil)
		s.q[i].i8 = alignedInt8s(n)
	}
	g.state = append(g.state, s)
	return s
}

// Past returns the int8 activations as the last computation left them.
func (s *State) Past() *Tensor { return s.q[0] }

// reset makes the state zero.
func (s *State) reset() {
	clear(s.f32)
	clear(s.q[0].i8)
	clear(s.q[1].i8)
}

// flip makes what has been computed the past.
func (s *State) flip() { s.q[0].i8, s.q[1].i8 = s.q[1].i8, s.q[0].i8 }
