package lm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/lm/llama"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/predict"
)

func TestPickDevice(t *testing.T) {
	lib := filepath.Join(t.TempDir(), "backend")
	if err := os.WriteFile(lib, []byte("kernels"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := llama.Device{Name: "CUDA0", Description: "A", Build: llamacpp.CUDA, File: lib}
	b := llama.Device{Name: "CUDA1", Description: "B", Build: llamacpp.CUDA, File: lib}
	v := llama.Device{Name: "Vulkan0", Description: "A", Build: llamacpp.Vulkan}
	broken := errors.New("libcublas.so.13: no such file")
	digest := a.Digest()
	if len(digest) != 16 {
		t.Fatalf("digest %q", digest)
	}
	for name, c := range map[string]struct {
		set     settings
		all     []llama.Device
		problem error
		want    string // a device's name, or what the error says
		class   error
		hint    string
		gpulib  string
	}{
		"the first":                   {set: settings{device: llamacpp.CUDA}, all: []llama.Device{v, a, b}, want: "CUDA0", gpulib: digest},
		"of its kind":                 {set: settings{device: llamacpp.Vulkan}, all: []llama.Device{a, b, v}, want: "Vulkan0"},
		"the archive's":               {set: settings{device: llamacpp.CUDA, gpu: "B", gpulib: digest}, all: []llama.Device{v, a, b}, want: "CUDA1", gpulib: digest},
		"an older archive's":          {set: settings{device: llamacpp.CUDA, gpu: "A"}, all: []llama.Device{a}, want: "CUDA0"},
		"another device":              {set: settings{device: llamacpp.CUDA, gpu: "C"}, all: []llama.Device{a, b}, want: `made on "C", here is "A"`, class: predict.ErrMismatch},
		"the same device, other kind": {set: settings{device: llamacpp.CUDA, gpu: "A"}, all: []llama.Device{v}, want: "no device for cuda", class: predict.ErrRuntimeMissing, hint: "--gpu cuda"},
		"other kernels":               {set: settings{device: llamacpp.CUDA, gpu: "A", gpulib: "0123456789abcdef"}, all: []llama.Device{a}, want: "another build", class: predict.ErrMismatch},
		"no backend":                  {set: settings{device: llamacpp.Vulkan}, want: "no device for vulkan", class: predict.ErrRuntimeMissing, hint: "--gpu vulkan"},
		"a broken backend":            {set: settings{device: llamacpp.CUDA}, problem: broken, want: "libcublas.so.13", class: broken, hint: "LD_LIBRARY_PATH"},
		"one of two is broken":        {set: settings{device: llamacpp.CUDA}, all: []llama.Device{a}, problem: broken, want: "CUDA0", gpulib: digest},
	} {
		t.Run(name, func(t *testing.T) {
			set := c.set
			d, err := pickDevice(&set, c.all, c.problem, "/lib")
			if c.class == nil {
				if err != nil || d.Name != c.want || set.gpu != d.Description || set.gpulib != c.gpulib {
					t.Fatalf("%+v %v, settings %+v", d, err, set)
				}
				return
			}
			if !errors.Is(err, c.class) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v", err)
			}
			var h interface{ Hint() string }
			if c.hint != "" && (!errors.As(err, &h) || !strings.Contains(h.Hint(), c.hint)) {
				t.Errorf("hint of %v", err)
			}
		})
	}
}

// TestDeviceSettings: what an archive of an accelerator records comes back; without the
// kernels' digest, as older archives are, too.
func TestDeviceSettings(t *testing.T) {
	for _, s := range []settings{
		{device: llamacpp.CUDA, variant: "haswell", cpu: "0011223344556677", ctx: 1024, keep: 256, gpu: "NVIDIA X", gpulib: "8899aabbccddeeff", layers: -1},
		{device: llamacpp.Metal, variant: "builtin", ctx: 256, keep: 64, gpu: "M1", layers: 3},
		{device: llamacpp.CPU, variant: "haswell", ctx: 256, keep: 64},
	} {
		back, err := parseSettings(s.encode())
		if err != nil || back != s {
			t.Errorf("%+v came back as %+v, %v", s, back, err)
		}
	}
}
