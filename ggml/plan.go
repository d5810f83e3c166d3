package ggml

import (
	"errors"
	"fmt"
	"time"

	"github.com/llmz/llmz/ggml/kernel"
)

// ErrGraph is wrapped by the errors of Graph.Plan.
var ErrGraph = errors.New("graph cannot be planned")

// Plan is a graph that is ready to run: its nodes are sorted into stages between
// which all threads meet, and all memory is allocated. It computes any number of
// times without allocating. It must not be used concurrently.
type Plan struct {
	kern   *kernel.Kernel
	pool   *Pool
	lanes  int
	stages []stage
	states []*State
	worker []*worker

	n     int    // active lanes
	round uint64 // counts computations

	total, sampled, update time.Duration
	sample                 bool
}

// stage is a run of nodes that are computed unit by unit, each worker taking a
// unit through all of them.
type stage struct {
	nodes []*Tensor
}

// worker is what a thread needs for itself.
type worker struct {
	plan   *Plan
	acc    []int32   // products of a unit
	f32    []float32 // local tensors of a unit
	sums   [][]int32 // by node: sums of activations, see kernel.Kernel.Sums
	summed []uint64  // by node: the round they are of
	update time.Duration
	_      [cacheLine]byte
}

// Plan sorts the nodes into stages, allocates all memory and starts threads-1
// workers; Close ends them. The graph must not be planned again.
func (g *Graph) Plan(threads int) (*Plan, error) {
	p := &Plan{kern: g.kern, lanes: g.lanes, states: g.state}
	for _, t := range g.nodes {
		p.place(t)
	}
	for _, s := range p.stages {
		if o := s.nodes[0].op; o.units(g.lanes) > maxChunks {
			g.fail("%s has %d units of work, over %d", o.name(), o.units(g.lanes), maxChunks)
		}
	}
	if g.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGraph, g.err)
	}
	scratch, groups := p.allocate(g)
	if g.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGraph, g.err)
	}
	p.pool = NewPool(threads)
	for range p.pool.Threads() {
		w := &worker{
			plan:   p,
			acc:    aligned[int32](groups * g.lanes * kernel.Rows),
			f32:    aligned[float32](scratch),
			sums:   make([][]int32, len(g.nodes)),
			summed: make([]uint64, len(g.nodes)),
		}
		for i, t := range g.nodes {
			if _, ok := t.op.(*mulMat); ok {
				w.sums[i] = aligned[int32](pad(g.lanes, kernel.Rows))
			}
		}
		p.worker = append(p.worker, w)
	}
	return p, nil
}

// place appends t to the last stage if all it needs is there when a unit reaches
// it, and to a new stage otherwise.
func (p *Plan) place(t *Tensor) {
	last := len(p.stages) - 1
	ok := last >= 0
	if ok {
		first := p.stages[last].nodes[0]
		ok = sameUnits(first.op, t.op)
		for _, s := range t.src {
			if s.stage == last && !t.op.local(s) {
				ok = false
			}
		}
	}
	if !ok {
		p.stages = append(p.stages, stage{})
		last++
	}
	p.stages[last].nodes = append(p.stages[last].nodes, t)
	t.stage = last
}

// sameUnits reports whether two operations have the same number of units however
// many lanes are active.
func sameUnits(a, b op) bool { return a.units(1) == b.units(1) && a.units(2) == b.units(2) }

// allocate decides where each tensor lives. It returns the elements of scratch
// memory a worker needs and the largest number of groups.
func (p *Plan) allocate(g *Graph) (scratch, groups int) {
	users := make(map[*Tensor][]*Tensor)
	for _, t := range g.nodes {
		for _, s := range t.src {
			users[s] = append(users[s], t)
		}
	}
	for _, t := range g.nodes {
		groups = max(groups, t.groups)
		if !t.op.scratch() {
			continue
		}
		t.local = len(users[t]) > 0
		for _, u := range users[t] {
			if u.stage != t.stage || !u.op.local(t) {
				t.local = false
			}
		}
		if t.local {
			t.offset = scratch
			scratch += t.groups * g.lanes * kernel.Rows
			continue
		}
		for _, u := range users[t] {
			if u.op.local(t) {
				g.fail("%s needs %s in its own stage", u.op.name(), t.op.name())
			}
		}
		if t.groups > 1 {
			g.fail("the result of %s has %d groups and is used as a whole", t.op.name(), t.groups)
		}
		t.f32 = aligned[float32](pad(t.Ne[0], kernel.Rows) * g.lanes)
	}
	return scratch, groups
}

// sampleEvery is how many computations share one in which the time of each node
// is taken.
const sampleEvery = 64

// Compute runs the graph for the first n lanes. What it computes for a lane does
// not depend on n or on the other lanes.
func (p *Plan) Compute(n int) {
	p.n = n
	p.sample = p.round%sampleEvery == 0
	p.round++
	start := time.Now()
	p.pool.Run((*planJob)(p))
	d := time.Since(start)
	p.total += d
	if p.sample {
		p.sampled += d * time.Duration(len(p.worker))
		for _, w := range p.worker {
			p.update += w.update
			w.update = 0
		}
	}
	for _, s := range p.states {
		s.flip()
	}
}

// Times returns the time that all computations have taken, and the share of it,
// estimated from samples, that went into updating states.
func (p *Plan) Times() (total, update time.Duration) {
	if p.sampled > 0 {
		update = time.Duration(float64(p.total) * float64(p.update) / float64(p.sampled))
	}
	return p.total, min(update, p.total)
}

// Reset makes all states zero, as they are after Plan.
func (p *Plan) Reset() {
	for _, s := range p.states {
		s.reset()
	}
}

// Close ends the workers.
func (p *Plan) Close() { p.pool.Close() }

// planJob is a Plan in the eyes of its Pool.
type planJob Plan

// Chunks returns the number of units of a stage.
func (p *planJob) Chunks(s int) int {
	if s >= len(p.stages) {
		return 0
	}
	return p.stages[s].nodes[0].op.units(p.n)
}

// Run takes a unit through the nodes of a stage.
func (p *planJob) Run(s, unit, thread int) {
	w := p.worker[thread]
	if p.sample {
		p.runTimed(w, s, unit)
		return
	}
	for _, t := range p.stages[s].nodes {
		t.op.run(w, t, unit, p.n)
	}
}

func (p *planJob) runTimed(w *worker, s, unit int) {
	for _, t := range p.stages[s].nodes {
		if _, ok := t.op.(*cell); !ok {
			t.op.run(w, t, unit, p.n)
			continue
		}
		start := time.Now()
		t.op.run(w, t, unit, p.n)
		w.update += time.Since(start)
	}
}
