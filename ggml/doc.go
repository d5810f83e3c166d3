// Package ggml is a small tensor graph for inference on the CPU: tensors with
// ggml's type and shape conventions, operations as nodes, a graph that is planned
// once and computed many times without allocating, and a persistent pool of
// worker threads.
//
// Determinism class: everything computed here is the same, bit for bit, on every
// machine, with every kernel and every number of threads. Matrix products
// accumulate integers exactly; elementwise float32 operations are rounded one by
// one, in a fixed order, and never fused. NUMERICS.md has the contract.
package ggml
