//go:build !nollama && ((linux && (amd64 || arm64)) || (darwin && (amd64 || arm64)) || (windows && amd64))

package llama

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/hybridgroup/yzma/pkg/loader"
	"github.com/jupiterrider/ffi"

	"github.com/llmz/llmz/engine/lm/llamacpp"
)

// TestAcceleratorFiles: fallbacks come right after what they are fallbacks of.
func TestAcceleratorFiles(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"llama", "ggml", "ggml-base", "ggml-cpu", "ggml-cpu-haswell", "ggml-vulkan", "ggml-cuda-fallback", "ggml-cuda", "ggml-blas"} {
		if err := os.WriteFile(filepath.Join(dir, llamacpp.LibraryFile(n)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, f := range acceleratorFiles(dir) {
		got = append(got, libraryBase(f))
	}
	if want := []string{"ggml-blas", "ggml-cuda", "ggml-cuda-fallback", "ggml-vulkan"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestWhy(t *testing.T) {
	for line, want := range map[string]string{
		"": ErrNoDevice.Error(),
		"load_backend: failed to load /a/libggml-cuda.so: libcudart.so.13: cannot open shared object file": "libcudart.so.13: cannot open shared object file",
		"ggml_cuda_init: failed to initialize CUDA: no CUDA-capable device is detected":                    "failed to initialize CUDA: no CUDA-capable device is detected",
		"odd": "odd",
	} {
		said.forget()
		said.add(line)
		if got := why().Error(); got != want {
			t.Errorf("%q: %q", line, got)
		}
	}
	said.forget()
}

// TestAbortCause: the first line says what failed, the library's own the place.
func TestAbortCause(t *testing.T) {
	said.forget()
	for _, s := range []string{"CUDA error: out of memory", "  current device: 0", "  cudaMalloc()"} {
		said.add(s)
	}
	for range 2 * maxLogged {
		said.add("more")
	}
	if said.last() != "more" || len(said.lines) != maxLogged {
		t.Errorf("%d lines, the last %q", len(said.lines), said.last())
	}
	got := newAbortError(said.first(), "/home/someone/llama.cpp/ggml/src/ggml-cuda/ggml-cuda.cu:103: CUDA error\n").Error()
	for _, want := range []string{"CUDA error: out of memory", "(ggml-cuda.cu:103: CUDA error)", llamacpp.Version} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	if strings.Contains(got, "someone") {
		t.Error(got)
	}
	said.forget()
	if got := newAbortError(said.first(), "a.c:1: x").Error(); !strings.Contains(got, "a.c:1: x") {
		t.Error(got)
	}
}

// TestAbort has the library give up in a process of its own, which must end as OnAbort
// ends it. It needs llama.cpp.
func TestAbort(t *testing.T) {
	in, err := llamacpp.Locate(llamacpp.CPU)
	if err != nil {
		t.Skip(err)
	}
	if os.Getenv("LLMZ_TEST_ABORT") != "" {
		OnAbort = func(err error) {
			os.Stderr.WriteString("said: " + err.Error())
			os.Exit(3)
		}
		if _, err := Load(in.Dir, ""); err != nil {
			t.Fatal(err)
		}
		base, err := loader.LoadLibrary(in.Dir, "ggml-base")
		if err != nil {
			t.Fatal(err)
		}
		abort, err := base.Prep("ggml_abort", &ffi.TypeVoid, &ffi.TypePointer, &ffi.TypeSint32, &ffi.TypePointer)
		if err != nil {
			t.Fatal(err)
		}
		said.add("CUDA error: out of memory")
		file, text, line := []byte("/a/b.cu\x00"), []byte("CUDA error\x00"), int32(7)
		f, s := &file[0], &text[0]
		abort.Call(nil, unsafe.Pointer(&f), unsafe.Pointer(&line), unsafe.Pointer(&s))
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, "-test.run=^TestAbort$")
	c.Env = append(os.Environ(), "LLMZ_TEST_ABORT=1")
	out, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() != 3 || !strings.Contains(string(out), "said: llama.cpp "+llamacpp.Version+" gave up: CUDA error: out of memory (b.cu:7: CUDA error)") {
		t.Errorf("%v: %s", err, out)
	}
}
