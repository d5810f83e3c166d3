package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
)

// bundledDigest is the number of digest bytes that archives keep of models which
// are part of the program, and whose full digest it knows.
const bundledDigest = 8

// archiveModel returns what an archive records of a model.
func archiveModel(info predict.Info) *archive.Model {
	digest := info.Digest
	if info.Bundled && len(digest) > bundledDigest {
		digest = digest[:bundledDigest]
	}
	return &archive.Model{
		Name: info.Name, Digest: digest, Numerics: info.Numerics, Portability: uint8(info.Portability),
		Tokens: info.Kind == predict.Tokens, Runtime: info.Runtime,
	}
}

// modelRef is the reverse of archiveModel.
func modelRef(m *archive.Model) predict.Ref {
	return predict.Ref{
		Name: m.Name, Digest: m.Digest, Numerics: m.Numerics,
		Portability: predict.Portability(m.Portability), Runtime: m.Runtime,
	}
}

// ModelRef returns the reference to the model that a member of an archive needs, and
// false if it needs none.
func ModelRef(h *archive.Header) (predict.Ref, bool) {
	if h.Model == nil {
		return predict.Ref{}, false
	}
	return modelRef(h.Model), true
}

func headerMeta(h *archive.Header) Meta { return Meta{Name: h.Name, Time: h.Time, Mode: h.Mode} }

// checkModel makes sure that a resolver brought what the archive needs.
func checkModel(want *archive.Model, info predict.Info) error {
	ref := modelRef(want)
	n := min(len(want.Digest), len(info.Digest))
	if !bytes.Equal(want.Digest[:n], info.Digest[:n]) || n < min(len(want.Digest), bundledDigest) ||
		want.Numerics != info.Numerics || want.Tokens != (info.Kind == predict.Tokens) || !maps.Equal(want.Runtime, info.Runtime) {
		return &MismatchError{Want: ref, Have: info.Ref}
	}
	return nil
}

func describe(r predict.Ref) string {
	s := fmt.Sprintf("%s (SHA-256 %x…, numerics %d", r.Name, r.Digest[:min(len(r.Digest), bundledDigest)], r.Numerics)
	if len(r.Runtime) > 0 {
		s += ", " + settings(r.Runtime)
	}
	return s + ")"
}

func settings(m map[string]string) string {
	var s []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		s = append(s, k+" "+m[k])
	}
	if len(s) == 0 {
		return "no runtime settings"
	}
	return strings.Join(s, ", ")
}

// modelCache resolves the models of an archive's members, each one once.
type modelCache struct {
	resolver predict.Resolver
	models   []cached

	vocabularies vocabularies
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
	ref := modelRef(h.Model)
	if c.resolver == nil {
		return nil, fmt.Errorf("%s: no resolver is set: %w", ref.Name, predict.ErrModelMissing)
	}
	m, err := c.resolver.Resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := checkModel(h.Model, m.Info()); err != nil {
		m.Close()
		return nil, err
	}
	c.models = append(c.models, cached{h.Model, m})
	return m, nil
}

// sameModel tells whether two members need the same model, whatever they call it.
func sameModel(a, b *archive.Model) bool {
	n := min(len(a.Digest), len(b.Digest))
	return n >= bundledDigest && bytes.Equal(a.Digest[:n], b.Digest[:n]) && a.Numerics == b.Numerics &&
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
