//go:build unix

package outfile

import "os"

// Temp returns a temporary file that is gone with its last descriptor, however the
// process ends. It has no name that leads to it.
func Temp() (*os.File, error) {
	f, err := os.CreateTemp("", hiddenPrefix+"*"+PartSuffix)
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}
