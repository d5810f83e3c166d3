package main

import (
	"archive/tar"
	"archive/zip"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A member is a file in an archive, or a link to one.
type member struct {
	from    string // a path; empty for a link
	name    string // in the archive
	link    string
	program bool
}

func (m *member) mode() fs.FileMode {
	if m.program {
		return 0o755
	}
	return 0o644
}

// archive writes a .zip for Windows, a .tar.gz for others. Members are in the order of
// their names, and belong to nobody.
func (r *release) archive(name, goos string, members []member) error {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	write, ext := r.tarball, ".tar.gz"
	if goos == "windows" {
		write, ext = r.zip, ".zip"
	}
	f, err := os.Create(filepath.Join(r.out, name+ext))
	if err != nil {
		return err
	}
	return errors.Join(write(f, name, members), f.Close())
}

func (r *release) tarball(w io.Writer, dir string, members []member) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, m := range members {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: dir + "/" + m.name, Mode: int64(m.mode()), ModTime: r.time, Format: tar.FormatPAX}
		var data []byte
		if m.link != "" {
			h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, m.link, 0o777
		} else if data, err = os.ReadFile(m.from); err != nil {
			return err
		}
		h.Size = int64(len(data))
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(data); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}

func (r *release) zip(w io.Writer, dir string, members []member) error {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, m := range members {
		h := &zip.FileHeader{Name: dir + "/" + m.name, Method: zip.Deflate, Modified: r.time}
		h.SetMode(m.mode())
		to, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(m.from)
		if err != nil {
			return err
		}
		if _, err := to.Write(data); err != nil {
			return err
		}
	}
	return z.Close()
}
