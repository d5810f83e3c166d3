package mixer

import (
	_ "embed"
	"encoding/binary"
	"sync"

	"github.com/llmz/llmz/engine/mixer/cm"
)

// The warm start is what the mixer has learned from other data: the initial
// weights of each set, with and without a model, the probabilities of the bit
// histories and how far matches can be trusted. TestLearnWarmStart writes it.
//
//go:embed warm.bin
var warmFile []byte

// warm is the content of warm.bin, all little-endian 16-bit numbers.
type warm struct {
	// weights are the first layer's, one vector per set, and final the second layer's,
	// in 1/4096; [0] without and [1] with a model.
	Weights [2][numSets][numInputs]int16
	Final   [2][numSets]int16
	// sm are the probabilities of the bit histories in 1/65536.
	SM [2][modes][numCtx][256]uint16
	// conf are the match models' probabilities in 1/65536.
	Conf [2][numMatch][matchBuckets * 16]uint16
}

// warmTrust is how many observations a learned probability counts for.
const warmTrust = 24

// readWarm parses a warm start.
func readWarm(b []byte) (*warm, bool) {
	w := new(warm)
	n, err := binary.Decode(b, binary.LittleEndian, w)
	return w, err == nil && n == len(b)
}

var warmTable = sync.OnceValues(func() (*warm, bool) { return readWarm(warmFile) })

// coldStart returns a warm start that knows nothing.
func coldStart() *warm {
	w := new(warm)
	for model := range w.Weights {
		for k := range w.Weights[model] {
			v := &w.Weights[model][k]
			for i := range numCtx {
				v[2*i] = 4096 / 5
			}
			for i := range 3 {
				v[inOrder+i] = 4096 / 8
			}
			for i := range 2 * numMatch {
				v[inMatch+i] = 4096 / 8
			}
			if model == 1 {
				for i := range v {
					v[i] /= 4
				}
				v[inModel] = 4096 * 2 / 3
				v[inModel+2] = 4096 / 8
				v[inModel+3] = 4096 / 8
			}
			w.Final[model][k] = 4096 / numSets
		}
		for m := range modes {
			for i := range numCtx {
				for s := range 256 {
					h := cm.States[s]
					p := (h.N1*2 + 1) * 65536 / ((h.N0+h.N1)*2 + 2)
					w.SM[model][m][i][s] = uint16(min(max(p, 64), 65536-64))
				}
			}
		}
		for k := range numMatch {
			for i := range w.Conf[model][k] {
				w.Conf[model][k][i] = uint16(65535 - 65536/(i/16+3))
			}
		}
	}
	return w
}

// adopt starts from w.
func (x *Mixer) adopt(w *warm, trust uint32) {
	v := 0
	if x.cfg.Model {
		v = 1
	}
	for i := range x.own {
		x.own[i].adopt(x.base, w, v)
		x.own[i].adoptMaps(w, v, trust)
	}
	if x.alone != nil {
		x.alone.adopt(x.base, w, 0)
	}
	for k := range x.matches {
		for i, p := range w.Conf[v][k] {
			x.matches[k].conf[0][i] = cm.NewAdaptive(uint32(p), trust)
		}
		x.matches[k].conf[1] = x.matches[k].conf[0]
	}
}
