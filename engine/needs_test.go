package engine

import (
	"errors"
	"testing"
)

func TestNeeds(t *testing.T) {
	m := newFakeModel("needs")
	small, n, err := Needs(Options{Model: m, Threads: 1}, 10_000)
	if err != nil || n != 1 || small < m.MemoryBytes(1) {
		t.Errorf("small: %d bytes, %d blocks, %v", small, n, err)
	}
	large, _, err := Needs(Options{Model: m, Threads: 1}, 100<<20)
	if err != nil || large <= small || large < 2*DefaultBlockSize {
		t.Errorf("large: %d bytes, small %d, %v", large, small, err)
	}
	bare, _, err := Needs(Options{Model: m, Threads: 1, NoMix: true}, 100<<20)
	if err != nil || bare >= large {
		t.Errorf("bare: %d bytes, mixed %d, %v", bare, large, err)
	}
	if _, n, err := Needs(Options{NoModel: true, Threads: 2, BlockSize: 1 << 20}, 10<<20); err != nil || n != 2 {
		t.Errorf("%d blocks side by side, %v", n, err)
	}
	var limit *MemoryError
	if _, _, err := Needs(Options{Model: m, MemoryLimit: 1000}, 10_000); !errors.As(err, &limit) {
		t.Errorf("limit: %v", err)
	}
	if _, _, err := Needs(Options{NoModel: true}, 0); err != nil {
		t.Errorf("of nothing: %v", err)
	}
}
