package lm

import (
	"fmt"
	"slices"

	"github.com/llmz/llmz/engine/lm/llama"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/predict"
)

// chooseDevice finds the accelerator that the settings ask for, or the first of its kind,
// which it writes down in them.
func (m *Model) chooseDevice(dir string) (*llama.Device, error) {
	all, problem := llama.Devices(dir)
	return pickDevice(&m.set, all, problem, dir)
}

// pickDevice chooses among the devices that the backends in dir found; problem is why
// backends found none.
func pickDevice(set *settings, all []llama.Device, problem error, dir string) (*llama.Device, error) {
	all = slices.DeleteFunc(slices.Clone(all), func(d llama.Device) bool { return d.Build != set.device })
	if len(all) == 0 {
		return nil, &noDeviceError{build: set.device, dir: dir, cause: problem, decoding: set.gpu != ""}
	}
	d := &all[0]
	if set.gpu != "" {
		i := slices.IndexFunc(all, func(d llama.Device) bool { return d.Description == set.gpu })
		if i < 0 {
			return nil, fmt.Errorf("%w: the archive was made on %q, here is %q; other devices compute other numbers", predict.ErrMismatch, set.gpu, d.Description)
		}
		d = &all[i]
	}
	digest := d.Digest()
	if set.gpulib != "" && set.gpulib != digest {
		return nil, fmt.Errorf("%w: the kernels for %s in %s are another build (%s) than the archive's (%s); install the release's own: %s --force",
			predict.ErrMismatch, set.device, dir, orNone(digest), set.gpulib, llamacpp.InstallCommand(set.device))
	}
	if set.gpu == "" { // archives from before the key do without it
		set.gpulib = digest
	}
	set.gpu = d.Description
	return d, nil
}

// A noDeviceError says that there is no accelerator, and why.
type noDeviceError struct {
	build llamacpp.GPU
	dir   string
	cause error
	// decoding is set where an archive asks for the device.
	decoding bool
}

func (e *noDeviceError) Error() string {
	s := fmt.Sprintf("llama.cpp finds no device for %s here", e.build)
	if e.cause != nil {
		return fmt.Sprintf("%s: %v", s, e.cause)
	}
	return s + ": " + e.dir + " holds no libraries for one"
}

// Unwrap returns predict.ErrRuntimeMissing, and the cause.
func (e *noDeviceError) Unwrap() []error {
	if e.cause == nil {
		return []error{predict.ErrRuntimeMissing}
	}
	return []error{predict.ErrRuntimeMissing, e.cause}
}

// Hint returns what to do.
func (e *noDeviceError) Hint() string {
	cpu := "; without --device no accelerator is needed"
	if e.decoding {
		cpu = ""
	}
	switch {
	case e.cause == nil:
		return "install them: " + llamacpp.InstallCommand(e.build) + cpu
	case e.build == llamacpp.CUDA:
		return "NVIDIA's driver must be there, and libcudart and libcublas of CUDA 13 (or 12) where programs find them (LD_LIBRARY_PATH on Linux, PATH on Windows)" + cpu
	case e.build == llamacpp.Vulkan:
		return "the device's Vulkan driver and the Vulkan loader must be there" + cpu
	}
	return `"llmz runtime status" shows what is found` + cpu
}
