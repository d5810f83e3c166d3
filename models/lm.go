package models

import (
	"context"
	"fmt"
	"os"

	"github.com/llmz/llmz/engine/lm"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/predict"
)

// openLM loads a language model for the external runtime. Where ref is not nil,
// the runtime is set up as the archive needs it.
func (r *Registry) openLM(ctx context.Context, path string, ref *predict.Ref) (predict.Model, error) {
	o := lm.Options{Path: path, Kernel: r.Kernel, GPULayers: r.GPULayers}
	if ref != nil {
		o.Name, o.Digest = ref.Name, ref.Digest
		if o.Runtime = ref.Runtime; o.Runtime == nil {
			return nil, fmt.Errorf("%w: the archive does not say which runtime made it", predict.ErrMismatch)
		}
	} else {
		var err error
		if o.Device, err = lmDevice(r.Device); err != nil {
			return nil, err
		}
	}
	m, err := lm.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// lmDevice turns the user's choice into a build of llama.cpp. "auto" is the
// accelerator whose build is installed, else the CPU.
func lmDevice(name string) (llamacpp.GPU, error) {
	if name != "auto" && name != "" {
		return llamacpp.ParseGPU(name)
	}
	if os.Getenv(llamacpp.EnvLib) != "" {
		return llamacpp.CPU, nil
	}
	for _, g := range []llamacpp.GPU{llamacpp.CUDA, llamacpp.Metal, llamacpp.Vulkan} {
		if _, err := llamacpp.Locate(g); err == nil {
			return g, nil
		}
	}
	return llamacpp.CPU, nil
}
