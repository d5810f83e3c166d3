// Package llama is the thin layer over the llama.cpp binding: one library per
// process, models, and contexts with many sequences. It is the only package
// that loads a shared library. Builds for other systems, or with the tag
// nollama, have a stub whose functions return predict.ErrRuntimeMissing.
package llama

import (
	"context"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/predict"
)

// Native, as a variant's name, asks for the fastest kernels of this CPU.
const Native = "native"

// A Variant is one build of the CPU kernels. Two variants do not give the same
// numbers, so archives record which one made them.
type Variant struct {
	Name  string // "haswell", "zen4", …; "builtin" where there is only one
	File  string // empty where the kernels are linked into the library
	Score int    // how well it suits this CPU; 0: it does not run here
}

// Digest returns the first 16 hexadecimal digits of the SHA-256 of the file,
// empty for linked-in kernels.
func (v Variant) Digest() string { return shortDigest(v.File) }

func shortDigest(file string) string {
	sum, err := ctxio.FileSHA256(context.Background(), file)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(sum[:8])
}

// defaults lists the variants to take unasked, the first that runs: not the
// fastest, but the ones that most machines share. Every x86-64 desktop CPU
// since 2013 runs haswell (AVX2), every arm64 since Apple's M1 and
// Neoverse-N1 armv8.2_2 (dot products).
var defaults = map[string][]string{
	"amd64": {"haswell", "sandybridge", "sse42", "x64"},
	"arm64": {"armv8.2_2", "armv8.2_1", "armv8.0_1"},
}

// Choose finds the variant that want names: a name, "native" for the fastest, or
// "" for the one that most machines share. Its errors wrap predict.ErrMismatch.
func Choose(all []Variant, want string) (Variant, error) {
	if want == Native {
		return all[0], runnable(all[0])
	}
	if want != "" {
		for _, v := range all {
			if v.Name == want {
				return v, runnable(v)
			}
		}
		names := make([]string, len(all))
		for i, v := range all {
			names[i] = v.Name
		}
		return Variant{}, fmt.Errorf("%w: this llama.cpp has no %q kernels, only %s", predict.ErrMismatch, want, strings.Join(names, ", "))
	}
	for _, name := range defaults[runtime.GOARCH] {
		for _, v := range all {
			if v.Name == name && v.Score > 0 {
				return v, nil
			}
		}
	}
	return all[0], runnable(all[0])
}

func runnable(v Variant) error {
	if v.Score == 0 {
		return fmt.Errorf("%w: this CPU cannot run the %s kernels", predict.ErrMismatch, v.Name)
	}
	return nil
}
