// Package cm holds what context mixers are made of, in integers only: bit histories,
// probabilities that learn, maps that refine them (APM), the bits of a model's bytes, what a
// decision costs, classes of bytes, the length of records. Every value of it decides coded
// bits, so none may change.
//
// Probabilities are of a one, in 1/65536, between 1 and 65535. Literature: Mahoney, Data
// Compression Explained, and the PAQ series.
package cm
