package rich

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"io"
	"sync"

	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/mixer/cm"
)

// The warm start is what the mixer has learned from other data, for each way of reading:
// the initial weights of each set, the probabilities of the bit histories, how far runs and
// matches can be trusted. TestLearnWarmStart writes it.
//
//go:embed warm.bin
var warmFile []byte

// warmUnitsFile is the same for unitInputs.
//
//go:embed warmunits.bin
var warmUnitsFile []byte

// warmLeanFile is the same for leanInputs.
//
//go:embed warmlean.bin
var warmLeanFile []byte

// warm is the warm start of one way of reading, with or without a model.
type warm struct {
	Kind, Model uint8
	// Weights are the first layer's in 1/16384: one vector per set; Final the second layer's.
	Weights [numSets][numInputs]int16
	Final   [numFinal][numSets]int16
	// The others are probabilities in 1/65536.
	SM     [numCtx][256]uint16
	Run    [numCtx][64]uint16
	Conf   [numMatch][matchBuckets * 16]uint16
	Order0 [256]uint16
}

// warmTokensFile is the same for text with a model of tokens.
//
//go:embed warmtokens.bin
var warmTokensFile []byte

// warmTokens is the warm start of one way of reading with a model of tokens.
type warmTokens struct {
	Bytes warm
	// The others are of the ends of tokens.
	Weights [numSets][numInputs]int16
	SM      [numCtx][256]uint16
	Conf    [numMatch][matchBuckets * 16]uint16
}

// warmTrust is how many observations a learned probability counts for.
const warmTrust = 24

// warmTable and the others return the warm starts.
var (
	warmTable       = sync.OnceValue(func() []*warm { return unpack[warm](warmFile) })
	warmUnitsTable  = sync.OnceValue(func() []*warm { return unpack[warm](warmUnitsFile) })
	warmLeanTable   = sync.OnceValue(func() []*warm { return unpack[warm](warmLeanFile) })
	warmTokensTable = sync.OnceValue(func() []*warmTokens { return unpack[warmTokens](warmTokensFile) })
)

// unpack returns the values that a file holds.
func unpack[T any](file []byte) (all []*T) {
	b, err := io.ReadAll(flate.NewReader(bytes.NewReader(file)))
	if err != nil {
		return nil
	}
	for len(b) > 0 {
		w := new(T)
		n, err := binary.Decode(b, binary.LittleEndian, w)
		if err != nil {
			return nil
		}
		all = append(all, w)
		b = b[n:]
	}
	return all
}

// warmFor returns the warm start for a way of reading, nil if there is none.
func warmFor(r reading, model bool) *warm {
	m := uint8(0)
	if model {
		m = 1
	}
	k, table := r.kind, warmTable
	if r.binary() {
		k = content.Plain // other kinds have the same inputs
	}
	switch {
	case r.units():
		table = warmUnitsTable
	case r.lean():
		table = warmLeanTable
	}
	for _, w := range table() {
		if w.Kind == uint8(k) && w.Model == m {
			return w
		}
	}
	return nil
}

// warmTokensFor returns the warm start for content of kind k with a model of tokens, nil if
// there is none.
func warmTokensFor(k content.Kind) *warmTokens {
	for _, w := range warmTokensTable() {
		if w.Bytes.Kind == uint8(k) {
			return w
		}
	}
	return nil
}

// adopt starts from w.
func (n *net) adopt(w *warm) {
	for k, size := range setSize {
		var first inputs
		for i := range first {
			first[i] = int32(w.Weights[k][i]) << 14
		}
		for j := range size {
			copy(n.weights[(base[k]+j)*numInputs:], first[:])
		}
	}
	adopt := func(f [][numSets]int32, from *[numSets]int16) {
		for i := range f {
			for k := range f[i] {
				f[i][k] = int32(from[k]) << 14
			}
		}
	}
	adopt(n.final0[:], &w.Final[0])
	adopt(n.final1[:], &w.Final[1])
	adopt(n.final2[:], &w.Final[2])
}

// adopt starts from w.
func (b *brain) adopt(w *warm) {
	const trust = warmTrust
	b.net.adopt(w)
	for i := range b.sm {
		for s := range b.sm[i] {
			b.sm[i][s] = cm.NewAdaptive(uint32(w.SM[i][s]), trust)
		}
		for k := range b.run[i] {
			b.run[i][k] = cm.NewAdaptive(uint32(w.Run[i][k]), trust)
		}
	}
	for k := range b.conf {
		for i := range b.conf[k] {
			b.conf[k][i] = cm.NewAdaptive(uint32(w.Conf[k][i]), trust)
		}
	}
	for i := range b.order0 {
		b.order0[i] = cm.NewAdaptive(uint32(w.Order0[i]), trust/4)
	}
}

// adoptTokens starts from w.
func (b *brain) adoptTokens(w *warmTokens) {
	b.adopt(&w.Bytes)
	for k, size := range setSize {
		var first inputs
		for i := range first {
			first[i] = int32(w.Weights[k][i]) << 14
		}
		for v := range size {
			if isEnd(k, v) {
				copy(b.weights[(base[k]+v)*numInputs:], first[:])
			}
		}
	}
	for i := range b.ends.sm {
		for s := range b.ends.sm[i] {
			b.ends.sm[i][s] = cm.NewAdaptive(uint32(w.SM[i][s]), warmTrust)
		}
	}
	for k := range b.ends.conf {
		for i := range b.ends.conf[k] {
			b.ends.conf[k][i] = cm.NewAdaptive(uint32(w.Conf[k][i]), warmTrust)
		}
	}
}
