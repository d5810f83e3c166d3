package filejob

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/llmz/llmz/engine"
)

// compress encodes in to outPath and, where asked for, verifies the archive
// before it appears.
func (r *runner) compress(ctx context.Context, in *input, outPath string) (Result, error) {
	out, err := r.createOutput(outPath, true)
	if err != nil {
		return Result{}, err
	}
	defer out.abort()
	r.warnOfPart(out)

	verify := r.Verify || r.Remove && outPath != Stdio
	archive := out.file
	sink := io.Writer(out)
	if verify && !out.isFile() {
		// What cannot be read back waits in a temporary file.
		spool, err := os.CreateTemp("", "llmz-*"+PartSuffix)
		if err != nil {
			return Result{}, err
		}
		defer os.Remove(spool.Name())
		defer spool.Close()
		archive, sink = spool, spool
	}
	o := r.Write
	o.Size = in.size()
	o.Meta = in.archiveMeta()
	res, err := engine.Compress(ctx, sink, in.r, o)
	if err != nil {
		return Result{}, err
	}
	if verify {
		if err := r.verify(ctx, archive, in); err != nil {
			return Result{}, err
		}
		res.Verified = true
		if sink != io.Writer(out) {
			if err := copyAll(ctx, out, archive); err != nil {
				return Result{}, err
			}
		}
	}
	if !in.unchanged() {
		r.warn(in.path, ErrChanged, "compress it again when nothing writes to it")
	}
	if err := out.commit(in.meta()); err != nil {
		return Result{}, err
	}
	result := r.result(res, outPath)
	r.remove(in, &result)
	return result, nil
}

// warnOfPart tells about a partial file that stands where the output's own
// would: this job leaves it alone.
func (r *runner) warnOfPart(out *output) {
	name := out.path + PartSuffix
	if !out.isFile() || out.part == name {
		return
	}
	if _, err := os.Lstat(name); err == nil {
		r.warn(name, errors.New("left by an interrupted run, or in use by another"), "--resume goes on from it")
	}
}

// verify decodes an archive and compares the content with the input, as far as
// that can be read again; the archive's checksums were made from it.
func (r *runner) verify(ctx context.Context, archive *os.File, in *input) error {
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var original io.Reader
	if in.file != nil && in.info.Mode().IsRegular() {
		if _, err := in.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		original = in.file
	}
	o := r.Read
	o.Observer = withTotal(o.Observer, in.size())
	_, err := engine.Verify(ctx, archive, original, o)
	return err
}

// copyAll copies an archive from its start.
func copyAll(ctx context.Context, w io.Writer, archive *os.File) error {
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := io.Copy(w, archive)
	return err
}
