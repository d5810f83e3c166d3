package lm

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/predict"
)

// The keys of predict.Ref.Runtime that this package writes: what a decoder
// must do the same.
const (
	keyVersion  = "llama.cpp" // release of the library
	keySchedule = "sched"     // version of the step schedule, see session.go
	keyDevice   = "dev"       // "cpu", "cuda", "vulkan", "metal"
	keyVariant  = "cpu"       // CPU kernels
	keyCPU      = "cpulib"    // start of the SHA-256 of the library with the CPU kernels
	keyContext  = "ctx"       // positions of the context window
	keyKeep     = "keep"      // tokens kept when the window is full
	keyGPU      = "gpu"       // the accelerator's name
	keyGPULib   = "gpulib"    // start of the SHA-256 of the library with the accelerator's kernels; older archives lack it
	keyLayers   = "layers"    // layers on the accelerator
)

// schedule is the version of the step schedule.
const schedule = "1"

// settings is the decoded form of the keys.
type settings struct {
	device  llamacpp.GPU
	variant string
	cpu     string
	ctx     int
	keep    int
	gpu     string
	gpulib  string
	layers  int
}

func (s settings) encode() map[string]string {
	m := map[string]string{
		keyVersion: llamacpp.Version, keySchedule: schedule, keyDevice: s.device.String(),
		keyVariant: s.variant, keyContext: strconv.Itoa(s.ctx), keyKeep: strconv.Itoa(s.keep),
	}
	if s.cpu != "" {
		m[keyCPU] = s.cpu
	}
	if s.device != llamacpp.CPU {
		m[keyGPU], m[keyLayers] = s.gpu, strconv.Itoa(s.layers)
		if s.gpulib != "" {
			m[keyGPULib] = s.gpulib
		}
	}
	return m
}

// parseSettings reads what an archive recorded. Its errors wrap
// predict.ErrMismatch.
func parseSettings(m map[string]string) (s settings, err error) {
	if v := m[keyVersion]; v != llamacpp.Version {
		return s, fmt.Errorf("%w: the archive was made with llama.cpp %s, this program speaks %s; use the llmz release that made it", predict.ErrMismatch, orUnknown(v), llamacpp.Version)
	}
	if v := m[keySchedule]; v != schedule {
		return s, fmt.Errorf("%w: the archive's step schedule is %s, this program has %s; use a newer one", predict.ErrMismatch, orUnknown(v), schedule)
	}
	if s.device, err = llamacpp.ParseGPU(m[keyDevice]); err != nil {
		return s, fmt.Errorf("%w: %w", predict.ErrMismatch, err)
	}
	s.variant, s.cpu, s.gpu, s.gpulib = m[keyVariant], m[keyCPU], m[keyGPU], m[keyGPULib]
	number := func(key string, low, high int) (n int) {
		if err == nil {
			if n, err = strconv.Atoi(m[key]); err != nil || n < low || n > high {
				err = fmt.Errorf("%w: the archive's runtime setting %s is %q", predict.ErrMismatch, key, m[key])
			}
		}
		return n
	}
	s.ctx = number(keyContext, 2, maxContext)
	s.keep = number(keyKeep, 1, maxContext)
	if s.device != llamacpp.CPU {
		s.layers = number(keyLayers, -1, 1<<16)
	}
	if err == nil && s.keep >= s.ctx {
		err = fmt.Errorf("%w: the archive keeps %d tokens of a window of %d", predict.ErrMismatch, s.keep, s.ctx)
	}
	return s, err
}

func orUnknown(s string) string {
	if s == "" {
		return "of an unknown version"
	}
	return s
}

// Differences lists the settings in which two archives' or machines' runtimes
// differ, as "key: a, b".
func Differences(a, b map[string]string) []string {
	var out []string
	for _, k := range []string{keyVersion, keySchedule, keyDevice, keyVariant, keyCPU, keyContext, keyKeep, keyGPU, keyGPULib, keyLayers} {
		if a[k] != b[k] {
			out = append(out, fmt.Sprintf("%s: %s, %s", k, orNone(a[k]), orNone(b[k])))
		}
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// clone keeps callers from changing a model's own map.
func clone(m map[string]string) map[string]string { return maps.Clone(m) }
