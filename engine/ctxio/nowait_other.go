//go:build !unix

package ctxio

// noWait: there is nothing to wait for.
const noWait = 0
