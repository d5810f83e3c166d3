// Package cpu is the back end of ggml that computes on the processor: it cuts a
// graph into stages and units of work, packs weights for a kernel (package
// ggml/kernel), and keeps a persistent pool of threads for each program.
//
// Determinism class: the same bits on every machine, with every kernel and every
// number of threads: each sum is done by one thread, in the order that NUMERICS.md
// gives.
package cpu
