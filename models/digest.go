package models

import (
	"context"
	"sync"
	"time"

	"github.com/llmz/llmz/engine/ctxio"
)

// digests remembers the digests of files for as long as they stay the same.
var digests sync.Map // digestKey -> [32]byte

type digestKey struct {
	path string
	size int64
	time time.Time
}

// fileDigest returns the SHA-256 of a file.
func fileDigest(ctx context.Context, path string) (sum [32]byte, err error) {
	f, err := ctxio.OpenRegular(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return sum, err
	}
	key := digestKey{path, fi.Size(), fi.ModTime()}
	if d, ok := digests.Load(key); ok {
		return d.([32]byte), nil
	}
	if sum, err = ctxio.SHA256(ctx, f); err != nil {
		return sum, err
	}
	digests.Store(key, sum)
	return sum, nil
}
