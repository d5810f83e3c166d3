package ctxio

import (
	"context"
	"crypto/sha256"
	"io"
)

// FileReader returns a reader of f, which must be something that does not wait, such as
// what OpenRegular opens: it fails once ctx is done, and reads no more than 16 MiB between
// two looks at it. Unlike Reader it needs neither a goroutine nor a copy.
func FileReader(ctx context.Context, f io.Reader) io.Reader { return &fileReader{ctx, f} }

type fileReader struct {
	ctx context.Context
	f   io.Reader
}

func (r *fileReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.f.Read(p[:min(len(p), 16<<20)])
}

// SHA256 returns the digest of what is left of f, which is as for FileReader.
func SHA256(ctx context.Context, f io.Reader) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	if _, err := io.CopyBuffer(h, FileReader(ctx, f), make([]byte, chunk)); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}

// FileSHA256 returns the digest of the file at path, which OpenRegular opens.
func FileSHA256(ctx context.Context, path string) (sum [sha256.Size]byte, err error) {
	f, err := OpenRegular(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	return SHA256(ctx, f)
}
