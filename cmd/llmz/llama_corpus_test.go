//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	// corpusHead is how much of each file is taken, unless wholeEnv is set: a language
	// model needs minutes for all of them.
	corpusHead = 24 << 10
	wholeEnv   = "LLMZ_TEST_WHOLE"
)

// TestLlamaCorpus takes the Canterbury files, text and binary, through the program
// where they lie beside the project.
func TestLlamaCorpus(t *testing.T) {
	if os.Getenv(mustLlamaEnv) == "" {
		t.Skip("takes a minute; " + mustLlamaEnv + " is not set")
	}
	needLlama(t)
	files, err := filepath.Glob("../../../shared/corpora/canterbury_all/canterbury/*")
	if err != nil || len(files) == 0 {
		t.Skip("no corpus beside the project")
	}
	if os.Getenv(wholeEnv) != "" {
		defer func(p time.Duration) { patience = p }(patience)
		patience = 20 * time.Minute
	}
	dir := t.TempDir()
	tinyIn(t, dir)
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			data := readFile(t, f)
			if len(data) > corpusHead && os.Getenv(wholeEnv) == "" {
				data = data[:corpusHead]
			}
			tinyRoundTrip(t, dir, data)
		})
	}
}
