package trainer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/machine"
)

// separator stands between the files of a source.
const separator = "\n\n\n"

// LoadSources reads a source from each path: a file, a directory with all files
// below it but hidden ones, or "-" for stdin. Links below directories are not
// followed. weights gives the share of the streams to cut from each; nil: in
// proportion to their sizes.
func LoadSources(ctx context.Context, paths []string, weights []float64, stdin io.Reader) ([]Source, error) {
	if weights != nil && len(weights) != len(paths) {
		return nil, fmt.Errorf("%d weights for %d sources", len(weights), len(paths))
	}
	var list []Source
	room := int64(math.MaxInt64)
	if free := machine.FreeMemory(); free > 0 {
		room = free - free/4 // something else has to fit, too
	}
	for i, path := range paths {
		s := Source{Name: path}
		if weights != nil {
			if s.Weight = weights[i]; !(s.Weight > 0) {
				return nil, fmt.Errorf("weight %g of %s: must be above 0", s.Weight, path)
			}
		}
		var err error
		if path == "-" {
			s.Data, err = io.ReadAll(io.LimitReader(ctxio.Reader(ctx, stdin), room+min(1, math.MaxInt64-room)))
		} else {
			s.Data, err = readTree(ctx, path, room)
		}
		if room -= int64(len(s.Data)); err == nil && room < 0 {
			err = errTooLarge
		}
		if err != nil {
			return nil, fmt.Errorf("corpus: %s: %w", path, err)
		}
		list = append(list, s)
	}
	return list, ctx.Err()
}

// errTooLarge refuses a corpus that does not fit into the memory.
var errTooLarge = errors.New("more text than fits into this machine's memory: a training holds all of it")

// readTree returns the content of a file, or of all files below a directory in
// lexical order, of at most so many bytes.
func readTree(ctx context.Context, root string, room int64) ([]byte, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() && info.Size() > room {
		return nil, errTooLarge
	}
	if !info.IsDir() {
		return ctxio.ReadFile(ctx, root)
	}
	var all []byte
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case path != root && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		if fi, err := d.Info(); err == nil && int64(len(all))+fi.Size() > room {
			return errTooLarge
		}
		data, err := ctxio.ReadFile(ctx, path)
		if err != nil {
			return err
		}
		if len(all) > 0 {
			all = append(all, separator...)
		}
		all = append(all, data...)
		return nil
	})
	return all, err
}
