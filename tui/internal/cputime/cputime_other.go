//go:build !unix

// Package cputime tells what processor time this process has used; here it does
// not know.
package cputime

import "time"

// Used returns 0.
func Used() time.Duration { return 0 }
