package bench

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/ctxio"
)

// Data is what a row is measured on: a file, the first bytes of one, or its
// rot13 control.
type Data struct {
	// Name is how reports call it.
	Name string `json:"name"`
	// Path is the file.
	Path string `json:"path"`
	// Limit cuts the data after so many bytes, 0 for the whole file.
	Limit int64 `json:"limit,omitempty"`
	// Rot13 shifts the letters by 13. What a model knows by heart is of no use on the
	// result, what it predicts from the text at hand still is: a classic compressor
	// hardly notices, a model does.
	Rot13 bool `json:"rot13,omitempty"`
}

// Whole reports whether the data is a file as it lies on the disk.
func (d Data) Whole() bool { return d.Limit == 0 && !d.Rot13 }

// Open opens the data for reading.
func (d Data) Open() (io.ReadCloser, error) {
	f, err := ctxio.OpenRegular(d.Path)
	if err != nil {
		return nil, err
	}
	var r io.Reader = f
	if d.Limit > 0 {
		r = io.LimitReader(r, d.Limit)
	}
	if d.Rot13 {
		r = rot13Reader{r}
	}
	return struct {
		io.Reader
		io.Closer
	}{r, f}, nil
}

// Size returns the number of bytes that Open's reader gives.
func (d Data) Size() (int64, error) {
	fi, err := os.Stat(d.Path)
	if err != nil {
		return 0, err
	}
	if d.Limit > 0 {
		return min(d.Limit, fi.Size()), nil
	}
	return fi.Size(), nil
}

// meta returns what an archive of d keeps beside the content, so that sizes are
// those of the archives that the program writes.
func (d Data) meta() engine.Meta {
	m := engine.Meta{Name: filepath.Base(d.Path)}
	if fi, err := os.Stat(d.Path); err == nil {
		m.Time, m.Mode = fi.ModTime(), uint32(fi.Mode().Perm())
	}
	return m
}

// Control returns d's rot13 control.
func (d Data) Control() Data {
	d.Rot13 = true
	d.Name += " (rot13)"
	return d
}

// Prefix returns the first n bytes of d.
func (d Data) Prefix(n int64) Data {
	d.Limit = n
	d.Name = fmt.Sprintf("%s (first %s B)", d.Name, thousands(n))
	return d
}

type rot13Reader struct{ r io.Reader }

func (r rot13Reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	for i, c := range p[:n] {
		p[i] = rot13(c)
	}
	return n, err
}

func rot13(c byte) byte {
	switch {
	case c >= 'a' && c <= 'z':
		return 'a' + (c-'a'+13)%26
	case c >= 'A' && c <= 'Z':
		return 'A' + (c-'A'+13)%26
	}
	return c
}

// IsText reports whether d looks like text that a rot13 control makes sense
// for: no NUL byte and mostly letters in the first 64 kB.
func (d Data) IsText() bool {
	r, err := d.Open()
	if err != nil {
		return false
	}
	defer r.Close()
	b := make([]byte, 64<<10)
	n, _ := io.ReadFull(bufio.NewReader(r), b)
	letters := 0
	for _, c := range b[:n] {
		if c == 0 {
			return false
		}
		if rot13(c) != c || c == ' ' {
			letters++
		}
	}
	return n > 0 && letters*10 >= n*7
}

// Collect returns the files that paths name; of a directory, every regular file
// below it that is not hidden, by name. Empty files and archives of llmz are
// left out there.
func Collect(paths []string) ([]Data, error) {
	var all []Data
	for _, p := range paths {
		fi, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !fi.IsDir() {
			all = append(all, Data{Name: filepath.Base(p), Path: p})
			continue
		}
		var found []Data
		err = filepath.WalkDir(p, func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case e.IsDir() && path != p && strings.HasPrefix(e.Name(), "."):
				return fs.SkipDir
			case !e.Type().IsRegular(), strings.HasPrefix(e.Name(), "."), strings.HasSuffix(path, ".llmz"):
				return nil
			}
			if fi, err := e.Info(); err != nil || fi.Size() == 0 {
				return err
			}
			name, err := filepath.Rel(p, path)
			found = append(found, Data{Name: filepath.ToSlash(name), Path: path})
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s holds no file to measure", p)
		}
		slices.SortFunc(found, func(a, b Data) int { return strings.Compare(a.Name, b.Name) })
		all = append(all, found...)
	}
	return all, nil
}
