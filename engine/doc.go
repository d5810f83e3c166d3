// Package engine compresses and restores data with models that predict it.
//
// A Writer and a Reader work like those of compress/gzip; Compress, Decompress
// and Verify do the whole job, with a context and an observer. ReadRange decodes a
// part of an archive, Salvage what is intact of a damaged one, and Resume goes on
// with one whose making was interrupted.
//
// The input is cut into independent blocks, each block into lanes that advance
// together, and one step function (blockCodec.run) serves both directions:
//
//	bytes -> block -> lanes -> [ model -> mixer -> coder ] x steps -> archive
//
// The engine knows models only through package predict: a Writer is given one, a
// Reader finds what the archive names through a predict.Resolver. It never
// prints; what happens is told to an Observer.
//
// Determinism class: with portable models an archive depends on the input and on
// Options.Model, NoMix, BlockSize, Lanes and Meta, never on threads, processor or
// system.
package engine
