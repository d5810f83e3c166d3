package ggml

import "github.com/llmz/llmz/ggml/kernel"

// GetRows adds the table's rows of the symbols: F32 [cols, lanes]. The symbols
// must be in [0, rows); the caller checks that.
func (g *Graph) GetRows(tb *Table, symbols *Tensor) *Tensor {
	if symbols.Type != I32 || symbols.Ne[0] != 1 {
		g.fail("rows by %v symbols", symbols.Type)
	}
	t := g.add("get_rows", F32, tb.Cols, &getRows{tb}, symbols)
	t.groups = tb.Groups
	return t
}

type getRows struct{ t *Table }

func (o *getRows) name() string       { return "get_rows" }
func (o *getRows) units(int) int      { return units(o.t.Cols, o.t.Groups) }
func (o *getRows) local(*Tensor) bool { return false }
func (o *getRows) scratch() bool      { return true }

func (o *getRows) run(w *worker, t *Tensor, unit, n int) {
	g := o.t.Groups
	row := units(o.t.Cols, g) * g * kernel.Rows
	for l, s := range t.src[0].i32[:n] {
		v := o.t.v[int(s)*row+unit*g*kernel.Rows:]
		for i := range g {
			src := (*[kernel.Rows]float32)(v[i*kernel.Rows:])
			if t.local {
				*(*[kernel.Rows]float32)(w.f32[t.offset+(i*n+l)*kernel.Rows:]) = *src
				continue
			}
			*(*[kernel.Rows]float32)(t.f32[l*pad(o.t.Cols, kernel.Rows)+unit*kernel.Rows:]) = *src
		}
	}
}
