package cpu

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/llmz/llmz/ggml/kernel"
)

// KernelEnv names the environment variable that overrides the choice of kernel.
const KernelEnv = "LLMZ_KERNEL"

var chosen = sync.OnceValues(func() (*kernel.Kernel, error) { return choose(os.Getenv(KernelEnv)) })

// choose returns the kernel of that name, or the best one; that too if there is an
// error.
func choose(name string) (*kernel.Kernel, error) {
	best := kernel.List()[0]
	if name == "" {
		return best, nil
	}
	k, err := FindKernel(name)
	if err != nil {
		return best, fmt.Errorf("%s: %w", KernelEnv, err)
	}
	return k, nil
}

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
