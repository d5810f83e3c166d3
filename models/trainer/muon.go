package trainer

import (
	"math"

	"github.com/llmz/llmz/ggml/sgemm"
)

// Muon steps along the orthogonalised momentum of a matrix (Jordan et al., "Muon: an
// optimizer for hidden layers in neural networks", 2024), which moves all of its singular
// directions alike, where AdamW follows the few that dominate the gradient. It suits the
// products inside the layers; embedding, output and vectors stay with AdamW.
const (
	muonMomentum = 0.95
	// muonScale is the norm of a step per unit of the learning rate: what serves AdamW
	// serves Muon, too. It does not depend on the width: as steps of all singular
	// directions are alike, they move what a matrix puts out by as much.
	muonScale = 5
	// muonRounds of the Newton-Schulz iteration bring the singular values to about 1.
	muonRounds = 5
)

// The quintic a*x + b*x^3 + c*x^5 of that iteration.
const muonA, muonB, muonC = 3.4445, -4.7750, 2.0315

// muon steps one part of a matrix: gates, for one, are separate maps that share an
// input, so each is orthogonalised for itself.
type muon struct {
	t          tensor
	x, next    []float32 // [rows][cols]
	gram, poly []float32 // square, of the shorter side
	w          sgemm.Workspace
}

func newMuon(t tensor) *muon {
	side := min(t.rows, t.cols)
	return &muon{t: t, x: make([]float32, t.size()), next: make([]float32, t.size()),
		gram: make([]float32, side*side), poly: make([]float32, side*side)}
}

// newMuons returns the steppers of the matrices inside the layers.
func newMuons(p *params) []*muon {
	var list []*muon
	for _, t := range p.list {
		for i := range t.parts {
			part := t
			part.rows /= t.parts
			part.offset += i * part.size()
			list = append(list, newMuon(part))
		}
	}
	return list
}

// step moves the weights w with the gradient g times scale; m is the momentum.
func (u *muon) step(kernel *sgemm.Kernel, w, m, g []float32, scale, rate, decay float32) {
	w, m, g = u.t.in(w), u.t.in(m), u.t.in(g)
	sum := 0.0
	for i, v := range g {
		v *= scale
		m[i] = muonMomentum*m[i] + v
		v += muonMomentum * m[i]
		u.x[i] = v
		sum += float64(v) * float64(v)
	}
	inverse := float32(1 / max(math.Sqrt(sum), 1e-12))
	for i := range u.x {
		u.x[i] *= inverse
	}
	for range muonRounds {
		u.round(kernel)
	}
	length := rate * muonScale * float32(math.Sqrt(max(1, float64(u.t.rows)/float64(u.t.cols))))
	keep := 1 - rate*decay
	for i, v := range u.x {
		w[i] = keep*w[i] - length*v
	}
}

// round is one step of the Newton-Schulz iteration on x.
func (u *muon) round(kernel *sgemm.Kernel) {
	side := min(u.t.rows, u.t.cols)
	x, gram, poly := sgemm.Dense(u.x, u.t.rows, u.t.cols), sgemm.Dense(u.gram, side, side), sgemm.Dense(u.poly, side, side)
	multiply := func(alpha float32, a, b sgemm.Matrix, beta float32, c sgemm.Matrix) {
		if err := kernel.Gemm(&u.w, alpha, a, b, beta, c, 1); err != nil {
			panic(err) // the shapes are fixed above
		}
	}
	tall := u.t.rows > u.t.cols
	if tall {
		multiply(1, x.T(), x, 0, gram)
	} else {
		multiply(1, x, x.T(), 0, gram)
	}
	copy(u.poly, u.gram)
	multiply(muonC, gram, gram, muonB, poly)
	copy(u.next, u.x)
	next := sgemm.Dense(u.next, u.t.rows, u.t.cols)
	if tall {
		multiply(1, x, poly, muonA, next)
	} else {
		multiply(1, poly, x, muonA, next)
	}
	u.x, u.next = u.next, u.x
}
