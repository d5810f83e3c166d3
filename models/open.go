package models

import (
	"context"
	"fmt"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/rnn"
	"github.com/llmz/llmz/ggml/gguf"
)

// rnnArchitecture is the general.architecture of the networks that package rnn
// runs.
const rnnArchitecture = "llmz-rnn"

// Numerics is the number of the arithmetic contract of the networks of our own
// (ggml/NUMERICS.md).
const Numerics = rnn.Numerics

// openFile loads the model in a GGUF file. Networks of our own are loaded whole;
// everything else is a language model. ref is nil,
// or what an archive needs.
func (r *Registry) openFile(ctx context.Context, path string, ref *predict.Ref) (predict.Model, error) {
	arch, err := architecture(path)
	if err != nil {
		return nil, err
	}
	if arch != rnnArchitecture {
		return r.openLM(ctx, path, ref)
	}
	data, err := ctxio.ReadRegular(path, maxNetwork)
	if err != nil {
		return nil, err
	}
	m, err := rnn.Load(data, rnn.Options{Name: modelName(path)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// maxNetwork is the largest file that is loaded whole: networks of our own are small.
const maxNetwork = 1 << 30

// architecture returns what a model file says it holds. Its errors name the file.
func architecture(path string) (string, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if v, ok := f.Value("split.count"); ok && fmt.Sprint(v) != "0" && fmt.Sprint(v) != "1" {
		return "", fmt.Errorf("%s: %w", path, errSplit)
	}
	arch, err := gguf.Get[string](f, "general.architecture")
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return arch, nil
}
