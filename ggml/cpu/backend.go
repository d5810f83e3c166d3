package cpu

import (
	"sync"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

// Backend is the CPU as a ggml.Backend, with the weights packed for one kernel.
type Backend struct {
	kern *kernel.Kernel

	mu     sync.Mutex
	packed map[*ggml.Matrix]*packed
}

var _ ggml.Backend = (*Backend)(nil)

// New returns a back end that computes with the kernel of that name; "" stands for
// the best one of this machine that package simd allows.
func New(name string) (*Backend, error) {
	k, err := defaultKernel()
	if name != "" {
		k, err = findKernel(name)
	}
	if err != nil {
		return nil, err
	}
	return newBackend(k), nil
}

func newBackend(k *kernel.Kernel) *Backend {
	return &Backend{kern: k, packed: make(map[*ggml.Matrix]*packed)}
}

// Name implements ggml.Backend.
func (b *Backend) Name() string { return "cpu" }

// Kernel implements ggml.Backend.
func (b *Backend) Kernel() string { return b.kern.Name }

// Load implements ggml.Backend.
func (b *Backend) Load(ms ...*ggml.Matrix) error {
	for _, m := range ms {
		if _, err := b.matrix(m); err != nil {
			return err
		}
	}
	return nil
}

// matrix returns the packed form of m, which is made at the first call.
func (b *Backend) matrix(m *ggml.Matrix) (*packed, error) {
	b.mu.Lock()
	p := b.packed[m]
	if p == nil {
		p = newPacked(b.kern, m)
		b.packed[m] = p
	}
	b.mu.Unlock()
	p.once.Do(func() { p.err = p.pack(m) })
	return p, p.err
}

// Memory implements ggml.Backend.
func (b *Backend) Memory(g *ggml.Graph, o ggml.CompileOptions) (ggml.Memory, error) {
	c, err := b.compile(g, o, true)
	if err != nil {
		return ggml.Memory{}, err
	}
	return ggml.Memory{Weights: c.weightBytes(), Program: c.mem.bytes}, nil
}

// Compile implements ggml.Backend.
func (b *Backend) Compile(g *ggml.Graph, o ggml.CompileOptions) (ggml.Program, error) {
	c, err := b.compile(g, o, false)
	if err != nil {
		return nil, err
	}
	return c.p, nil
}

// Close implements ggml.Backend.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.packed)
	return nil
}
