//go:build !unix

package term

func foreground(uintptr) bool { return true }
