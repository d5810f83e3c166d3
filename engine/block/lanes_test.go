package block

import (
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// TestLanes bounds the lanes of byte models with the mixer, and of nothing else.
func TestLanes(t *testing.T) {
	for _, c := range []struct {
		m        predict.Model
		mixed    bool
		asked, n int
		want     int
	}{
		{nil, true, 0, 1 << 20, 1},
		{lanesModel{kind: predict.Bytes}, false, 0, 1 << 20, 32},
		{lanesModel{kind: predict.Bytes}, true, 0, 1 << 20, mixedLanes},
		{lanesModel{kind: predict.Tokens}, true, 0, 1 << 20, 32},
		{lanesModel{kind: predict.Bytes}, true, 100, 1 << 20, 100},
		{lanesModel{kind: predict.Bytes}, true, 100, 7, 7},
		{nil, true, 3, 2, 2},
	} {
		if got := Lanes(c.m, c.mixed, c.asked, c.n); got != c.want {
			t.Errorf("%+v: %d lanes", c, got)
		}
	}
}

// lanesModel wants many lanes.
type lanesModel struct {
	predict.Model
	kind predict.SymbolKind
}

func (m lanesModel) Info() predict.Info { return predict.Info{Kind: m.kind} }
func (m lanesModel) Lanes(int) int      { return 32 }
