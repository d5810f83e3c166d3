package rich

import (
	"reflect"

	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/mixer/cm"
)

// MemoryBytes returns the memory that a Mixer takes for cfg: of each way of reading that
// its plan calls for, as much as there is to learn.
func MemoryBytes(cfg Config) int64 {
	n := cfg.BlockLen
	m := int64(reflect.TypeFor[Mixer]().Size()) + int64(cfg.Lanes)*int64(reflect.TypeFor[lane]().Size())
	m += int64(tableLen(n, cfg.version())) * 64
	if cfg.History == nil {
		m += int64(n)
	}
	m += numMatch * 4 << log2Clamp(n, 10, 22)
	if cfg.Ways > 0 {
		most := int64(0)
		for k := range content.NumKinds {
			most = max(most, setBytes(reading{content.Kind(k), cfg.version()}, n, cfg.Lanes))
		}
		return m + int64(cfg.Ways)*(wayBytes(reading{content.Plain, cfg.version()}, cfg)+int64(cfg.Lanes)*most)
	}
	for k, used := range ways(cfg.Plan) {
		if used {
			r := reading{content.Kind(k), cfg.version()}
			m += wayBytes(r, cfg) + int64(cfg.Lanes)*setBytes(r, n, cfg.Lanes)
		}
	}
	return m
}

// Ways returns the number of ways of reading that a plan calls for.
func Ways(p content.Plan) int {
	n := 0
	for _, used := range ways(p) {
		if used {
			n++
		}
	}
	return n
}

// ways tells which kinds' ways of reading a plan calls for.
func ways(p content.Plan) (used [content.NumKinds]bool) {
	if len(p) == 0 {
		used[setOf(content.Plain)] = true
	}
	for _, s := range p {
		used[setOf(s.Kind)] = true
	}
	return used
}

// wayBytes is the memory for one way of reading.
func wayBytes(r reading, cfg Config) int64 {
	weights := int64(numVectors)*numInputs*4 + 2*cm.APMPoints*(1<<matchMap+1<<selectLog)
	own := int64(reflect.TypeFor[brain]().Size()) + weights
	maps := int64(2 * cm.APMPoints << mapLog)
	if !r.lean() {
		maps *= 2
	}
	shared := maps
	if cfg.Model {
		own += 2 * cm.APMPoints << 8
		shared += 2 * cm.APMPoints << mapLog
	}
	if cfg.Tokens {
		own += int64(reflect.TypeFor[histories]().Size())
	}
	if cfg.Stretches {
		shared += int64(reflect.TypeFor[net]().Size()) + weights + maps
	}
	return int64(min(cfg.Lanes, maxOwn))*own + shared
}

// setBytes is the memory of a lane's input set, in a block of n bytes in so many lanes.
func setBytes(r reading, n, lanes int) int64 {
	switch r.newInputSet().(type) {
	case *textInputs, *leanInputs:
		return int64(reflect.TypeFor[textInputs]().Size())
	case *image1Inputs:
		m := int64(reflect.TypeFor[image1Inputs]().Size())
		for i := range image1Templates {
			m += 4 << image1Log(i, n, lanes)
		}
		return m
	case *imageInputs:
		return int64(reflect.TypeFor[imageInputs]().Size()) + maxStep*imageGuesses*int64(reflect.TypeFor[estimate]().Size())
	case *audioInputs:
		return int64(reflect.TypeFor[audioInputs]().Size()) + 2*int64(reflect.TypeFor[audioChannel]().Size())
	}
	m := int64(reflect.TypeFor[binaryInputs]().Size())
	if r.units() {
		m = int64(reflect.TypeFor[unitInputs]().Size())
	}
	m += binaryForecasts * int64(reflect.TypeFor[forecast]().Size())
	if r.kind == content.Numbers {
		m += int64(reflect.TypeFor[numberGuess]().Size())
	}
	return m
}
