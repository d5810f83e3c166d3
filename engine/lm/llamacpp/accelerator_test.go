package llamacpp

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// buildName is how packages with an accelerator name a library.
func buildName(name string, gpu GPU) string {
	plain := LibraryFile(name)
	ext := filepath.Ext(plain)
	return strings.TrimSuffix(plain, ext) + "." + gpu.String() + "." + Version + ext
}

// TestInstallAccelerator installs packages as they are made for accelerators: the build is
// in the names of the libraries, and a second library for older systems may lie in a
// folder of its own under the first one's name.
func TestInstallAccelerator(t *testing.T) {
	for _, gpu := range []GPU{CUDA, Vulkan, Metal} {
		t.Run(gpu.String(), func(t *testing.T) {
			home(t)
			main, dir := LibraryFile("ggml-"+gpu.String()), "package/bins/linux-x64-"+gpu.String()+"/"
			in, err := Install(context.Background(), InstallOptions{GPU: gpu, From: tarball(t, map[string]string{
				dir + "fallback/" + main:             "older",
				dir + main:                           "newer",
				dir + buildName("llama", gpu):        "llama",
				dir + buildName("ggml", gpu):         "ggml",
				dir + LibraryFile("ggml-base"):       "base",
				dir + LibraryFile("ggml-cpu-x64"):    "cpu",
				dir + "fallback/readme.txt":          "text",
				dir + "other/" + LibraryFile("more"): "more",
			})})
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{
				LibraryFile("llama"): "llama", LibraryFile("ggml"): "ggml", buildName("llama", gpu): "llama", main: "newer",
				LibraryFile("ggml-" + gpu.String() + FallbackSuffix): "older", LibraryFile("more"): "more",
			} {
				if b, err := os.ReadFile(filepath.Join(in.Dir, name)); err != nil || string(b) != want {
					t.Errorf("%s: %q %v", name, b, err)
				}
			}
			if err := in.Check(); err != nil {
				t.Error(err)
			}
			found, err := Locate(gpu)
			if err != nil || found.Dir != in.Dir {
				t.Errorf("%+v %v", found, err)
			}
		})
	}
}

// TestMissingHint: the hint names the build that is wanted.
func TestMissingHint(t *testing.T) {
	home(t)
	for _, gpu := range []GPU{CPU, CUDA, Vulkan, Metal} {
		_, err := Locate(gpu)
		var h interface{ Hint() string }
		if !errors.Is(err, predict.ErrRuntimeMissing) || !errors.As(err, &h) {
			t.Fatalf("%s: %v", gpu, err)
		}
		if want := InstallCommand(gpu); !strings.Contains(h.Hint(), `"`+want+`"`) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; hint: %s", gpu, err, h.Hint())
		}
	}
}
