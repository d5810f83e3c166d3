package ggml

import "time"

// Backend runs graphs on a kind of processor. It holds the weights of the matrices
// that it has seen, packed for that processor; all its programs share them. A model
// has one back end, and a block being coded has a program. Its methods may be called
// concurrently.
type Backend interface {
	// Name tells the kind of processor: "cpu".
	Name() string
	// Kernel names the code that computes there: "avx512vnni".
	Kernel() string
	// Load packs matrices, with all cores, so that no program has to. Afterwards this
	// back end needs their canonical weights no more; see Matrix.Release.
	Load(m ...*Matrix) error
	// Memory returns what a program would take, without making one.
	Memory(g *Graph, o CompileOptions) (Memory, error)
	// Compile makes a program, packing the matrices that are not yet loaded. Errors
	// about the graph wrap ErrGraph.
	Compile(g *Graph, o CompileOptions) (Program, error)
	// Close frees the weights. All programs must have been closed.
	Close() error
}

// CompileOptions are the options of Backend.Compile.
type CompileOptions struct {
	// Threads is the number of threads that compute, the caller of Step among them;
	// at least 1. It never changes a result.
	Threads int
	// Ahead says that results, of which the graph makes no further use, are kept while the
	// next step is under way.
	Ahead bool
}

// Memory is a number of bytes that a program takes.
type Memory struct {
	Weights int64 // of packed matrices and tables, shared with other programs
	Program int64 // of its own
}

// Program is a graph that is ready to run, with all memory allocated. It must not be
// used concurrently.
type Program interface {
	// Int32s returns the elements of an input, one per column, to be set before Step.
	Int32s(t *Tensor) []int32
	// Step computes the first n columns. Nothing is allocated.
	Step(n int)
	// Begin starts a Step on the program's other threads and returns; End takes part in it
	// and returns when it is done. Between the two no input may be set, and only the results
	// of the step before may be asked for, where CompileOptions.Ahead keeps them.
	Begin(n int)
	End()
	// StepTo computes no more of the first n columns than it takes to reach t.
	StepTo(n int, t *Tensor)
	// Float32s returns the elements of a column of an F32 tensor; nil for intermediate
	// results, which are not kept. The slice is valid until the next step.
	Float32s(t *Tensor, column int) []float32
	// Freqs returns the integer frequencies of a column, and their sum, of the result
	// of Graph.Freqs. The slice is valid until the next step. Calls for different
	// columns may run at the same time.
	Freqs(t *Tensor, column int) ([]uint32, uint32)
	// Reset makes all states zero, as they are at the start.
	Reset()
	// Times returns the time that all steps have taken, and the share of it that went
	// into updating states.
	Times() (total, update time.Duration)
	// MemoryBytes returns the bytes of the program's own memory.
	MemoryBytes() int64
	// Close ends the program's threads.
	Close() error
}
