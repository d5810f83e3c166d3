package engine

import "github.com/llmz/llmz/engine/predict"

// foresee tells a session the symbols of all lanes, which are data or tokens, where it can
// make use of that.
func foresee(s predict.Session, data []byte, tokens []int32, lanes int) {
	f, ok := s.(predict.Foreseer)
	if !ok {
		return
	}
	if tokens == nil {
		tokens = make([]int32, len(data))
		for i, b := range data {
			tokens[i] = int32(b)
		}
	}
	f.Foresee(cut(tokens, lanes))
}

// cut cuts symbols into lanes: contiguous, and longer ones first.
func cut(symbols []int32, lanes int) [][]int32 {
	short, long := len(symbols)/lanes, len(symbols)%lanes
	parts := make([][]int32, lanes)
	for i := range parts {
		n := short
		if i < long {
			n++
		}
		parts[i], symbols = symbols[:n:n], symbols[n:]
	}
	return parts
}
