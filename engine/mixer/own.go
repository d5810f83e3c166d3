package mixer

import (
	"reflect"

	"github.com/llmz/llmz/engine/mixer/cm"
)

// own is what the mixer learns for a lane, or a few neighbouring ones, apart from
// the others: what adapts quickly. Lanes take turns, and if they are of different
// kinds, each would spoil it for the next.
type own struct {
	sm       [modes][numCtx][256]cm.Adaptive // probabilities of the bit histories
	order0   [groups * 16]cm.Adaptive
	order1   [256 * groups * 16]cm.Adaptive
	ind1     [256]uint16   // the two bytes that last followed a byte
	ind2     [65536]uint16 // and two bytes
	modelAPM cm.APM        // refines the model's probability
	net
}

// net is a network's weights, and the map that refines what it says.
type net struct {
	weights  []int32                           // all sets one after another
	byBits   [modes * 256][numSets]int32       // second layer, by the bits so far
	byMatch  [matchBuckets * 16][numSets]int32 // and by the match
	finalAPM cm.APM
	count    uint32 // decisions so far
}

// maxOwn bounds the memory of blocks with many lanes.
const maxOwn = 32

// ownBytes is the memory of one.
func ownBytes(cfg Config) int64 {
	n := int64(reflect.TypeFor[own]().Size()) + netBytes()
	if cfg.Model {
		n += 2 * cm.APMPoints << 8
	}
	return n
}

// netBytes is the memory of a net beside itself.
func netBytes() int64 {
	n := int64(2 * cm.APMPoints << 11)
	for _, size := range setSize {
		n += int64(size) * numInputs * 4
	}
	return n
}

// allocOwn lays out the weights and makes what lanes own.
func (x *Mixer) allocOwn() {
	vectors := 0
	for i, n := range setSize {
		x.base[i] = uint32(vectors)
		vectors += n
	}
	x.own = make([]own, min(x.cfg.Lanes, maxOwn))
	for i := range x.own {
		o := &x.own[i]
		o.net.alloc(vectors)
		if x.cfg.Model {
			o.modelAPM = cm.NewAPM(8, squash)
		}
		fill(o.order0[:], cm.NewAdaptive(32768, 0))
		fill(o.order1[:], cm.NewAdaptive(32768, 0))
	}
}

func (o *net) alloc(vectors int) {
	o.weights = make([]int32, vectors*numInputs)
	o.finalAPM = cm.NewAPM(11, squash)
}

// adopt starts from w, without (v = 0) or with a model (v = 1).
func (o *net) adopt(base [numSets]uint32, w *warm, v int) {
	for k, n := range setSize {
		var first inputs
		for i := range first {
			first[i] = int32(w.Weights[v][k][i]) * (weightOne / 4096)
		}
		for j := range n {
			at := (int(base[k]) + j) * numInputs
			copy(o.weights[at:at+numInputs], first[:])
		}
	}
	for i := range o.byBits {
		for k := range o.byBits[i] {
			o.byBits[i][k] = int32(w.Final[v][k]) * (weightOne / 4096)
		}
	}
	for i := range o.byMatch {
		o.byMatch[i] = o.byBits[0]
	}
}

// adoptMaps takes the probabilities of the bit histories from w.
func (o *own) adoptMaps(w *warm, v int, trust uint32) {
	for m := range o.sm {
		for i := range o.sm[m] {
			for s := range o.sm[m][i] {
				o.sm[m][i][s] = cm.NewAdaptive(uint32(w.SM[v][m][i][s]), trust)
			}
		}
	}
}
