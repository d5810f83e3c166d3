//go:build nollama || !((linux && (amd64 || arm64)) || (darwin && (amd64 || arm64)) || (windows && amd64))

package llama

import (
	"fmt"
	"runtime"

	"github.com/llmz/llmz/engine/predict"
)

// Available reports whether this program was built with the binding.
const Available = false

func unavailable() error {
	return fmt.Errorf("%w: this build of the program (%s/%s) cannot load llama.cpp; the bundled models need no runtime", predict.ErrRuntimeMissing, runtime.GOOS, runtime.GOARCH)
}

// A Library is the loaded llama.cpp; there is none here.
type Library struct{ Dir, Version, Variant, CPUDigest string }

// Load fails.
func Load(string, string) (*Library, error) { return nil, unavailable() }

// CheckVersion fails.
func CheckVersion(string) error { return unavailable() }

// Variants fails.
func Variants(string) ([]Variant, error) { return nil, unavailable() }

// Devices fails.
func Devices(string) ([]Device, error) { return nil, unavailable() }

// A Model is a loaded set of weights; there is none here.
type Model struct{}

// ModelOptions are the options of OpenModel.
type ModelOptions struct {
	Device    *Device
	GPULayers int
}

// OpenModel fails.
func (*Library) OpenModel(string, ModelOptions) (*Model, error) { return nil, unavailable() }

// Close does nothing.
func (*Model) Close() error { return nil }

// Vocab returns 0.
func (*Model) Vocab() int { return 0 }

// Parameters returns 0.
func (*Model) Parameters() int64 { return 0 }

// ContextOptions are the options of NewContext.
type ContextOptions struct {
	Sequences, Positions, Batch, Threads, Poll int
	GPU                                        bool
}

// A Context is the state of several sequences; there is none here.
type Context struct{}

// NewContext fails.
func (*Model) NewContext(ContextOptions) (*Context, error) { return nil, unavailable() }

// SetThreads does nothing.
func (*Context) SetThreads(int) {}

// Clear fails.
func (*Context) Clear() error { return unavailable() }

// Add fails.
func (*Context) Add(int32, int32, int, bool) error { return unavailable() }

// Decode fails.
func (*Context) Decode() error { return unavailable() }

// Logits fails.
func (*Context) Logits(int) ([]float32, error) { return nil, unavailable() }

// Close does nothing.
func (*Context) Close() error { return nil }
