//go:build nollama || !linux || !(amd64 || arm64)

package ffiguard

// Missing is false: the library is part of the program here, or not used.
const Missing = false
