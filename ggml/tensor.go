package ggml

// Tensor is a node of a graph: an input, the result of an operation, or what an
// operation has left in a state the step before.
type Tensor struct {
	Name string
	Type Type
	// Ne is ggml's shape: elements of a column, and columns.
	Ne [4]int
	// Groups is the number of parts, of equally many elements, that are worked on
	// side by side: the gates of a recurrent cell. It is 1 for most tensors.
	Groups int
	// Op computes the tensor from Src; it is nil for an input and for the past of a
	// state.
	Op  Op
	Src []*Tensor

	index int
}

// Index returns the tensor's position in Graph.Tensors.
func (t *Tensor) Index() int { return t.index }

// Op is an operation with its attributes. Each is a type of its own, by which a back
// end finds what computes it.
type Op interface {
	// Name is the operation's name in errors.
	Name() string
}
