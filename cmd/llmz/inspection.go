package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/gate"
	"github.com/llmz/llmz/tui/text"
)

// An inspection is a file that is going to be inspected, or a part of it: as what it
// would be compressed to, or as the archive that it is.
type inspection struct {
	size int64 // bytes to look at
	gate *gate.Gate

	// Of an archive:
	file     *os.File
	from, to int64
	read     engine.ReadOptions

	// Of other files:
	content []byte
	options engine.InspectOptions
}

// run inspects.
func (in *inspection) run(ctx context.Context, observe engine.Observer) (*engine.Inspection, error) {
	if in.file != nil {
		in.read.Observer, in.read.Gate = observe, in.gate
		fi, err := in.file.Stat()
		if err != nil {
			return nil, err
		}
		x, err := engine.InspectArchive(ctx, in.file, fi.Size(), in.from, in.to, in.read)
		return x, archiveError(ctx, in.file.Name(), err)
	}
	in.options.Observer, in.options.Gate = observe, in.gate
	return engine.Inspect(ctx, in.content, in.options)
}

func (in *inspection) close() {
	if in.file != nil {
		in.file.Close()
	}
	closeAll(in.options.Model, in.options.ForRepeats)
}

// openInspection opens what is to be inspected.
func (a *app) openInspection(ctx context.Context, o *inspectOptions, path string) (*inspection, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if fi.IsDir() {
		return nil, &filejob.Error{Path: path, Err: errors.New("is a directory")}
	}
	whole := isArchive(path)
	if whole && o.model == "" {
		if o.noMix || o.lanes > 0 {
			return nil, usagef("an archive has its own mixing and lanes: -m inspects its content with others")
		}
		return a.openArchived(ctx, o, path)
	}
	content, meta, err := a.contentOf(ctx, o, path, whole)
	if err != nil {
		return nil, err
	}
	in := &inspection{content: content, size: int64(len(content)), options: engine.InspectOptions{NoMix: o.noMix, Lanes: o.lanes, Threads: int(o.threads), Meta: meta}}
	if o.model == noModel {
		return in, nil
	}
	l := level{model: o.model}
	if o.model == "" {
		l = a.settings.modelLevel()
	}
	if in.options.Model, err = a.models.Open(ctx, l.model); err == nil && l.repeats != "" {
		in.options.ForRepeats, err = a.models.Open(ctx, l.repeats)
	}
	if err != nil {
		in.close()
	}
	return in, err
}

// openArchived opens an archive to be inspected as it is.
func (a *app) openArchived(ctx context.Context, o *inspectOptions, path string) (*inspection, error) {
	f, size, err := openArchive(path)
	if err != nil {
		return nil, err
	}
	var content int64
	err = archive.Walk(ctxio.ReaderAt(ctx, f), size, func(m *archive.Member) error { content += m.Length(); return nil })
	in := &inspection{file: f, read: engine.ReadOptions{Models: a.models, Threads: int(o.threads)}}
	if err = archiveError(ctx, path, err); err == nil {
		in.from, in.to, err = a.inspectedRange(o, path, content)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	in.size = in.to - in.from
	if in.to == content {
		in.to = -1
	}
	return in, nil
}

// isArchive tells whether a file is an archive, or calls itself one.
func isArchive(path string) bool {
	if strings.HasSuffix(path, filejob.Suffix) {
		return true
	}
	f, err := ctxio.OpenRegular(path) // what is read of a pipe is gone
	if err != nil {
		return false // reading it says why
	}
	defer f.Close()
	var start [len(archive.Magic)]byte
	_, err = io.ReadFull(f, start[:])
	return err == nil && string(start[:]) == archive.Magic
}

// contentOf returns what is of interest of a file, or of an archive's content, and what
// its archive would keep about it.
func (a *app) contentOf(ctx context.Context, o *inspectOptions, path string, whole bool) (content []byte, meta engine.Meta, err error) {
	file, err := ctxio.Open(ctx, path, os.O_RDONLY)
	if err != nil {
		return nil, meta, err
	}
	defer file.Close()
	f := ctxio.Reader(ctx, file)
	if !whole {
		content, err = a.excerpt(o, path, f)
		return content, filejob.MetaOf(file), err
	}
	r, err := engine.NewReaderContext(ctx, f, engine.ReadOptions{Models: a.models})
	if err != nil {
		return nil, meta, &filejob.Error{Path: path, Err: err}
	}
	defer r.Close()
	if content, err = a.excerpt(o, path, r); err != nil {
		return nil, meta, archiveError(ctx, path, err)
	}
	return content, r.Meta(), nil
}

// excerpt reads what is of interest, and holds no more.
func (a *app) excerpt(o *inspectOptions, path string, r io.Reader) (content []byte, err error) {
	most, before := int64(inspectLimit), int64(0)
	if o.bytes.set {
		if before, err = io.CopyN(io.Discard, r, o.bytes.first); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if most = inspectMost; o.bytes.last >= 0 {
			most = min(most, o.bytes.last-o.bytes.first+1)
		}
	}
	// One byte more tells that there are others.
	if content, err = io.ReadAll(io.LimitReader(r, most+1)); err != nil {
		return nil, err
	}
	n := int64(len(content))
	to := before + n
	if o.bytes.set && o.bytes.last >= 0 && o.bytes.last-o.bytes.first < inspectMost {
		to = min(to, o.bytes.last+1)
	}
	from, to, err := a.inspectedRange(o, path, to)
	if err != nil {
		return nil, err
	}
	return content[:to-from], nil
}

// inspectedRange returns the part of n bytes of content that was asked for.
func (a *app) inspectedRange(o *inspectOptions, path string, n int64) (from, to int64, err error) {
	if !o.bytes.set {
		if n > inspectLimit {
			a.warn(fmt.Errorf("%s: only the first %s are inspected; --bytes chooses others", path, text.Binary(inspectLimit)))
		}
		return 0, min(n, inspectLimit), nil
	}
	if o.bytes.first >= n {
		return 0, 0, usagef("%s has %s bytes: there is no byte %s", path, text.Count(n), text.Count(o.bytes.first))
	}
	to = n
	if o.bytes.last >= 0 && o.bytes.last < math.MaxInt64 {
		to = min(n, o.bytes.last+1)
	}
	if to-o.bytes.first > inspectMost {
		return 0, 0, usagef("no more than %s can be inspected at once: name a smaller range with --bytes", text.Binary(inspectMost))
	}
	return o.bytes.first, to, nil
}
