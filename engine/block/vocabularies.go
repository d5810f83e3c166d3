package block

import (
	"runtime/debug"
	"sync"

	"github.com/llmz/llmz/engine/mixer/tokens"
	"github.com/llmz/llmz/engine/predict"
)

// Vocabularies keep the sorted vocabulary of the model that was used last: sorting
// takes longer than coding a small block. They may be used by several goroutines.
type Vocabularies struct {
	mu    sync.Mutex
	model predict.TokenModel
	v     *tokens.Vocabulary

	measured predict.TokenModel
	most     int // bytes of its longest token
}

// longest returns the number of bytes of the model's longest token.
func (c *Vocabularies) longest(tm predict.TokenModel) int {
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

func (c *Vocabularies) of(tm predict.TokenModel) (*tokens.Vocabulary, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.model == tm {
		return c.v, nil
	}
	v, err := tokens.NewVocabulary(tm.Info().Alphabet, tm.TokenBytes)
	if err != nil {
		return nil, err
	}
	c.model, c.v = tm, v
	return v, nil
}

// bigMixer is the size from which a mixer's memory is collected before the next
// one is made.
const bigMixer = 64 << 20

// makeRoom makes room for a mixer.
func makeRoom(n int64) {
	if n >= bigMixer {
		// The last block's mixer is garbage by now. Left to itself, the collector would
		// wait until there is as much again; and pages that it merely keeps for later
		// count, too, where the new mixer does not fit into the holes of the old.
		debug.FreeOSMemory()
	}
}
