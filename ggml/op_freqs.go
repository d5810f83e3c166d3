package ggml

// OpFreqs is the operation of Graph.Freqs.
type OpFreqs struct{}

// Name implements Op.
func (OpFreqs) Name() string { return "freqs" }

// Freqs adds the integer frequencies of logits: 1 + floor(exp(logit - max) * 2^23),
// and their sum. The number of logits must be a multiple of 16, at most 256, so that
// the sum is under 2^32.
func (g *Graph) Freqs(logits *Tensor) *Tensor {
	n := logits.Ne[0]
	if logits.Type != F32 || n%16 != 0 || n > 256 {
		g.fail("frequencies of %d %v logits", n, logits.Type)
	}
	return g.add("freqs", I32, n, OpFreqs{}, logits)
}
