package bench

import (
	"os"
	"path/filepath"

	"github.com/llmz/llmz/testdata"
)

// Samples writes the bundled samples into dir and returns them. The rot13
// control of the first one comes last.
func Samples(dir string) ([]Data, error) {
	var all []Data
	for _, name := range testdata.Names() {
		b, err := testdata.Samples.ReadFile(name)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			return nil, err
		}
		all = append(all, Data{Name: name, Path: path})
	}
	return append(all, all[0].Control()), nil
}
