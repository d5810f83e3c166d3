package ggml

// OpMulMat is the operation of Graph.MulMat.
type OpMulMat struct{ Matrix *Matrix }

// Name implements Op.
func (OpMulMat) Name() string { return "mulmat" }

// MulMat adds y = scale * (W a) + bias: F32 [rows, columns] from the I8 activations
// a [cols, columns]. The product is exact; scale and bias are float32, one for each
// row.
func (g *Graph) MulMat(m *Matrix, a *Tensor) *Tensor {
	if a.Type == MX8 {
		return g.mulMatMX(m, a, nil)
	}
	if a.Type != I8 || a.Ne[0] != m.Cols {
		g.fail("%d x %d matrix times %v activations of %d", m.Rows, m.Cols, a.Type, a.Ne[0])
	}
	t := g.add("mulmat", F32, m.Rows, OpMulMat{m}, a)
	t.Groups = m.Groups
	return t
}
