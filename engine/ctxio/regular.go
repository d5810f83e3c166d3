package ctxio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
)

// ErrNotRegular means that what must be a file is a folder, a named pipe, a device or the like.
var ErrNotRegular = errors.New("not a regular file")

// OpenRegular opens the file at path. It never waits, as opening a named pipe does for its other
// end: what is no regular file is refused.
func OpenRegular(path string) (*os.File, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	f, err := os.OpenFile(path, os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, err
	}
	if fi, err = f.Stat(); err == nil && !fi.Mode().IsRegular() { // it has just been replaced
		err = &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ErrTooLarge means that a file is larger than anything that belongs in its place.
var ErrTooLarge = errors.New("larger than such a file can be")

// ReadRegular is os.ReadFile for what OpenRegular opens, of limit bytes at most.
func ReadRegular(path string, limit int64) ([]byte, error) {
	f, err := OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := []byte(nil)
	if fi, err := f.Stat(); err == nil && fi.Size() <= limit {
		b, err = io.ReadAll(io.LimitReader(f, limit+1))
		if err != nil || int64(len(b)) <= limit {
			return b, err
		}
	}
	return nil, &fs.PathError{Op: "read", Path: path, Err: ErrTooLarge}
}

// OpenReader opens path for reading, whatever it is: neither the opening nor a Read waits
// longer than ctx lasts.
func OpenReader(ctx context.Context, path string) (io.ReadCloser, error) {
	f, err := Open(ctx, path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{Reader(ctx, f), f}, nil
}

// ReadFile is os.ReadFile that waits no longer than ctx lasts.
func ReadFile(ctx context.Context, path string) ([]byte, error) {
	var r io.ReadCloser
	size := int64(512)
	f, err := OpenRegular(path)
	switch {
	case err == nil:
		if fi, err := f.Stat(); err == nil {
			size = min(fi.Size(), 1<<30)
		}
		r = struct {
			io.Reader
			io.Closer
		}{FileReader(ctx, f), f}
	case errors.Is(err, ErrNotRegular):
		r, err = OpenReader(ctx, path)
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	b.Grow(int(size) + bytes.MinRead)
	_, err = b.ReadFrom(r)
	return b.Bytes(), err
}
