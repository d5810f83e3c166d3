// Package tokens turns what a model says of tokens into what it says of bytes and bits. With
// the tokens sorted by their bytes, those that begin with given bytes are one range, so prefix
// sums of the frequencies give the model's probability of each next bit, and of "the token
// ends here". A mixer codes both together with what it knows itself.
package tokens

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"
)

// Vocabulary is the tokens of a model, sorted by their bytes. It does not change
// and may be shared.
type Vocabulary struct {
	text  [][]byte   // in order of bytes
	id    []int32    // of each
	rank  []int32    // of each id
	first [257]int32 // the ranks that begin with byte b are those from first[b] up to first[b+1]
}

// ErrVocabulary is wrapped by the errors of NewVocabulary.
var ErrVocabulary = errors.New("invalid vocabulary")

// NewVocabulary sorts the n tokens whose bytes tokenBytes gives. Several tokens may
// have the same bytes, or none.
func NewVocabulary(n int, tokenBytes func(id int32) []byte) (*Vocabulary, error) {
	if n < 1 || n > 1<<24 {
		return nil, fmt.Errorf("%w: %d tokens", ErrVocabulary, n)
	}
	v := &Vocabulary{text: make([][]byte, n), id: make([]int32, n), rank: make([]int32, n)}
	for i := range v.id {
		v.id[i] = int32(i)
	}
	slices.SortFunc(v.id, func(a, b int32) int {
		return cmp.Or(bytes.Compare(tokenBytes(a), tokenBytes(b)), cmp.Compare(a, b))
	})
	for r, id := range v.id {
		v.text[r] = tokenBytes(id)
		v.rank[id] = int32(r)
	}
	for b := range v.first {
		v.first[b] = int32(sort.Search(n, func(r int) bool { return len(v.text[r]) > 0 && int(v.text[r][0]) >= b }))
	}
	return v, nil
}

// Len returns the number of tokens.
func (v *Vocabulary) Len() int { return len(v.id) }
