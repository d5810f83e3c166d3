package ggml

// OpGRU is the operation of Graph.GRU.
type OpGRU struct{ State *State }

// Name implements Op.
func (OpGRU) Name() string { return "gru" }

// OpLSTM is the operation of Graph.LSTM.
type OpLSTM struct{ State *State }

// Name implements Op.
func (OpLSTM) Name() string { return "lstm" }

// GRU adds the update of the hidden state s from the pre-activations
// x = W_ih*input + b_ih and p = W_hh*h + b_hh, both F32 [3*size, columns], in
// PyTorch's gate order r, z, n. The result are the new int8 activations.
func (g *Graph) GRU(x, p *Tensor, s *State) *Tensor { return g.cell(OpGRU{s}, 3, x, p, s) }

// LSTM adds the update of the cell state s from x and p as in GRU, F32
// [4*size, columns] in PyTorch's gate order i, f, g, o. The result are the new int8
// activations of the hidden state.
func (g *Graph) LSTM(x, p *Tensor, s *State) *Tensor { return g.cell(OpLSTM{s}, 4, x, p, s) }

func (g *Graph) cell(o Op, gates int, x, p *Tensor, s *State) *Tensor {
	for _, t := range []*Tensor{x, p} {
		if t.Type != F32 || t.Ne[0] != gates*s.Size || t.Groups != gates {
			g.fail("%s of size %d with %v pre-activations of %d in %d groups", o.Name(), s.Size, t.Type, t.Ne[0], t.Groups)
		}
	}
	if s.Next != nil {
		g.fail("state %q is updated twice", s.Name)
	}
	s.Next = g.add(s.Name, I8, s.Size, o, x, p)
	return s.Next
}
