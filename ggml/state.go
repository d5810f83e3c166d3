package ggml

// State is a hidden state, or cell state, of every column, which lives from one step
// to the next. It starts as zeros.
type State struct {
	Name string
	Size int // elements of a column
	// Past holds the int8 activations as the step before left them, and Next, once
	// there is an operation that updates the state, those of this step.
	Past, Next *Tensor
}

// State adds a state of size elements per column.
func (g *Graph) State(name string, size int) *State {
	s := &State{Name: name, Size: size}
	if size < 1 {
		g.fail("state %q of %d elements", name, size)
	}
	s.Past = g.add(name, I8, size, nil)
	g.states = append(g.states, s)
	return s
}
