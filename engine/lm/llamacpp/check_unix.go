//go:build unix

package llamacpp

import (
	"os"
	"path/filepath"
)

// checkWriters refuses a folder if everybody can change what is in it, put another one in its
// place, or change a library in it. A sticky folder, such as /tmp, lets only owners do so.
func checkWriters(dir string) error {
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return err
	}
	const everybody = 0o002
	for at, sticky := abs, os.FileMode(0); ; at, sticky = filepath.Dir(at), os.ModeSticky {
		fi, err := os.Stat(at)
		if err != nil {
			return err
		}
		if m := fi.Mode(); m&everybody != 0 && m&sticky == 0 {
			return &insecureError{at}
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	entries, err := os.ReadDir(abs)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(abs, e.Name())
		if fi, err := os.Stat(path); err == nil && fi.Mode().IsRegular() && fi.Mode()&everybody != 0 && isLibrary(e.Name()) {
			return &insecureError{path}
		}
	}
	return nil
}
