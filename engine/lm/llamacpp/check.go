package llamacpp

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/llmz/llmz/engine/predict"
)

// Check tells whether the libraries may be loaded: they become part of the program, so nobody
// but its user and the system may be able to change them, and those that Install put there
// must be as they were then, with nothing added. Of folders that Install did not make it
// checks only who may write to them.
func (in *Installation) Check() error {
	if err := checkWriters(in.Dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(in.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries { // the system would wait for the other end of a pipe
		if fi, err := os.Stat(filepath.Join(in.Dir, e.Name())); err == nil && !fi.Mode().IsRegular() && isLibrary(e.Name()) {
			return fmt.Errorf("%w: %s is no file", predict.ErrRuntimeMissing, filepath.Join(in.Dir, e.Name()))
		}
	}
	if in.Manifest == nil {
		return nil
	}
	changed := func(name, how string) error {
		return fmt.Errorf("%w: %s was %s since it was installed; run: %s --force", predict.ErrMismatch, filepath.Join(in.Dir, name), how, InstallCommand(in.GPU))
	}
	for _, e := range entries {
		name := e.Name()
		target := name
		if e.Type()&os.ModeSymlink != 0 {
			if target, err = os.Readlink(filepath.Join(in.Dir, name)); err != nil {
				return err
			}
		}
		if _, known := in.Manifest.Files[target]; !known && isLibrary(name) {
			return changed(name, "added")
		}
	}
	for name, want := range in.Manifest.Files {
		got, err := fileDigest(filepath.Join(in.Dir, name))
		if os.IsNotExist(err) {
			return changed(name, "removed")
		}
		if err != nil {
			return err
		}
		if got != want {
			return changed(name, "changed")
		}
	}
	return nil
}

// An insecureError refuses a folder that others can write to.
type insecureError struct{ path string }

func (e *insecureError) Error() string {
	return fmt.Sprintf("everybody can write to %s: what is loaded from there may be anybody's", e.path)
}

// Hint returns what to do.
func (e *insecureError) Hint() string {
	return fmt.Sprintf("take that right away (chmod o-w %s), and install the libraries anew: llmz runtime install --force", e.path)
}

// Unwrap returns predict.ErrRuntimeMissing: there is none that may be used.
func (e *insecureError) Unwrap() error { return predict.ErrRuntimeMissing }
