// Package ggml is a small tensor graph for inference: tensors with ggml's type and
// shape conventions, operations as nodes, weights in their canonical form. It only
// describes a computation; a Backend compiles the description into a Program, with
// weights packed as it likes them, and the Program computes any number of times
// without allocating. Package cpu is the back end that is always there.
//
// Determinism class: what a graph computes is defined bit for bit by NUMERICS.md,
// and every back end, with any kernel and any number of threads, gives these bits.
package ggml
