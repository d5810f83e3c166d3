package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/block"
	"github.com/llmz/llmz/engine/predict"
)

// ModelRef returns the reference to the model that a member of an archive needs, and
// false if it needs none.
func ModelRef(h *archive.Header) (predict.Ref, bool) {
	if h.Model == nil {
		return predict.Ref{}, false
	}
	return block.Ref(h.Model), true
}

func headerMeta(h *archive.Header) Meta { return Meta{Name: h.Name, Time: h.Time, Mode: h.Mode} }

// modelCache resolves the models of an archive's members, each one once.
type modelCache struct {
	resolver predict.Resolver
	models   []cached

	vocabularies block.Vocabularies
}

type cached struct {
	want  *archive.Model
	model predict.Model
}

// get returns the model that h names, nil if it names none.
func (c *modelCache) get(ctx context.Context, h *archive.Header) (predict.Model, error) {
	if h.Model == nil {
		return nil, nil
	}
	for _, m := range c.models {
		if sameModel(m.want, h.Model) {
			return m.model, nil
		}
	}
	ref := block.Ref(h.Model)
	if c.resolver == nil {
		return nil, fmt.Errorf("%s: no resolver is set: %w", ref.Name, predict.ErrModelMissing)
	}
	m, err := c.resolver.Resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := block.CheckModel(h.Model, m.Info()); err != nil {
		m.Close()
		return nil, err
	}
	c.models = append(c.models, cached{h.Model, m})
	return m, nil
}

// sameModel tells whether two members need the same model, whatever they call it.
func sameModel(a, b *archive.Model) bool {
	n := min(len(a.Digest), len(b.Digest))
	return n >= block.BundledDigest && bytes.Equal(a.Digest[:n], b.Digest[:n]) && a.Numerics == b.Numerics &&
		a.Portability == b.Portability && a.Tokens == b.Tokens && maps.Equal(a.Runtime, b.Runtime)
}

// others returns what the models but m take in memory.
func (c *modelCache) others(m predict.Model) (n int64) {
	for _, o := range c.models {
		if o.model != m {
			n += o.model.MemoryBytes(1)
		}
	}
	return n
}

func (c *modelCache) close() error {
	var err error
	for _, m := range c.models {
		err = errors.Join(err, m.model.Close())
	}
	c.models = nil
	return err
}
