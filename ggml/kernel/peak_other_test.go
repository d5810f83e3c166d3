//go:build noasm || !amd64

package kernel

func peaks() []peak { return nil }
