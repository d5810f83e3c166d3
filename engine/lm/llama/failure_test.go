//go:build !nollama && ((linux && (amd64 || arm64)) || (darwin && (amd64 || arm64)) || (windows && amd64))

package llama

import (
	"errors"
	"strings"
	"testing"
)

func TestHints(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{newAbortError("CUDA error: the provided PTX was compiled with an unsupported toolchain.", "/x/ggml-cuda.cu:108: CUDA error"), "update it"},
		{newAbortError("CUDA error: CUDA driver version is insufficient for CUDA runtime version", ""), "update it"},
		{newAbortError("CUDA error: no kernel image is available for execution on the device", ""), "without --device"},
		{newAbortError("CUDA error: out of memory", ""), "fewer --lanes"},
		{newAbortError("CUDA error: unspecified launch failure", ""), "llmz doctor"},
		{newAbortError("", "GGML_ASSERT(x) failed"), "llmz doctor"},
		{&contextError{errors.New("failed to allocate buffer for kv cache")}, "fewer --lanes"},
	} {
		var h interface{ Hint() string }
		if !errors.As(c.err, &h) || !strings.Contains(h.Hint(), c.want) {
			t.Errorf("%v: no hint with %q", c.err, c.want)
		}
	}
}
