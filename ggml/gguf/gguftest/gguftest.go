// Package gguftest makes GGUF files for tests, in memory.
package gguftest

import (
	"bytes"
	"testing"

	"github.com/llmz/llmz/ggml/gguf"
)

// Bytes returns the file that w describes.
func Bytes(t testing.TB, w *gguf.Writer) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Parse returns it as a reader sees it.
func Parse(t testing.TB, w *gguf.Writer) *gguf.File {
	t.Helper()
	f, err := gguf.Parse(Bytes(t, w))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
