package ggml

import (
	"errors"
	"fmt"
)

// ErrGraph is wrapped by errors about graphs that make no sense, or that a back end
// cannot run.
var ErrGraph = errors.New("graph cannot be compiled")

// Graph is the description of a computation: operations are added as nodes, each
// after those it depends on. It holds no memory but that of its weights, and may be
// compiled any number of times. Mistakes in shapes are collected, and reported when
// it is compiled.
//
// Every tensor has a column for each stream that is computed in the same step. What
// is computed for a column depends on its own inputs and states only. For recurrent
// networks a column is a lane; operations over a cache of past positions have inputs
// that say which sequence, and which position of it, a column is, and several
// columns may be of one sequence.
type Graph struct {
	columns int
	tensors []*Tensor
	states  []*State
	err     error
}

// NewGraph returns an empty graph of up to that many columns.
func NewGraph(columns int) *Graph {
	g := &Graph{columns: columns}
	if columns < 1 {
		g.fail("%d columns", columns)
	}
	return g
}

// Columns returns the largest number of columns of a step.
func (g *Graph) Columns() int { return g.columns }

// Tensors returns all tensors, each after those it is computed from. The slice must
// not be changed.
func (g *Graph) Tensors() []*Tensor { return g.tensors }

// States returns the states. The slice must not be changed.
func (g *Graph) States() []*State { return g.states }

// Err returns what is wrong with the graph, wrapping ErrGraph, or nil.
func (g *Graph) Err() error {
	if g.err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrGraph, g.err)
}

func (g *Graph) fail(format string, a ...any) {
	g.err = errors.Join(g.err, fmt.Errorf("ggml: graph: "+format, a...))
}

func (g *Graph) add(name string, t Type, ne0 int, o Op, src ...*Tensor) *Tensor {
	n := &Tensor{Name: name, Type: t, Ne: [4]int{ne0, g.columns, 1, 1}, Groups: 1, Op: o, Src: src, index: len(g.tensors)}
	g.tensors = append(g.tensors, n)
	return n
}

// Input adds an I32 tensor of one number per column, to be set before each step: a
// symbol, a position.
func (g *Graph) Input(name string) *Tensor { return g.add(name, I32, 1, nil) }
