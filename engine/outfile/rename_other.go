//go:build !linux && !darwin

package outfile

// renameNew renames a file to a name that must be free.
func renameNew(from, to string) error { return linkNew(from, to) }
