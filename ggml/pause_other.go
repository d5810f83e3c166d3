//go:build !amd64 && !arm64

package ggml

func pause(n uint32) {
	for range n {
		_ = n
	}
}
