package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

// No product that the description allows may overflow in a kernel.
const _ = uint(kernel.MaxColumns - ggml.MaxColumns)

// packed is a matrix as a kernel wants it: panels of kernel.Rows rows, see package
// kernel. It does not change once it has been packed.
type packed struct {
	once sync.Once
	err  error

	kern               *kernel.Kernel
	rows, cols, groups int
	blocks             int       // of columns
	panel              int       // bytes of a panel
	w                  []int8    // [unit][group] panels
	scale, bias        []float32 // [unit][group][kernel.Rows]
}

// align is the multiple of columns that matrices and activations are padded to, with
// zeros: whole groups, for all of them.
const align = kernel.Group

func newPacked(k *kernel.Kernel, m *ggml.Matrix) *packed {
	blocks := pad(m.Cols, align) / kernel.Block
	return &packed{
		kern: k, rows: m.Rows, cols: m.Cols, groups: m.Groups,
		blocks: blocks, panel: blocks * kernel.Block * kernel.Rows,
	}
}

// panels returns the number of panels.
func (p *packed) panels() int { return units(p.rows, p.groups) * p.groups }

// bytes returns the memory the packed matrix takes.
func (p *packed) bytes() int64 { return int64(p.panels()) * int64(p.panel+8*kernel.Rows) }

// manyBytes is the size from which on a matrix is packed by several threads.
const manyBytes = 1 << 20

// pack reads the canonical weights, a row at a time.
func (p *packed) pack(m *ggml.Matrix) error {
	n := p.panels()
	if m.Scale == nil {
		return ggml.ErrReleased
	}
	p.w = aligned[int8](n * p.panel)
	p.scale = make([]float32, n*kernel.Rows)
	p.bias = make([]float32, n*kernel.Rows)
	threads := 1
	if len(p.w) >= manyBytes {
		threads = min(runtime.GOMAXPROCS(0), n)
	}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	work := func() {
		row := make([]int8, p.blocks*kernel.Block)
		for failed.Load() == nil {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			if err := p.packPanel(m, i, row); err != nil {
				failed.Store(&err)
			}
		}
	}
	var wg sync.WaitGroup
	for range threads - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// packPanel fills panel i; row is memory for a padded row.
func (p *packed) packPanel(m *ggml.Matrix, i int, row []int8) error {
	per := p.rows / p.groups
	u, g := i/p.groups, i%p.groups
	panel := p.w[i*p.panel : (i+1)*p.panel]
	for r := range min(kernel.Rows, per-u*kernel.Rows) {
		at := g*per + u*kernel.Rows + r
		p.scale[i*kernel.Rows+r] = m.Scale[at]
		if m.Bias != nil {
			p.bias[i*kernel.Rows+r] = m.Bias[at]
		}
		if err := m.Read(row, at); err != nil {
			return err
		}
		dst := panel[4*r:]
		for c := 0; c < len(row); c += 4 {
			*(*[4]int8)(dst[c*kernel.Rows:]) = *(*[4]int8)(row[c:])
		}
	}
	if o := int8(p.kern.Offset); o != 0 {
		for j := range panel {
			panel[j] ^= o
		}
	}
	return nil
}
