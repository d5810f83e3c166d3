//go:build !nollama && ((linux && (amd64 || arm64)) || (darwin && (amd64 || arm64)) || (windows && amd64))

package llama

import (
	"fmt"
	"strings"

	"github.com/llmz/llmz/engine/lm/llamacpp"
)

// An abortError is why llama.cpp ends the process.
type abortError struct {
	log   string // what was logged first, such as "CUDA error: out of memory"
	place string // in the library's sources
}

func newAbortError(log, place string) *abortError {
	place = strings.TrimSpace(place)
	if i := strings.LastIndexByte(place, '/'); i >= 0 { // the builder's own folders
		place = place[i+1:]
	}
	return &abortError{log, place}
}

func (e *abortError) Error() string {
	if e.log == "" {
		return fmt.Sprintf("llama.cpp %s gave up: %s", llamacpp.Version, e.place)
	}
	return fmt.Sprintf("llama.cpp %s gave up: %s (%s)", llamacpp.Version, e.log, e.place)
}

// Hint returns what to do.
func (e *abortError) Hint() string {
	log := strings.ToLower(e.log)
	switch {
	case strings.Contains(log, "unsupported toolchain"), strings.Contains(log, "driver version is insufficient"):
		return "the device's driver is too old for these libraries: update it"
	case strings.Contains(log, "no kernel image"):
		return "these libraries have no code for this device; compress without --device"
	case strings.Contains(log, "out of memory"):
		return smaller
	}
	return `the device, its driver or its memory failed; "llmz doctor" shows them`
}

// smaller is what to do where memory does not suffice.
const smaller = "the memory does not suffice, on an accelerator its own: take fewer --lanes, or a smaller model"

// A contextError means that the state of a session could not be allocated.
type contextError struct{ error }

func (e *contextError) Unwrap() error { return e.error }

// Hint returns what to do.
func (e *contextError) Hint() string { return smaller }
