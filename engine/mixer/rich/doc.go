// Package rich is the rich mixer: it codes the bytes of a block one binary decision at a
// time, from many more contexts than package mixer, several predictions from each, and
// inputs chosen by the kind of content. All arithmetic is on integers, so the result is the
// same on every machine; encoder and decoder run the same code.
//
// # Input sets
//
// What is read from the content is the business of an inputSet (inputs.go), one value for
// each lane and kind of content. For each byte it hashes up to maxCtx contexts; the mixer
// looks up their bit histories (table.go) and turns each into inputsPerCtx inputs (predict.go).
// It may give direct predictions of the next bit, too (bitInputs), for what no context of
// whole bytes describes: pixels of one bit, samples predicted linearly. And it gives selectors:
// small numbers that choose a weight vector of the network (selectors.a, .b) and an entry of
// the last adaptive map (selectors.final), such as a column or the plane of a pixel.
//
// Each kind has weights, maps of histories and adaptive maps of its own (brain.go), in each
// lane that has seen it: what one kind of content teaches does not spoil another.
//
// # Kinds
//
// Config.Plan says which part of the block is of which kind, with its parameters
// (content.Segment). The encoder finds it with package content and stores it before the
// block's coded data. A lane asks at each byte boundary which segment it is in
// (enterSegment) and takes the input set of its kind; reading.newInputSet makes it. Kinds that are
// read in the same way share what is learned (setOf).
//
//   - textInputs (textinputs.go): all kinds of text.
//   - binaryInputs (binaryinputs.go), from version 4 on unitInputs (unitinputs.go): code,
//     records, numbers and what is not known. Forecasts
//     (forecast.go) tell bytes by arithmetic, chains (chain.go) follow tagged records, and
//     numberGuess (numbers.go) guesses numbers of four bytes.
//   - image1Inputs (image1inputs.go), imageInputs (imageinputs.go), audioInputs (audioinputs.go):
//     pixels and samples. An estimate (estimate.go) turns a guess of a number into
//     probabilities of its bits; nlms filters make guesses.
package rich
