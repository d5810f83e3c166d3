// Package lm predicts tokens with causal language models in GGUF files, over
// llama.cpp, which is loaded at run time and only when a model is opened.
//
// Determinism class: SameRuntime on the CPU: the same release of llama.cpp with
// the same CPU kernels gives the same frequencies for any number of lanes and
// threads. SameDevice on an accelerator. What a decoder must do the same is in
// Ref.Runtime.
//
// Import: needs no shared library until Open.
package lm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/lm/bpe"
	"github.com/llmz/llmz/engine/lm/freq"
	"github.com/llmz/llmz/engine/lm/llama"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml/gguf"
)

// Options are the options of Open.
type Options struct {
	// Path is the GGUF file.
	Path string
	// Name is recorded in archives; empty for the file's base name.
	Name string
	// Digest, if not nil, is the expected SHA-256 of the file, or its first bytes.
	Digest []byte
	// Device chooses the build of llama.cpp; its zero value is the CPU.
	Device llamacpp.GPU
	// GPULayers is the number of layers on the accelerator, 0 for all.
	GPULayers int
	// Kernel chooses the CPU kernels: a variant's name, "native", or empty for the
	// variant that most machines share.
	Kernel string
	// Keep is the number of tokens kept when the window is full, 0 for a quarter.
	Keep int
	// Runtime, if not nil, holds an archive's settings, which replace Device,
	// GPULayers, Kernel and Keep and must be reproduced.
	Runtime map[string]string
}

// A Model is a language model that is ready to predict.
type Model struct {
	m     *llama.Model
	tok   *bpe.Tokenizer
	shape shape
	set   settings
	info  predict.Info
}

var _ predict.TokenModel = (*Model)(nil)

// Open loads a model. Errors wrap predict.ErrModelMissing, ErrRuntimeMissing
// or ErrMismatch where they apply, and ErrModel for files of other kinds.
func Open(ctx context.Context, o Options) (*Model, error) {
	m := &Model{}
	var err error
	if o.Runtime != nil {
		if m.set, err = parseSettings(o.Runtime); err != nil {
			return nil, err
		}
	} else {
		m.set = settings{device: o.Device, variant: o.Kernel, keep: o.Keep, layers: -1}
		if o.GPULayers > 0 {
			m.set.layers = o.GPULayers
		}
	}
	sum, err := ctxio.FileSHA256(ctx, o.Path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", predict.ErrModelMissing, err)
	}
	if err != nil {
		return nil, err
	}
	digest := sum[:]
	if len(o.Digest) > len(digest) || string(o.Digest) != string(digest[:len(o.Digest)]) {
		return nil, fmt.Errorf("%w: the SHA-256 of %s is %x, not %x", predict.ErrMismatch, o.Path, digest, o.Digest)
	}
	if err := m.readFile(o.Path); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Path, err)
	}
	if m.set.ctx == 0 {
		m.set.ctx = m.shape.window()
	}
	if m.set.keep == 0 {
		m.set.keep = max(m.set.ctx/4, 1)
	}
	if m.set.ctx > m.shape.ctx || m.set.keep >= m.set.ctx {
		return nil, fmt.Errorf("%w: a window of %d keeping %d, of a model with %d positions", predict.ErrMismatch, m.set.ctx, m.set.keep, m.shape.ctx)
	}
	lib, device, err := m.load()
	if err != nil {
		return nil, err
	}
	if m.m, err = lib.OpenModel(o.Path, llama.ModelOptions{Device: device, GPULayers: m.set.layers}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	if n := m.m.Vocab(); n != m.tok.Tokens() || n > freq.MaxTokens {
		m.m.Close()
		return nil, fmt.Errorf("%w: %s: %d tokens in its vocabulary, %d in its head", ErrModel, o.Path, m.tok.Tokens(), n)
	}
	m.describe(o, digest, lib)
	return m, nil
}

func (m *Model) readFile(path string) error {
	f, err := gguf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if m.shape, err = readShape(f); err != nil {
		return err
	}
	if err := checkModel(f, &m.shape); err != nil {
		return err
	}
	m.tok, err = bpe.New(f)
	return err
}

