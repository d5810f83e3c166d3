package models

import (
	"context"
	"fmt"

	"github.com/llmz/llmz/engine/predict"
)

// openLM loads a language model for the external runtime. Where ref is not nil,
// the runtime is set up as the archive needs it.
func (r *Registry) openLM(ctx context.Context, path string, ref *predict.Ref) (predict.Model, error) {
	return nil, fmt.Errorf("%s needs llama.cpp: %w", path, predict.ErrRuntimeMissing)
}
