// Package simd says which vector instructions the kernels of this program may use.
// It asks the processor once, and honours for all of them the environment variable
// LLMZ_KERNEL, which names the highest level wanted, and the build tag noasm, which
// leaves plain Go only.
//
// A package with kernels keeps a list of those that this machine runs (Has, Runs),
// which its tests compare, and takes the best one that is Allowed.
package simd

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/cpuid/v2"
)

// Env names the environment variable that limits the level.
const Env = "LLMZ_KERNEL"

// Level is a set of vector instructions that a kernel is written for. A higher level
// of the same processor architecture contains the lower ones.
type Level uint8

// The levels, by what LLMZ_KERNEL calls them.
const (
	Generic    Level = iota // generic: plain Go
	AVX2                    // avx2
	AVXVNNI                 // avxvnni: products of bytes, 256 bits wide, in either encoding
	AVX512VNNI              // avx512vnni: 512 bits wide, and products of bytes
	NEON                    // neon
	NEONDot                 // neondot: products of bytes
)

var names = [...]string{"generic", "avx2", "avxvnni", "avx512vnni", "neon", "neondot"}

// String returns the level's name.
func (l Level) String() string { return names[l] }

// Has reports whether this machine has all these instructions, and this build may use
// any.
func Has(f ...cpuid.FeatureID) bool { return assembly && cpuid.CPU.Supports(f...) }

// Runs reports whether this machine and this build have the instructions of the level,
// whatever LLMZ_KERNEL says.
func (l Level) Runs() bool {
	avx512 := func() bool {
		return Has(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL, cpuid.AVX512VNNI)
	}
	switch l {
	case Generic:
		return true
	case AVX2:
		return Has(cpuid.AVX2)
	case AVXVNNI:
		return Has(cpuid.AVX2) && (Has(cpuid.AVXVNNI) || avx512())
	case AVX512VNNI:
		return Has(cpuid.AVX2) && avx512()
	case NEON: // every arm64 processor has it, even where the system doesn't tell
		return assembly && runtime.GOARCH == "arm64"
	case NEONDot:
		return runtime.GOARCH == "arm64" && Has(cpuid.ASIMDDP)
	}
	return false
}

// Levels returns the levels that this machine runs, the best one first. The last is
// Generic.
func Levels() []Level {
	var l []Level
	for i := len(names) - 1; i >= 0; i-- {
		if Level(i).Runs() {
			l = append(l, Level(i))
		}
	}
	return l
}

// Allowed reports whether the level is not above the one that LLMZ_KERNEL names. A
// name that is unknown here, or of a level that does not run, is no limit: see Err.
func (l Level) Allowed() bool {
	limit, err := chosen()
	return err != nil || l <= limit
}

// Use reports whether code of that level may run here: level and further instructions
// are there, and allowed.
func Use(l Level, f ...cpuid.FeatureID) bool {
	return l.Runs() && l.Allowed() && (len(f) == 0 || Has(f...))
}

// Err returns what is wrong with the value of LLMZ_KERNEL, or nil.
func Err() error {
	_, err := chosen()
	return err
}

var chosen = sync.OnceValues(func() (Level, error) { return parse(os.Getenv(Env)) })

// parse returns the level of that name, the highest one for no name.
func parse(name string) (Level, error) {
	runs := Levels()
	if name == "" {
		return Level(len(names) - 1), nil
	}
	i := slices.IndexFunc(runs, func(l Level) bool { return l.String() == name })
	if i < 0 {
		return runs[0], fmt.Errorf("%s: no kernel %q on this machine, which can run %s", Env, name, list(runs))
	}
	return runs[i], nil
}

func list(l []Level) string {
	s := make([]string, len(l))
	for i, v := range l {
		s[i] = v.String()
	}
	return strings.Join(s, ", ")
}
