package main

import (
	"context"
	"fmt"

	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/rnn"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/models/convert"
	"github.com/llmz/llmz/models/trainer"
	"github.com/llmz/llmz/models/trainer/vocab"
)

// defaultShapes are the shapes of the bundled models.
var defaultShapes = map[string]trainer.Shape{
	"lstm": {Arch: "lstm", Layers: 1, Hidden: 288, Embed: 64},
	"gru":  {Arch: "gru", Layers: 3, Hidden: 512, Embed: 128},
	"gpt":  {Arch: trainer.GPT, Layers: 4, Hidden: 256, Context: 512},
	"gpt2": {Arch: trainer.GPT2, Layers: 4, Hidden: 256, Context: 512},
}

// headUnits is the size of a head unless the number of heads is given.
const headUnits = 64

// completeTransformer fills in what follows from the width of a transformer.
func completeTransformer(s *trainer.Shape) {
	if s.Heads == 0 {
		s.Heads = max(1, s.Hidden/headUnits)
	}
	s.KVHeads = s.Heads
	if s.Inner = 4 * s.Hidden; s.Arch == trainer.GPT {
		s.Inner = (8*s.Hidden/3 + 63) / 64 * 64 // as many weights, in three matrices
	}
}

// shape settles the architecture, from the model to start with if there is one.
func (o *trainOptions) shape(ctx context.Context, a *app, changed func(string) bool) error {
	s := &o.config.Shape
	if o.init == "" {
		d, ok := defaultShapes[s.Arch]
		if !ok {
			return usagef("unknown architecture %q: use lstm, gru or gpt", s.Arch)
		}
		for _, v := range []struct {
			flag string
			dst  *int
			def  int
		}{{"layers", &s.Layers, d.Layers}, {"hidden", &s.Hidden, d.Hidden}, {"embed", &s.Embed, d.Embed}, {"context", &s.Context, d.Context}} {
			switch {
			case !changed(v.flag):
				*v.dst = v.def
			case v.def == 0:
				return usagef("--%s means nothing to a %s", v.flag, s.Arch)
			}
		}
		check := *s
		if s.Transformer() {
			completeTransformer(s)
			if check = *s; check.Vocabulary == 0 {
				check.Vocabulary = vocab.Least // the corpus decides
			}
		} else if changed("heads") || changed("vocabulary") {
			return usagef("--heads and --vocabulary mean nothing to a %s", s.Arch)
		}
		if err := check.Validate(); err != nil {
			return &usageError{err: err}
		}
		return nil
	}
	if m, err := loadTransformer(ctx, a, o.init); m != nil || err != nil {
		return o.adapt(m, changed, err)
	}
	n, err := loadNetwork(ctx, a, o.init)
	if err != nil {
		return err
	}
	is := trainer.Shape{Arch: n.Cell, Layers: n.Layers, Hidden: n.Hidden, Embed: n.Embed}
	if changed("arch") && s.Arch != is.Arch || changed("layers") && s.Layers != is.Layers ||
		changed("hidden") && s.Hidden != is.Hidden || changed("embed") && s.Embed != is.Embed {
		return usagef("%s is a %s of %d layers of %d with an embedding of %d: --init keeps it so",
			o.init, is.Arch, is.Layers, is.Hidden, is.Embed)
	}
	*s = is
	o.config.Init = map[string][]float32{}
	for name, t := range n.Tensors {
		o.config.Init[name] = t.Data
	}
	return nil
}

// adapt takes the shape, the vocabulary and the weights of a transformer.
func (o *trainOptions) adapt(m *trainer.Model, changed func(string) bool, err error) error {
	if err != nil {
		return err
	}
	s, is := &o.config.Shape, m.Shape
	if changed("context") && is.Arch == trainer.GPT {
		is.Context = s.Context // rotary positions go on for ever
	}
	for _, v := range []struct {
		flag    string
		has, is int
	}{{"layers", s.Layers, is.Layers}, {"hidden", s.Hidden, is.Hidden}, {"heads", s.Heads, is.Heads},
		{"vocabulary", s.Vocabulary, is.Vocabulary}, {"context", s.Context, is.Context}} {
		if changed(v.flag) && v.has != v.is {
			return usagef("%s has a --%s of %d: --init keeps it so", o.init, v.flag, v.is)
		}
	}
	if changed("arch") && s.Arch != is.Arch || changed("embed") {
		return usagef("%s is a %s: --init keeps it so", o.init, is.Arch)
	}
	*s = is
	o.config.Vocabulary, o.config.Init = m.Vocabulary, m.Weights
	if err := s.Validate(); err != nil {
		return &usageError{err: err}
	}
	return nil
}

// loadTransformer reads a transformer by name or path; nil if it is a model of another
// kind.
func loadTransformer(ctx context.Context, a *app, name string) (*trainer.Model, error) {
	f, err := openWeights(ctx, a, name)
	if f == nil || err != nil {
		return nil, err
	}
	defer f.Close()
	if arch, err := gguf.Get[string](f, "general.architecture"); err == nil && arch == rnn.Architecture {
		return nil, nil
	}
	m, err := trainer.ReadModel(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// openWeights opens a model by name or path; nil if it is no GGUF file.
func openWeights(ctx context.Context, a *app, name string) (*gguf.File, error) {
	if b, ok := models.BundledFile(name); ok {
		return gguf.Parse(b)
	}
	path := name
	if !filejob.Exists(name) {
		e, err := a.models.Describe(ctx, name)
		if err != nil {
			return nil, err
		}
		path = e.Path
	}
	f, err := gguf.Open(path)
	if err != nil {
		return nil, nil // weights in another format
	}
	return f, nil
}

// loadNetwork reads the weights of a model by name or path.
func loadNetwork(ctx context.Context, a *app, name string) (*convert.Network, error) {
	if b, ok := models.BundledFile(name); ok {
		return convert.Read(b)
	}
	if filejob.Exists(name) {
		return convert.Load(name)
	}
	e, err := a.models.Describe(ctx, name)
	if err != nil {
		return nil, err
	}
	return convert.Load(e.Path)
}
