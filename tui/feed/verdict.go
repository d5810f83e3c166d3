package feed

import (
	"fmt"
	"math"
)

// A TrainingOutcome is what a verdict on a trained model goes by.
type TrainingOutcome struct {
	// Bits per byte: of the text trained on, in the end; of the text held out, 0 where
	// there is none; and of the corpus when its bytes are but counted.
	Trained, Held, Counted float64
}

// Verdict says what is wrong with a model that is of little use; it is empty for a
// good one.
func (o TrainingOutcome) Verdict() string {
	if o.Held <= 0 {
		return ""
	}
	byHeart := o.Trained > 0 && o.Held > 1.3*o.Trained && o.Held-o.Trained > 0.5
	switch {
	case o.Counted > 0 && o.Held >= 0.97*o.Counted:
		do := "train it for longer"
		if byHeart {
			do = "it has learnt its own text by heart and needs more of it"
		}
		return fmt.Sprintf("the model is useless: %.2f bits per byte on the text held out, and counting bytes alone gives %.2f; %s", o.Held, o.Counted, do)
	case byHeart:
		return fmt.Sprintf("the model knows its own text by heart (%.2f bits per byte) and others much less well (%.2f): give it more text, or less time",
			o.Trained, o.Held)
	}
	return ""
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
