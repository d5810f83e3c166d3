package filejob

import (
	"os"
	"path/filepath"
	"sync"
)

// Inputs are all inputs of a run. They are looked at once, when the first output stands
// where something is already, so that a check costs the same for any number of them. It is
// safe for concurrent use.
type Inputs struct {
	paths []string
	once  sync.Once
	names map[string]bool        // absolute and clean
	files map[fileKey][]string   // by what identifies them
	other map[string]os.FileInfo // those that nothing does
}

// NewInputs returns the Inputs at paths.
func NewInputs(paths ...string) *Inputs { return &Inputs{paths: paths} }

// Len returns their number.
func (s *Inputs) Len() int {
	if s == nil {
		return 0
	}
	return len(s.paths)
}

func (s *Inputs) look() {
	s.names, s.files, s.other = map[string]bool{}, map[fileKey][]string{}, map[string]os.FileInfo{}
	for _, p := range s.paths {
		fi, err := os.Stat(p)
		if p == Stdio || err != nil {
			continue
		}
		if abs, err := filepath.Abs(p); err == nil {
			s.names[abs] = true
		}
		if key, ok := keyOf(fi); ok {
			s.files[key] = append(s.files[key], p)
		} else {
			s.other[p] = fi
		}
	}
}

// hold tells whether the file at path is one of the inputs other than except.
func (s *Inputs) hold(path string, fi os.FileInfo, except string) bool {
	if s.Len() == 0 {
		return false
	}
	s.once.Do(s.look)
	is := func(p string) bool {
		// They may have been removed or replaced since.
		si, err := os.Stat(p)
		return p != except && err == nil && os.SameFile(fi, si)
	}
	if key, ok := keyOf(fi); ok {
		for _, p := range s.files[key] {
			if is(p) {
				return true
			}
		}
	}
	for p, si := range s.other {
		if os.SameFile(fi, si) && is(p) {
			return true
		}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	own, err := filepath.Abs(except)
	return s.names[abs] && (err != nil || own != abs)
}
