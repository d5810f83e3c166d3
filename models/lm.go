package models

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/llmz/llmz/engine/lm"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/lm/transformer"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml/gguf"
)

// The names of what runs a language model, as Registry.Runtime has them.
const (
	RuntimeNative = "native"
	RuntimeLlama  = "llama.cpp"
)

// openLM loads a language model. An archive says by its numerics what runs it; for a
// new one the bundled graph does so unless it does not know the architecture, or the
// user wants something else.
func (r *Registry) openLM(ctx context.Context, path string, ref *predict.Ref) (predict.Model, error) {
	if ref != nil {
		if ref.Numerics == transformer.Numerics {
			return r.openNative(ctx, path, ref)
		}
		return r.openLlama(ctx, path, ref)
	}
	switch {
	case r.Runtime == RuntimeNative:
		return r.openNative(ctx, path, nil)
	case r.Runtime == RuntimeLlama, r.Kernel != "", r.GPULayers > 0, r.Device != "auto" && r.Device != "cpu" && r.Device != "":
		return r.openLlama(ctx, path, nil)
	}
	m, err := r.openNative(ctx, path, nil)
	if !errors.Is(err, transformer.ErrUnsupported) {
		return m, err
	}
	m, llamaErr := r.openLlama(ctx, path, nil)
	if llamaErr != nil {
		return nil, fmt.Errorf("%w (%w)", llamaErr, err)
	}
	if r.Notice != nil {
		r.Notice(fmt.Sprintf("%v; it runs in llama.cpp", err))
	}
	return m, nil
}

// openNative loads a language model for the bundled graph.
func (r *Registry) openNative(ctx context.Context, path string, ref *predict.Ref) (predict.Model, error) {
	digest, err := fileDigest(ctx, path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", predict.ErrModelMissing, err)
	}
	if err != nil {
		return nil, err
	}
	o := nativeOptions(ref)
	o.Path, o.Digest = path, digest[:]
	m, err := transformer.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// nativeOptions are those of a model of which ref is nil, or what an archive needs.
func nativeOptions(ref *predict.Ref) (o transformer.Options) {
	if ref == nil {
		return o
	}
	o.Name, o.Runtime = ref.Name, ref.Runtime
	if o.Runtime == nil {
		o.Runtime = map[string]string{}
	}
	return o
}

// DecodeMemory returns the bytes that decoding takes with the language model in a file, or
// with that of ref if it is a bundled one and path is empty, in that many lanes, if the bundled
// graph runs it.
func DecodeMemory(path string, ref predict.Ref, lanes int) (int64, error) {
	if ref.Numerics != transformer.Numerics {
		return 0, transformer.ErrUnsupported
	}
	if path == "" {
		b, ok := findBundledDigest(ref.Digest)
		if !ok {
			return 0, predict.ErrModelMissing
		}
		return b.memory(ref.Runtime, lanes)
	}
	f, err := gguf.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return transformer.DecodeMemory(f, ref.Runtime, lanes)
}

// openLlama loads a language model for the external runtime. Where ref is not nil,
// the runtime is set up as the archive needs it.
func (r *Registry) openLlama(ctx context.Context, path string, ref *predict.Ref) (predict.Model, error) {
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
