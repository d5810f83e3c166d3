//go:build !unix

package filejob

import "os"

// A fileKey identifies a file for as long as it is there.
type fileKey struct{}

func keyOf(os.FileInfo) (fileKey, bool) { return fileKey{}, false }
