package engine

import (
	"runtime"
	"sync"

	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/predict"
)

// vocabularies keeps the sorted vocabulary of the model that was used last: sorting
// takes longer than coding a small block. It may be used by several goroutines.
type vocabularies struct {
	mu    sync.Mutex
	model predict.TokenModel
	v     *mixer.Vocabulary

	measured predict.TokenModel
	most     int // bytes of its longest token
}

// longest returns the number of bytes of the model's longest token.
func (c *vocabularies) longest(tm predict.TokenModel) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.measured != tm {
		c.measured, c.most = tm, 0
		for t := range tm.Info().Alphabet {
			c.most = max(c.most, len(tm.TokenBytes(int32(t))))
		}
	}
	return c.most
}

func (c *vocabularies) of(tm predict.TokenModel) (*mixer.Vocabulary, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.model == tm {
		return c.v, nil
	}
	v, err := mixer.NewVocabulary(tm.Info().Alphabet, tm.TokenBytes)
	if err != nil {
		return nil, err
	}
	c.model, c.v = tm, v
	return v, nil
}

// newTokenMixer makes the mixer of a block for a model of tokens. It codes the numbers of bytes of the lanes: when encoding, tokens are the
// block's; when decoding, they are nil.
func (vs *vocabularies) newTokenMixer(c mixer.BitCoder, cfg mixer.Config, tm predict.TokenModel, tokens []int32) (*mixer.Mixer, error) {
	v, err := vs.of(tm)
	if err != nil {
		return nil, err
	}
	var laneBytes []int
	if tokens != nil {
		laneBytes = make([]int, cfg.Lanes)
		at := 0
		for i := range laneBytes {
			n := len(tokens) / cfg.Lanes
			if i < len(tokens)%cfg.Lanes {
				n++
			}
			for _, t := range tokens[at : at+n] {
				laneBytes[i] += len(tm.TokenBytes(t))
			}
			at += n
		}
	}
	cfg.Model = true
	if mixer.MemoryBytes(cfg) >= bigMixer {
		runtime.GC() // as in newMixer
	}
	return mixer.NewTokens(cfg, v, c, laneBytes)
}
