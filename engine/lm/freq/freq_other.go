//go:build !amd64 || noasm

package freq

func maximum(logits []float32) float32 { return maximumGeneric(logits) }

func exps(f []uint32, logits []float32, m float32) uint64 { return expsGeneric(f, logits, m) }

func finish(f []uint32, shift uint) uint64 { return finishGeneric(f, shift) }
