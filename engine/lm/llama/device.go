package llama

import (
	"errors"
	"slices"

	"github.com/llmz/llmz/engine/lm/llamacpp"
)

// A Device is an accelerator.
type Device struct {
	Name        string // "CUDA0"
	Description string // "NVIDIA …"
	Free, Total int64  // memory, in bytes
	// Build is the kind of backend that drives it.
	Build llamacpp.GPU
	// File is the backend's library, empty where it is linked in.
	File string

	handle uintptr
}

// Digest returns the first 16 hexadecimal digits of the SHA-256 of the backend's
// library, empty where it is linked in.
func (d Device) Digest() string { return shortDigest(d.File) }

// ErrNoDevice means that a backend was loaded and found nothing to drive.
var ErrNoDevice = errors.New("it finds no device")

// backends lists what backends call themselves. ROCm and MUSA are the CUDA backend's
// sources, built for other makes.
var backends = map[llamacpp.GPU][]string{
	llamacpp.CUDA:   {"CUDA", "ROCm", "MUSA"},
	llamacpp.Vulkan: {"Vulkan"},
	llamacpp.Metal:  {"Metal", "MTL"},
}

// buildOf is the build that goes with a backend's name, CPU for none.
func buildOf(backend string) llamacpp.GPU {
	for g, names := range backends {
		if slices.Contains(names, backend) {
			return g
		}
	}
	return llamacpp.CPU
}

// OnAbort is called with the cause when llama.cpp is about to end the process, as it does
// where a device fails in the middle of a step. It does not have to return.
var OnAbort func(error)
