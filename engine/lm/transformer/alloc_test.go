package transformer

import (
	"testing"

	"github.com/llmz/llmz/ggml"
)

// TestStepAllocates: steps allocate nothing, on any number of columns.
func TestStepAllocates(t *testing.T) {
	for _, c := range testModels {
		m := open(t, testdata(c.model...), Options{})
		g := m.graph(4, 4)
		p, err := m.backend.Compile(g.Graph, ggml.CompileOptions{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			p.Int32s(g.seq)[i] = int32(i)
		}
		if n := testing.AllocsPerRun(20, func() { p.Step(4) }); n > 0 {
			t.Errorf("%s: %v allocations in a step", c.name, n)
		}
		p.Close()
	}
}
