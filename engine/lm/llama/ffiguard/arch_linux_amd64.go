//go:build !nollama

package ffiguard

const (
	memfdCreate = 319
	machine     = 62 // EM_X86_64
)

// fails is a function that returns 1 (FFI_BAD_TYPEDEF): mov eax, 1; ret.
var fails = []byte{0xb8, 1, 0, 0, 0, 0xc3}

var libraryDirs = []string{
	"/lib/x86_64-linux-gnu/", "/usr/lib/x86_64-linux-gnu/", "/lib64/", "/usr/lib64/", "/lib/", "/usr/lib/", "/usr/local/lib/",
}
