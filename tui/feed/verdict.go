package feed

import (
	"fmt"
	"math"

	"github.com/llmz/llmz/tui/text"
)

// What a training needs at least to be of use, in bytes: a new model, and one that
// knows other text already.
const (
	littleNew     = 100_000
	littleAdapted = 20_000
)

// LittleText says so where a corpus of that many bytes is too little to learn from;
// otherwise it is empty.
func LittleText(bytes int64, adapted bool) string {
	switch {
	case adapted && bytes < littleAdapted:
		return text.Bytes(bytes) + " of text is very little, even to adapt a model: it will hardly help with other text"
	case !adapted && bytes < littleNew:
		return text.Bytes(bytes) + " of text is very little: a new model will learn it by heart, and be of no use for other text; " +
			"take a megabyte or more, or adapt a model that is here"
	}
	return ""
}

// A TrainingOutcome is what a verdict on a trained model goes by.
type TrainingOutcome struct {
	Corpus  int64 // bytes
	Adapted bool  // it was no new model
	// Bits per byte: of the text trained on, in the end; of the text held out, 0 where
	// there is none; and of the corpus when its bytes are but counted.
	Trained, Held, Counted float64
}

// Verdict returns warnings about a model that is of little use, none for a good one.
func (o TrainingOutcome) Verdict() []string {
	var out []string
	if s := LittleText(o.Corpus, o.Adapted); s != "" {
		out = append(out, s)
	}
	if o.Held <= 0 {
		return out
	}
	byHeart := o.Trained > 0 && o.Held > 1.3*o.Trained && o.Held-o.Trained > 0.5
	switch {
	case o.Counted > 0 && o.Held >= 0.97*o.Counted:
		do := "train it for longer"
		if byHeart {
			do = "it has learnt its own text by heart and needs more of it"
		}
		out = append(out, fmt.Sprintf("the model is useless: %.2f bits per byte on the text held out, and counting bytes alone gives %.2f; %s", o.Held, o.Counted, do))
	case byHeart:
		out = append(out, fmt.Sprintf("the model knows its own text by heart (%.2f bits per byte) and others much less well (%.2f): give it more text, or less time",
			o.Trained, o.Held))
	}
	return out
}

// CountedBPC returns the bits per byte of texts coded by the frequencies of their bytes.
func CountedBPC(texts ...[]byte) float64 {
	var counts [256]float64
	total := 0.0
	for _, t := range texts {
		for _, b := range t {
			counts[b]++
		}
		total += float64(len(t))
	}
	bits := 0.0
	for _, n := range counts {
		if n > 0 {
			bits -= n / total * math.Log2(n/total)
		}
	}
	return bits
}
