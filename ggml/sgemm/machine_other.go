//go:build !amd64 || noasm

package sgemm

func machineKernels() []*Kernel { return nil }
