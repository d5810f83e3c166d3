package cpu

import (
	"reflect"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

// op computes a node. It is made by the builder of its ggml.Op, and lives with a
// program.
type op interface {
	// work says into which units the computation is cut.
	work() work
	// local reports whether unit u of the result needs of src only unit u.
	local(src *tensor) bool
	// scratch reports whether the result can be handed on a unit at a time.
	scratch() bool
	// run computes a unit for the first n columns. It must not allocate.
	run(w *worker, t *tensor, unit, n int)
}

// updater is an op that updates states: its time is told apart.
type updater interface{ updates() }

// work is a cut into units, each computed in one go by one thread.
type work struct {
	units   int  // for all columns together, or
	columns bool // for each column
}

// count returns the number of units of n columns.
func (w work) count(n int) int {
	if w.columns {
		return w.units * n
	}
	return w.units
}

// byRows is the cut into kernel.Rows rows of every group, for all columns.
func byRows(rows, groups int) work { return work{units: units(rows, groups)} }

// byColumns is the cut into columns, and parts of a column.
func byColumns(parts int) work { return work{units: parts, columns: true} }

// units returns the number of units of work in rows, of which groups parts are
// worked on together.
func units(rows, groups int) int { return pad(rows/groups, kernel.Rows) / kernel.Rows }

// builders make the op of a tensor, by the type of its ggml.Op.
var builders = make(map[reflect.Type]func(c *compiler, t *tensor) op)

// register tells how the operations of type O are computed. Mistakes are reported
// with c.fail.
func register[O ggml.Op](build func(c *compiler, t *tensor, o O) op) {
	builders[reflect.TypeFor[O]()] = func(c *compiler, t *tensor) op { return build(c, t, t.Op.(O)) }
}
