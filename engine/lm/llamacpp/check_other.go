//go:build !unix

package llamacpp

// checkWriters does nothing where permissions are no bits.
func checkWriters(string) error { return nil }
