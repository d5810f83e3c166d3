package ggml

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/llmz/llmz/ggml/kernel"
)

// KernelEnv names the environment variable that overrides the choice of kernel.
const KernelEnv = "LLMZ_KERNEL"

var chosen = sync.OnceValues(func() (*kernel.Kernel, error) {
	name := os.Getenv(KernelEnv)
	if name == "" {
		return kernel.List()[0], nil
	}
	k, err := FindKernel(name)
	if err != nil {
		return kernel.List()[0], fmt.Errorf("%s: %w", KernelEnv, err)
	}
	return k, nil
})

// Kernels returns the names of the kernels that this machine can run, the best
// first.
func Kernels() []string {
	var names []string
	for _, k := range kernel.List() {
		names = append(names, k.Name)
	}
	return names
}

// FindKernel returns the kernel of that name, if this machine can run it.
func FindKernel(name string) (*kernel.Kernel, error) {
	for _, k := range kernel.List() {
		if k.Name == name {
			return k, nil
		}
	}
	return nil, fmt.Errorf("ggml: no kernel %q on this machine, which can run %s", name, strings.Join(Kernels(), ", "))
}

// DefaultKernel returns the kernel that KernelEnv names, or else the best one. If
// KernelEnv names a kernel this machine cannot run, the error says so.
func DefaultKernel() (*kernel.Kernel, error) { return chosen() }

// KernelName returns the name of the kernel in use.
func KernelName() string {
	k, _ := chosen()
	return k.Name
}
