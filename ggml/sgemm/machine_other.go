//go:build !amd64 || purego

package sgemm

func machineKernels() []*Kernel { return nil }
