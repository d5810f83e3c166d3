package main

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/predict"
)

// modelName names a model in results: "stored" where no model was used.
func modelName(m predict.Info) string {
	if m.Name == "" {
		return "none"
	}
	return m.Name
}

// shortDigest writes the first 8 bytes of a digest.
func shortDigest(d []byte) string {
	return hex.EncodeToString(d[:min(8, len(d))])
}

func outputName(path string) string {
	if path == filejob.Stdio {
		return "stdout"
	}
	return filejob.DisplayName(path)
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func lanesText(n int) string {
	if n == 1 {
		return "1 lane"
	}
	return fmt.Sprintf("%d lanes", n)
}
