package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A heap of up to smallHeap bytes is left alone, a larger one may grow by a quarter of
// that until the next collection.
const (
	smallHeap  = 16 << 20
	maxGarbage = smallHeap / 4
)

// boundGarbage keeps the collector from letting the heap grow to twice what is in
// use: that is a mixer's tables of hundreds of megabytes, which hold no pointers, so
// that collecting is cheap. Settings in the environment come first.
func boundGarbage() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	setGarbage()
	afterCollection()
}

// afterCollection adapts the collector's pace after each collection.
func afterCollection() {
	// At least 16 bytes: smaller objects share their memory, and their end is not seen.
	sentinel := new([2]uint64)
	runtime.SetFinalizer(sentinel, func(*[2]uint64) {
		setGarbage()
		afterCollection()
	})
}

// codeMemory is about what the process takes beside its heap.
const codeMemory = 22 << 20

// boundHeap makes the collector keep the process within limit, if there is one, where what is
// in use alone would: what is garbage then goes early.
func boundHeap(limit int64) {
	if limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(max(limit-codeMemory, smallHeap))
	}
}

func setGarbage() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(collectAt(live[0].Value.Uint64()))
}

// collectAt returns by how many percent a heap with that many bytes in use may
// grow until the next collection.
func collectAt(live uint64) int {
	if live <= smallHeap {
		return 100
	}
	return int(max(1, 100*maxGarbage/live))
}
