//go:build !noasm

package simd

// assembly tells whether there is any in this build.
const assembly = true
