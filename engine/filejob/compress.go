package filejob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/outfile"
)

// compress encodes in to outPath and, where asked for, verifies the archive
// before it appears.
func (r *runner) compress(ctx context.Context, in *input, outPath string) (Result, error) {
	out, err := r.openOutput(ctx, outPath)
	if err != nil {
		return Result{}, err
	}
	if r.Resume && out.isFile() {
		defer out.keep()
	} else {
		defer out.abort()
	}

	removes := r.removes(in, out)
	verify := r.Verify || removes
	var written *os.File
	sink := io.Writer(out)
	if out.isFile() {
		written = out.opened()
	} else if verify {
		// What cannot be read back waits in a temporary file.
		if written, err = outfile.Temp(); err != nil {
			return Result{}, err
		}
		defer written.Close()
		sink = written
	}
	o := r.Write
	o.Size = in.length()
	o.Meta = in.archiveMeta()
	if t := o.Meta.Time; !t.IsZero() && !archive.StorableTime(t) && !out.isFile() {
		// A file has it as its own, which decompression falls back on.
		r.warn(in.path, fmt.Errorf("archives cannot record the modification time %s", t.UTC().Format(time.DateOnly)), "")
	}
	res, err := r.encode(ctx, sink, out, in, o)
	if err != nil {
		return Result{}, err
	}
	if verify {
		if err := r.verify(ctx, written, in); err != nil {
			if ctx.Err() == nil {
				out.abort() // nothing to go on from
			}
			if errors.Is(err, engine.ErrDiffers) && !in.unchanged() {
				err = &Error{Path: in.path, Err: ErrChanged, Help: "compress it again when nothing writes to it"}
			}
			return Result{}, err
		}
		res.Verified = true
		if sink != io.Writer(out) {
			if err := copyAll(ctx, out, written); err != nil {
				return Result{}, err
			}
		}
	}
	if !removes && !in.unchanged() {
		r.warn(in.path, ErrChanged, "compress it again when nothing writes to it")
	}
	if err := r.commit(out, in.attributes()); err != nil {
		return Result{}, err
	}
	result := r.result(res, outPath)
	if removes {
		err = r.remove(in, &result)
	}
	return result, err
}

// openOutput prepares the output at path, or takes up what an interrupted job
// left of it.
func (r *runner) openOutput(ctx context.Context, path string) (*output, error) {
	if !r.Resume || path == Stdio {
		out, err := r.createOutput(ctx, path, true)
		if err == nil {
			r.warnOfPart(out)
		}
		return out, err
	}
	if outfile.Direct(path) {
		return nil, &Error{Path: path, Err: errors.New("is no regular file: nothing of it stays that could be gone on with"), Help: "drop --resume, or name a file with -o"}
	}
	if !r.Force && outfile.Left(path) == "" && incomplete(path) {
		if err := outfile.Adopt(path); err != nil {
			return nil, r.outputError(path, err)
		}
	}
	f, err := outfile.Reopen(path, outfile.Options{Replace: r.Force})
	switch {
	case err == nil:
		return &output{path: path, w: f, file: f}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, r.outputError(path, err)
	}
	out, err := r.createOutput(ctx, path, true)
	if err == nil && out.isFile() {
		r.warn(path, errors.New("there is nothing to go on from: this run begins at the start"), "with --resume it keeps what it has done when it is interrupted")
	}
	return out, err
}

// encode compresses in to sink. Where the output has content already, it goes on
// with that.
func (r *runner) encode(ctx context.Context, sink io.Writer, out *output, in *input, o engine.Options) (engine.Result, error) {
	if r.Resume && out.isFile() {
		res, err := engine.Resume(ctx, out.file, in.r, o)
		if errors.Is(err, engine.ErrNotResumable) {
			err = &Error{Path: out.file.Part(), Err: err, Help: "use the options and the input it was begun with, or remove it to start over"}
		}
		return res, err
	}
	return engine.Compress(ctx, sink, in.r, o)
}

// warnOfPart tells about a partial file that stands where the output's own
// would: this job leaves it alone.
func (r *runner) warnOfPart(out *output) {
	if !out.isFile() {
		return
	}
	if name := outfile.Left(out.path); name != "" && out.file.Part() != name {
		r.warn(name, errors.New("left by an interrupted run, or in use by another"), "--resume goes on from it")
	}
}

// Exists is whether there is anything at path, a link that leads nowhere included.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// incomplete reports whether the file at path is the beginning of an archive.
func incomplete(path string) bool {
	f, err := ctxio.OpenRegular(path)
	if err != nil {
		return false
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return false
	}
	p, err := archive.ReadPrefix(f, fi.Size())
	return err == nil && !p.Complete
}

// verify decodes an archive and compares the content with the input, as far as
// that can be read again; the archive's checksums were made from it.
func (r *runner) verify(ctx context.Context, written *os.File, in *input) error {
	if _, err := written.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := engine.Verify(ctx, written, in.original(), r.Read)
	return err
}

// copyAll copies an archive from its start.
func copyAll(ctx context.Context, w io.Writer, written *os.File) error {
	if _, err := written.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := io.Copy(w, written)
	return err
}
