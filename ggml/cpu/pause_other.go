//go:build noasm || !(amd64 || arm64)

package cpu

func pause(n uint32) {
	for range n {
		_ = n
	}
}
