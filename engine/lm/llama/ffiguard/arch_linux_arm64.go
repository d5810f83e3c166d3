//go:build !nollama

package ffiguard

const (
	memfdCreate = 279
	machine     = 183 // EM_AARCH64
)

// fails is a function that returns 1 (FFI_BAD_TYPEDEF): mov w0, #1; ret.
var fails = []byte{0x20, 0, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6}

var libraryDirs = []string{
	"/lib/aarch64-linux-gnu/", "/usr/lib/aarch64-linux-gnu/", "/lib64/", "/usr/lib64/", "/lib/", "/usr/lib/", "/usr/local/lib/",
}
