package cpu

import (
	"fmt"
	"strings"

	"github.com/llmz/llmz/ggml/kernel"
	"github.com/llmz/llmz/ggml/simd"
)

// Kernels returns the names of the kernels that this machine can run, the best
// first.
func Kernels() []string {
	var names []string
	for _, k := range kernel.List() {
		names = append(names, k.Name)
	}
	return names
}

// findKernel returns the kernel of that name, if this machine can run it.
func findKernel(name string) (*kernel.Kernel, error) {
	for _, k := range kernel.List() {
		if k.Name == name {
			return k, nil
		}
	}
	return nil, fmt.Errorf("ggml: no kernel %q on this machine, which can run %s", name, strings.Join(Kernels(), ", "))
}

// defaultKernel returns the best kernel that package simd allows, and what is wrong
// with what it was told, if anything is.
func defaultKernel() (*kernel.Kernel, error) {
	for _, k := range kernel.List() {
		if k.Level.Allowed() {
			return k, simd.Err()
		}
	}
	return &kernel.Generic, simd.Err()
}

// KernelName returns the name of the kernel in use where none is asked for.
func KernelName() string {
	k, _ := defaultKernel()
	return k.Name
}
