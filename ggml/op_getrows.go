package ggml

// OpGetRows is the operation of Graph.GetRows.
type OpGetRows struct{ Table *Table }

// Name implements Op.
func (OpGetRows) Name() string { return "get_rows" }

// GetRows adds the table's rows of those numbers: F32 [cols, columns]. The numbers
// must be in [0, rows); the caller checks that.
func (g *Graph) GetRows(tb *Table, numbers *Tensor) *Tensor {
	if numbers.Type != I32 || numbers.Ne[0] != 1 {
		g.fail("rows by %v numbers", numbers.Type)
	}
	t := g.add("get_rows", F32, tb.Cols, OpGetRows{tb}, numbers)
	t.Groups = tb.Groups
	return t
}
