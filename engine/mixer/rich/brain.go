package rich

import "github.com/llmz/llmz/engine/mixer/cm"

// brain is what is learned of one kind of content, by a lane or a few neighbouring ones.
type brain struct {
	histories
	ends   *histories              // of the ends of tokens, nil where symbols are bytes
	run    [numCtx][64]cm.Adaptive // that the last byte in a context comes again
	order0 [256]cm.Adaptive
	order1 [256 * 256]cm.Adaptive
	net
	model0 cm.APM // of the model's probability, by the bits so far
}

// histories is what is learned of what contexts and matches foretell.
type histories struct {
	sm   [numCtx][256]cm.Adaptive                 // probabilities of the bit histories
	conf [numMatch][matchBuckets * 16]cm.Adaptive // that a match is right
}

// net is a network's weights.
type net struct {
	weights []int32                                            // all sets one after another
	final0  [256][numSets]int32                                // second layer, by the bits so far
	final1  [2 * (matchBuckets + 1) * positions][numSets]int32 // by the match
	final2  [selectorSize + 1][numSets]int32
	count   uint32 // decisions so far
	schedule
	// maps refine what it says: by the bits so far and the match, the last byte, the last
	// two bytes (nil where the reading has none), and the input set's selector.
	maps [numMaps]*cm.APM
}

// schedule says how fast a network learns: the first layer at slow plus what is left of fast,
// and the second final times as fast as in version 3.
type schedule struct{ slow, fast, final int32 }

// positions are those of a byte's bits, and endPos, that of whether a token ends.
const (
	positions = 9
	endPos    = 8
)

// setSize is the number of weight vectors in each set. The last one of those that are not
// chosen by the position is for the ends of tokens.
var setSize = [numSets]uint32{
	256,                                // the bits so far
	256 + 1,                            // the last byte
	2 * (matchBuckets + 1) * positions, // the longest match, what it expects, bit position
	9 * positions,                      // how many orders know the context, bit position
	256 + 1,                            // the last byte but one
	confidences * positions,            // the model's confidence, bit position
	512 + 1,                            // classes of the last three bytes
	257 + 1,                            // the byte that a match expects
	selectorSize + 1,                   // the input set's
	selectorSize + 1,
	256 + 1, // the byte before those
}

// byPosition tells which sets are chosen by the position, too.
var byPosition = [numSets]bool{2: true, 3: true, 5: true}

// isEnd tells whether vector v of a set is for the ends of tokens. In the first set that is the
// one of no bits at all.
func isEnd(set int, v uint32) bool {
	switch {
	case set == 0:
		return v == 0
	case byPosition[set]:
		return v%positions == endPos
	}
	return v == setSize[set]-1
}

// confidences is the number of steps of a model's confidence.
const confidences = 24

// base is where each set begins, in vectors; numVectors is their number.
var (
	base       [numSets]uint32
	numVectors uint32
)

func init() {
	for i, n := range setSize {
		base[i] = numVectors
		numVectors += n
	}
}

func newBrain(r reading, model, tokens bool) *brain {
	b := new(brain)
	for i := range b.sm {
		for s := range b.sm[i] {
			h := cm.States[s]
			p := (h.N1*2 + 1) * 65536 / ((h.N0+h.N1)*2 + 2)
			b.sm[i][s] = cm.NewAdaptive(uint32(min(max(p, 64), 65536-64)), 6)
		}
		for k := range b.run[i] {
			c := k & 15
			b.run[i][k] = cm.NewAdaptive(uint32(65535-65536/(2*c+3)), 6)
		}
	}
	fill(b.order0[:], cm.NewAdaptive(32768, 0))
	fill(b.order1[:], cm.NewAdaptive(32768, 0))
	for k := range b.conf {
		for i := range b.conf[k] {
			b.conf[k][i] = cm.NewAdaptive(uint32(65535-65536/(i/16+3)), 6)
		}
	}
	if tokens {
		ends := b.histories
		b.ends = &ends
	}
	b.net.init(r, model)
	if w := warmTokensFor(r.kind); w != nil && tokens {
		b.adoptTokens(w)
	} else if w := warmFor(r, model); w != nil {
		b.adopt(w)
	}
	if model {
		b.model0 = cm.NewAPM(8, squash)
	}
	return b
}

// common is what all lanes share of a kind of content.
type common struct {
	maps   [2]*cm.APM // by the last byte, and the last two, nil where the reading has none
	model1 cm.APM     // of the model's probability, by the last byte
	// alone is the network of the mixer alone, where bytes may be coded without the model. With
	// the model, it follows a part of the bytes, to tell what would have come of them.
	alone *net
}

func newCommon(r reading, model, alone bool) *common {
	c := &common{maps: r.newMaps()}
	if model {
		c.model1 = cm.NewAPM(mapLog, squash)
	}
	if alone {
		c.alone = new(net)
		c.alone.init(r, false)
		if w := warmFor(r, false); w != nil {
			c.alone.adopt(w)
		}
		c.alone.refineWith(r.newMaps())
	}
	return c
}

// newMaps makes the maps by the last byte and the last two. Those of the last two are worth 0.02 to
// 0.05% of text, and their 4 MB do not stay in a cache beside a network.
func (r reading) newMaps() (maps [2]*cm.APM) {
	for i := range maps {
		if i == 0 || !r.lean() {
			a := cm.NewAPM(mapLog, squash)
			maps[i] = &a
		}
	}
	return maps
}

const (
	mapLog    = 16 // log2 of the contexts of the maps that lanes share
	matchMap  = 10
	selectLog = 10
)

// refineWith gives the network its maps.
func (n *net) refineWith(byBytes [2]*cm.APM) {
	a, b := cm.NewAPM(matchMap, squash), cm.NewAPM(selectLog, squash)
	n.maps = [numMaps]*cm.APM{&a, byBytes[0], byBytes[1], &b}
}

// numMaps is the number of maps that refine what a network says.
const numMaps = 4

// init lays out a network that knows nothing.
func (n *net) init(r reading, model bool) {
	n.schedule = r.schedule()
	n.weights = make([]int32, numVectors*numInputs)
	var first inputs
	for i := range numCtx {
		first[inCtx+i*inputsPerCtx] = weightOne / 10
		first[inCtx+i*inputsPerCtx+1] = weightOne / 40
		first[inCtx+i*inputsPerCtx+3] = weightOne / 40
	}
	for i := range 3 * numMatch {
		first[inMatch+i] = weightOne / 10
	}
	first[inOrder] = weightOne / 20
	first[inOrder+1] = weightOne / 20
	for i := range numDirect {
		first[inDirect+i] = weightOne / 10
	}
	if model {
		for i := range first {
			first[i] /= 4
		}
		first[inModel] = weightOne * 2 / 3
	}
	for j := range int(numVectors) {
		copy(n.weights[j*numInputs:], first[:])
	}
	for i := range n.final0 {
		fill(n.final0[i][:], weightOne/numSets)
	}
	for i := range n.final1 {
		fill(n.final1[i][:], weightOne/numSets)
	}
	for i := range n.final2 {
		fill(n.final2[i][:], weightOne/numSets)
	}
}
