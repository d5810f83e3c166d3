package main

import (
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/predict"
)

// humanSize writes a number of bytes with a binary unit.
func humanSize(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 || v == float64(int64(v)) {
		return fmt.Sprintf("%.0f %s", v, units[i])
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

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

func inputName(path string) string {
	if path == filejob.Stdio {
		return "stdin"
	}
	return path
}

func outputName(path string) string {
	if path == filejob.Stdio {
		return "stdout"
	}
	return path
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func lanesText(n int) string {
	if n == 1 {
		return "1 lane"
	}
	return fmt.Sprintf("%d lanes", n)
}
