//go:build !purego

package vec

import "golang.org/x/sys/cpu"

// fast says whether the AVX2 kernels can be used; tests switch it off.
var fast = cpu.X86.HasAVX2 && cpu.X86.HasFMA
