package rich

import (
	"reflect"

	"github.com/llmz/llmz/engine/content"
)

// MemoryBytes returns the memory that a Mixer takes for cfg: of each way of reading that
// its plan calls for, as much as there is to learn.
func MemoryBytes(cfg Config) int64 {
	n := cfg.BlockLen
	m := int64(reflect.TypeFor[Mixer]().Size()) + int64(cfg.Lanes)*int64(reflect.TypeFor[lane]().Size())
	m += int64(tableLen(n)) * 64
	if cfg.History == nil {
		m += int64(n)
	}
	m += numMatch * 4 << log2Clamp(n, 10, 22)
	return m + int64(Ways(cfg.Plan))*wayBytes(cfg)
}

// Ways returns the number of ways of reading that a plan calls for.
func Ways(p content.Plan) int {
	if len(p) == 0 {
		return 1
	}
	var used [numKinds]bool
	n := 0
	for _, s := range p {
		if k := setOf(s.Kind); !used[k] {
			used[k] = true
			n++
		}
	}
	return n
}

// wayBytes is the memory for one way of reading.
func wayBytes(cfg Config) int64 {
	weights := int64(numVectors)*numInputs*4 + 2*apmPoints*(1<<matchMap+1<<selectLog)
	own := int64(reflect.TypeFor[brain]().Size()) + weights
	shared := int64(2 * 2 * apmPoints << mapLog)
	if cfg.Model {
		own += 2 * apmPoints << 8
		shared += 2 * apmPoints << mapLog
	}
	if cfg.Chunks {
		shared += int64(reflect.TypeFor[net]().Size()) + weights + 2*2*apmPoints<<mapLog
	}
	sets := int64(reflect.TypeFor[textInputs]().Size()) // the largest
	return int64(min(cfg.Lanes, maxOwn))*own + int64(cfg.Lanes)*sets + shared
}
