package ggml

import "github.com/llmz/llmz/ggml/kernel"

// Tensor is a node of a graph: the result of an operation, an input, or a state
// that lives from one computation to the next. Ne is ggml's shape; Ne[1] is the
// number of lanes.
type Tensor struct {
	Name string
	Type Type
	Ne   [4]int

	op  op
	src []*Tensor
	// local tells that the data lives in each worker's scratch memory, a unit at a
	// time, ordered [group][lane][kernel.Rows]. groups is the number of parts, with
	// equal numbers of rows, that a unit takes its rows from.
	local  bool
	groups int
	offset int // of local data in the scratch memory, in elements

	i32 []int32   // symbols
	f32 []float32 // [lane][ne0 padded to kernel.Rows]
	i8  []int8    // activations, [ne0/kernel.Block][lanes][kernel.Block]
	u32 []uint32  // frequencies, [lane][ne0]
	sum []uint32  // total frequency by lane

	stage int // in which it is computed, -1 for inputs and the past
	index int // among the nodes
}

// Int32s returns the elements of an I32 tensor of a planned graph.
func (t *Tensor) Int32s() []int32 { return t.i32 }

// Float32s returns the elements of lane in an F32 tensor of a planned graph; nil
// for intermediate results, which are not kept.
func (t *Tensor) Float32s(lane int) []float32 {
	if t.f32 == nil {
		return nil
	}
	n := pad(t.Ne[0], kernel.Rows)
	return t.f32[lane*n : lane*n+t.Ne[0]]
}

// Freqs returns the integer frequencies of lane, and their sum, of the result of
// Graph.Freqs.
func (t *Tensor) Freqs(lane int) ([]uint32, uint32) {
	n := t.Ne[0]
	return t.u32[lane*n : (lane+1)*n : (lane+1)*n], t.sum[lane]
}

// units returns the number of units of work in rows, of which groups parts are
// worked on together.
func units(rows, groups int) int { return pad(rows/groups, kernel.Rows) / kernel.Rows }

func pad(n, to int) int { return (n + to - 1) / to * to }
