package models

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"slices"
	"sync"

	"github.com/llmz/llmz/engine/lm/transformer"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/rnn"
	"github.com/llmz/llmz/ggml/cpu"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/simd"
)

//go:embed weights
var weights embed.FS

// A bundle is a model whose weights are part of the program.
type bundle struct {
	name   string
	about  string
	data   func() []byte
	digest func() [32]byte
	load   loader
}

// bundled are the bundled models; the first is the default.
var bundled = []bundle{
	newBundle("gru", loadNetwork, "the prototype's GRU, 3 layers of 512: the better ratio"),
	newBundle("lstm", loadNetwork, "a small LSTM: several times faster"),
	newBundle("gpt", loadTransformer, "a GPT of 6 layers of 384 over 8,192 tokens: the best on text"),
}

func newBundle(name string, load loader, about string) bundle {
	data := sync.OnceValue(func() []byte {
		b, _ := weights.ReadFile("weights/" + name + Extension) // empty where the build lacks it
		return b
	})
	return bundle{
		name: name, about: about, data: data, load: load,
		// Hashing takes some milliseconds, so it waits until somebody asks.
		digest: sync.OnceValue(func() [32]byte { return sha256.Sum256(data()) }),
	}
}

// A loader loads a bundled model; ref is nil, or what an archive needs.
type loader func(ctx context.Context, b *bundle, ref *predict.Ref) (predict.Model, error)

// loadNetwork loads a recurrent network.
func loadNetwork(_ context.Context, b *bundle, _ *predict.Ref) (predict.Model, error) {
	return rnn.Load(b.data(), rnn.Options{Name: b.name, Bundled: true})
}

// loadTransformer loads a transformer.
func loadTransformer(ctx context.Context, b *bundle, ref *predict.Ref) (predict.Model, error) {
	digest := b.digest()
	o := nativeOptions(ref)
	o.Name, o.Digest, o.Bundled = b.name, digest[:], true
	return transformer.Load(ctx, b.data(), o)
}

// open loads the model; ref is nil, or what an archive needs.
func (b *bundle) open(ctx context.Context, ref *predict.Ref) (predict.Model, error) {
	if len(b.data()) == 0 {
		return nil, fmt.Errorf("this build of llmz lacks the weights of %s: %w", b.name, predict.ErrModelMissing)
	}
	m, err := b.load(ctx, b, ref)
	if err != nil {
		return nil, fmt.Errorf("bundled model %s: %w", b.name, err)
	}
	return m, nil
}

// memory returns the bytes that decoding takes with the model in that many lanes.
func (b *bundle) memory(runtime map[string]string, lanes int) (int64, error) {
	f, err := gguf.Parse(b.data())
	if err != nil {
		return 0, err
	}
	return transformer.DecodeMemory(f, runtime, lanes)
}

// BundledNames returns the names of the bundled models, the default first.
func BundledNames() []string {
	names := make([]string, len(bundled))
	for i, b := range bundled {
		names[i] = b.name
	}
	return names
}

// Bundled loads a bundled model by name.
func Bundled(ctx context.Context, name string) (predict.Model, error) {
	b, ok := findBundled(name)
	if !ok {
		return nil, &MissingError{Name: name}
	}
	return b.open(ctx, nil)
}

// BundledFile returns the GGUF file of a bundled model. It must not be changed.
func BundledFile(name string) ([]byte, bool) {
	b, ok := findBundled(name)
	if !ok || len(b.data()) == 0 {
		return nil, false
	}
	return b.data(), true
}

func findBundled(name string) (*bundle, bool) {
	i := slices.IndexFunc(bundled, func(b bundle) bool { return b.name == name })
	if i < 0 {
		return nil, false
	}
	return &bundled[i], true
}

func isBundled(name string) bool {
	_, ok := findBundled(name)
	return ok
}

func findBundledDigest(digest []byte) (*bundle, bool) {
	i := slices.IndexFunc(bundled, func(b bundle) bool { return matches(b.digest(), digest) })
	if i < 0 {
		return nil, false
	}
	return &bundled[i], true
}

// Kernel returns the name of the kernel that runs bundled models here.
func Kernel() string { return cpu.KernelName() }

// CheckKernel returns what is wrong with the value of LLMZ_KERNEL, or nil.
func CheckKernel() error { return simd.Err() }
