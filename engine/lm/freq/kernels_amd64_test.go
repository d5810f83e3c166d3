//go:build amd64 && !noasm

package freq

// eachKernel calls f with every set of instructions that this CPU has.
func eachKernel(f func(name string)) {
	widest := best
	defer func() { best = widest }()
	for ; best >= none; best-- {
		f(best.String())
	}
}
