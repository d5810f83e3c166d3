package cpu

import (
	"time"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

// program is a graph that is ready to run: its nodes are sorted into stages, between
// which all threads meet. A stage is a run of nodes that are computed unit by unit,
// each worker taking a unit through all of them.
type program struct {
	_       [apart]byte
	kern    *kernel.Kernel
	pool    *Pool
	columns int
	bytes   int64
	tensors []*tensor // as in the graph
	stages  [][]*tensor
	results []*tensor // those whose values of the last step are kept
	keep    []keeper
	workers []*worker

	n     int    // active columns
	until int    // stages of the step
	round uint64 // counts steps

	begun bool          // a step, which has not ended
	ahead time.Duration // what beginning it has taken

	total, sampled, update time.Duration
	sample                 bool
	_                      [apart]byte
}

// keeper is memory that lives from one step to the next.
type keeper interface {
	// reset makes it as it was at the start.
	reset()
	// stepped is called at the end of each step.
	stepped()
}

// worker is what a thread needs for itself.
type worker struct {
	p      *program
	acc    []int32   // products of a unit, or what else an op needs
	f32    []float32 // local tensors of a unit
	row    []float32 // what an op needs for itself
	heads  [2]head   // likewise, of attention: what is on the stack would be moved off it
	q      [ggml.MaxHead]int8
	sums   [][]int32 // by tensor: sums of activations, see kernel.Kernel.Sums
	summed []uint64  // by tensor: the round they are of
	update time.Duration
	_      [apart]byte
}

// sumsOf returns the sums of the activations a, which are computed once a step; nil
// if the kernel wants none.
func (w *worker) sumsOf(a *tensor, n int) []int32 {
	i := a.Index()
	sums := w.sums[i]
	if sums != nil && w.summed[i] != w.p.round {
		w.p.kern.Sums(sums, a.i8, n, a.columns, pad(a.Ne[0], align)/kernel.Block)
		w.summed[i] = w.p.round
	}
	return sums
}

// Int32s implements ggml.Program.
func (p *program) Int32s(t *ggml.Tensor) []int32 { return p.tensors[t.Index()].i32 }

// Float32s implements ggml.Program.
func (p *program) Float32s(t *ggml.Tensor, column int) []float32 {
	own := p.tensors[t.Index()]
	v := p.values(own).f32
	if v == nil {
		return nil
	}
	return v[column*own.row:][:t.Ne[0]:t.Ne[0]]
}

// Freqs implements ggml.Program.
func (p *program) Freqs(t *ggml.Tensor, column int) ([]uint32, uint32) {
	n := t.Ne[0]
	v := p.values(p.tensors[t.Index()])
	return v.u32[column*n : (column+1)*n : (column+1)*n], v.sum[column]
}

// values returns what the last complete step has computed of t.
func (p *program) values(t *tensor) *values {
	if p.begun {
		return &t.last
	}
	return &t.values
}

// sampleEvery is how many steps share one in which the time of each node is taken.
const sampleEvery = 64

// Step implements ggml.Program. What it computes for a column does not depend on n or
// on the other columns.
func (p *program) Step(n int) { p.step(n, len(p.stages)) }

// StepTo implements ggml.Program.
func (p *program) StepTo(n int, t *ggml.Tensor) { p.step(n, p.tensors[t.Index()].stage+1) }

func (p *program) step(n, stages int) {
	p.begin(n, stages)
	start := time.Now()
	p.pool.Run((*job)(p))
	p.end(time.Since(start))
}

// Begin implements ggml.Program. A step whose nodes are timed is done at once.
func (p *program) Begin(n int) {
	for _, t := range p.results {
		t.values, t.last = t.last, t.values
	}
	p.begun = true
	p.begin(n, len(p.stages))
	start := time.Now()
	if p.sample {
		p.pool.Run((*job)(p))
	} else {
		p.pool.Start((*job)(p))
	}
	p.ahead = time.Since(start)
}

// End implements ggml.Program.
func (p *program) End() {
	if !p.begun {
		return
	}
	start := time.Now()
	p.pool.Finish()
	p.begun = false
	p.end(p.ahead + time.Since(start))
}

// begin prepares a step of so many stages.
func (p *program) begin(n, stages int) {
	p.n, p.until = n, stages
	p.sample = p.round%sampleEvery == 0
	p.round++
}

// end ends a step that the caller has spent d on.
func (p *program) end(d time.Duration) {
	p.total += d
	if p.sample {
		p.sampled += d * time.Duration(len(p.workers))
		for _, w := range p.workers {
			p.update += w.update
			w.update = 0
		}
	}
	for _, k := range p.keep {
		k.stepped()
	}
}

// Times implements ggml.Program. The share of updates is estimated from samples.
func (p *program) Times() (total, update time.Duration) {
	if p.sampled > 0 {
		update = time.Duration(float64(p.total) * float64(p.update) / float64(p.sampled))
	}
	return p.total, min(update, p.total)
}

// Reset implements ggml.Program.
func (p *program) Reset() {
	for _, k := range p.keep {
		k.reset()
	}
}

// MemoryBytes implements ggml.Program.
func (p *program) MemoryBytes() int64 { return p.bytes }

// Close implements ggml.Program.
func (p *program) Close() error {
	p.End()
	p.pool.Close()
	return nil
}

// job is a program in the eyes of its Pool.
type job program

// Chunks returns the number of units of a stage.
func (p *job) Chunks(s int) int {
	if s >= p.until {
		return 0
	}
	return p.stages[s][0].op.work().count(p.n)
}

// Run takes a unit through the nodes of a stage.
func (p *job) Run(s, unit, thread int) {
	w := p.workers[thread]
	if p.sample {
		p.runTimed(w, s, unit)
		return
	}
	for _, t := range p.stages[s] {
		t.op.run(w, t, unit, p.n)
	}
}

func (p *job) runTimed(w *worker, s, unit int) {
	for _, t := range p.stages[s] {
		if _, ok := t.op.(updater); !ok {
			t.op.run(w, t, unit, p.n)
			continue
		}
		start := time.Now()
		t.op.run(w, t, unit, p.n)
		w.update += time.Since(start)
	}
}
