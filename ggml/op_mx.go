package ggml

import "math/bits"

// OpMulMatMX is the operation of Graph.MulMat and Graph.MulMatAdd with block-scaled
// activations. The residual stream, if there is one, is the second source.
type OpMulMatMX struct{ Matrix *Matrix }

// Name implements Op.
func (OpMulMatMX) Name() string { return "mulmat" }

// MulMatAdd adds residual + W a: F32 [rows, columns] from MX8 activations a [cols,
// columns] and F32 residual [rows, columns].
func (g *Graph) MulMatAdd(m *Matrix, a, residual *Tensor) *Tensor {
	if residual.Type != F32 || residual.Ne[0] != m.Rows {
		g.fail("%d rows added to %v of %d", m.Rows, residual.Type, residual.Ne[0])
	}
	return g.mulMatMX(m, a, residual)
}

func (g *Graph) mulMatMX(m *Matrix, a, residual *Tensor) *Tensor {
	if a.Type != MX8 || a.Ne[0] != m.Cols || m.Groups != 1 {
		g.fail("%d x %d matrix in %d groups times %v activations of %d", m.Rows, m.Cols, m.Groups, a.Type, a.Ne[0])
	}
	src := []*Tensor{a}
	if residual != nil {
		src = append(src, residual)
	}
	return g.add("mulmat", F32, m.Rows, OpMulMatMX{m}, src...)
}

// MXShift returns the greatest shift of block-scaled activations of n elements: the
// most that keeps sums of products in int32, at most 8.
func MXShift(n int) int {
	groups := (n + 31) / 32
	most := uint64(1<<31-1) / uint64(groups*32*127*127)
	return min(max(bits.Len64(most)-1, 0), 8)
}

// OpEmbed is the operation of Graph.Embed.
type OpEmbed struct {
	Matrix    *Matrix
	Factor    []float32 // by column of the matrix
	Positions *Table    // nil if the position is not added
}

// Name implements Op.
func (OpEmbed) Name() string { return "embed" }

// Embed adds the rows of a matrix, one for each token, times a factor for each of
// their elements, plus the row of each position of a table that may be nil: F32
// [cols, columns]. The caller checks that tokens and positions exist.
func (g *Graph) Embed(m *Matrix, factor []float32, positions *Table, tokens, pos *Tensor) *Tensor {
	if tokens.Type != I32 || pos.Type != I32 || len(factor) != m.Cols || positions != nil && positions.Cols != m.Cols || m.Groups != 1 {
		g.fail("embedding of %d elements with %d factors", m.Cols, len(factor))
	}
	return g.add("embed", F32, m.Cols, OpEmbed{m, factor, positions}, tokens, pos)
}

// Norm describes a layer norm, or a root-mean-square norm, which subtracts no mean.
type Norm struct {
	Gain, Bias []float32
	Epsilon    float32
	RMS        bool
}

// OpNorm is the operation of Graph.Norm.
type OpNorm struct{ Norm }

// Name implements Op.
func (OpNorm) Name() string { return "norm" }

// Norm adds the norm of F32 x as MX8 activations.
func (g *Graph) Norm(x *Tensor, n Norm) *Tensor {
	if x.Type != F32 || x.Ne[0] != len(n.Gain) || len(n.Bias) != len(n.Gain) || x.Ne[0]%16 != 0 {
		g.fail("norm of %v of %d with %d gains and %d biases", x.Type, x.Ne[0], len(n.Gain), len(n.Bias))
	}
	return g.add("norm", MX8, x.Ne[0], OpNorm{n}, x)
}

// OpGELU is the operation of Graph.GELU.
type OpGELU struct{ Factor []float32 }

// Name implements Op.
func (OpGELU) Name() string { return "gelu" }

// GELU adds gelu(x), in its tanh form, times a factor for each element, as MX8
// activations.
func (g *Graph) GELU(x *Tensor, factor []float32) *Tensor {
	if x.Type != F32 || len(factor) != x.Ne[0] {
		g.fail("gelu of %v of %d with %d factors", x.Type, x.Ne[0], len(factor))
	}
	return g.add("gelu", MX8, x.Ne[0], OpGELU{factor}, x)
}

// OpSwiGLU is the operation of Graph.SwiGLU.
type OpSwiGLU struct{}

// Name implements Op.
func (OpSwiGLU) Name() string { return "swiglu" }

// SwiGLU adds silu(gate) * up as MX8 activations.
func (g *Graph) SwiGLU(gate, up *Tensor) *Tensor {
	if gate.Type != F32 || up.Type != F32 || gate.Ne[0] != up.Ne[0] {
		g.fail("swiglu of %v of %d and %v of %d", gate.Type, gate.Ne[0], up.Type, up.Ne[0])
	}
	return g.add("swiglu", MX8, gate.Ne[0], OpSwiGLU{}, gate, up)
}

// OpQuantize is the operation of Graph.Quantize.
type OpQuantize struct{}

// Name implements Op.
func (OpQuantize) Name() string { return "quantize" }

// Quantize adds F32 x as MX8 activations.
func (g *Graph) Quantize(x *Tensor) *Tensor {
	if x.Type != F32 {
		g.fail("quantize %v", x.Type)
	}
	return g.add("quantize", MX8, x.Ne[0], OpQuantize{}, x)
}