// load loads the library and finds the device, nil for the CPU.
func (m *Model) load() (*llama.Library, *llama.Device, error) {
	in, err := llamacpp.Locate(m.set.device)
	if err != nil {
		return nil, nil, err
	}
	if err := in.Check(); err != nil {
		return nil, nil, err
	}
	lib, err := llama.Load(in.Dir, m.set.variant)
	if err != nil {
		return nil, nil, err
	}
	if m.set.variant == "" || m.set.variant == llama.Native {
		m.set.variant = lib.Variant
	}
	if m.set.cpu == "" {
		m.set.cpu = lib.CPUDigest
	} else if m.set.cpu != lib.CPUDigest {
		return nil, nil, fmt.Errorf("%w: the %s kernels in %s are another build (%s) than the archive's (%s); install the release's own: %s --force",
			predict.ErrMismatch, lib.Variant, in.Dir, orNone(lib.CPUDigest), m.set.cpu, llamacpp.InstallCommand(m.set.device))
	}
	if m.set.device == llamacpp.CPU {
		return lib, nil, nil
	}
	d, err := m.chooseDevice(in.Dir)
	return lib, d, err
}

func (m *Model) describe(o Options, digest []byte, lib *llama.Library) {
	name := o.Name
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(o.Path), ".gguf")
	}
	m.info = predict.Info{
		Ref: predict.Ref{
			Name: name, Digest: digest, Portability: predict.SameRuntime, Runtime: m.set.encode(),
		},
		Parameters: m.shape.parameters,
		Kind:       predict.Tokens,
		Alphabet:   m.tok.Tokens(),
		Device:     m.set.device.String(),
		Kernel:     "llama.cpp " + lib.Variant,
	}
	if m.set.device != llamacpp.CPU {
		m.info.Portability = predict.SameDevice
		m.info.Kernel = "llama.cpp " + m.set.gpu
	}
}

// Info describes the model.
func (m *Model) Info() predict.Info {
	i := m.info
	i.Digest, i.Runtime = append([]byte(nil), i.Digest...), clone(i.Runtime)
	return i
}

// The number of lanes grows with the block: each lane starts without context,
// which costs bits, and each makes a step cheaper per token. Beyond maxLanes a
// CPU gains little; cacheBudget bounds what all lanes' caches take.
//
// The library's products take four tokens at a time: a step of fifteen takes longer
// than one of sixteen, and two lanes are slower than one. See the README.
const (
	laneTokens  = 2048
	maxLanes    = 16
	laneTile    = 4
	cacheBudget = 1 << 30
)

// Lanes returns the number of lanes for n tokens.
func (m *Model) Lanes(n int) int {
	byMemory := int(cacheBudget / max(m.shape.kvBytes(m.set.ctx), 1))
	lanes := min(n/laneTokens+1, maxLanes, byMemory) // one more than asked for may fill a tile
	return max(1, lanes-lanes%laneTile)
}

// MemoryBytes estimates the peak memory of a session: weights, KV cache,
// logits, and the library's buffers for a batch.
func (m *Model) MemoryBytes(lanes int) int64 {
	s := m.shape
	vocab := int64(m.info.Alphabet)
	perToken := int64(s.embd)*4*24 + int64(s.heads)*int64(m.set.ctx)*8
	return s.weights + int64(lanes)*(s.kvBytes(m.set.ctx)+vocab*8) + batchTokens*perToken + 64<<20
}

// Preferences says how sessions run best: at one or two kilobytes a second, a block of
// this size takes ten minutes; the library brings its own threads.
func (m *Model) Preferences(int) predict.Preferences { return predict.Preferences{BlockSize: 1 << 20} }

// Tokenize cuts block into tokens whose bytes, joined, are block.
func (m *Model) Tokenize(ctx context.Context, block []byte) ([]int32, error) {
	return m.tok.Tokenize(ctx, block)
}

// TokenBytes returns the bytes of a token, none for control tokens.
func (m *Model) TokenBytes(id int32) []byte { return m.tok.TokenBytes(id) }

// Close frees the weights. All sessions must be closed before.
func (m *Model) Close() error { return m.m.Close() }
