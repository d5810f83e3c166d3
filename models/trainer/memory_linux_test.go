package trainer

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/llmz/llmz/engine/machine"
)

// TestCorpusTooLarge: a corpus that no memory holds is refused before it is read, whether a
// file or in a folder.
func TestCorpusTooLarge(t *testing.T) {
	if machine.FreeMemory() <= 0 {
		t.Skip("it is not known how much there is")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "sparse")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<43); err != nil {
		t.Skip("no such files here:", err)
	}
	for _, p := range []string{path, dir} {
		if _, err := LoadSources(t.Context(), []string{p}, nil, nil); !errors.Is(err, errTooLarge) {
			t.Errorf("%s: %v", p, err)
		}
	}
}
