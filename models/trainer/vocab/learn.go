package vocab

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"

	"github.com/llmz/llmz/engine/lm/bpe"
)

// A Learner counts the words of a text and makes a vocabulary of them.
type Learner struct {
	rule  bpe.Rule
	words map[string]int64
}

// NewLearner returns a Learner for GPT-2's words.
func NewLearner() *Learner { return &Learner{rule: bpe.GPT2, words: map[string]int64{}} }

// Add counts the words of text.
func (l *Learner) Add(text []byte) {
	for len(text) > 0 {
		n := l.rule.Word(text)
		l.words[string(text[:n])]++
		text = text[n:]
	}
}

// leastPairs is how often a pair must occur to become a token: what is there once is no
// pattern.
const leastPairs = 2

// Learn returns a vocabulary of at most size tokens: the start symbol, the bytes, then
// pairs in the order in which they are merged. A text with few patterns has a smaller
// one.
func (l *Learner) Learn(ctx context.Context, size int) (*Vocabulary, error) {
	if size < Least || size > Most {
		return nil, fmt.Errorf("%w: %d tokens: use %d to %d", ErrVocabulary, size, Least, Most)
	}
	v := &Vocabulary{Pre: "gpt-2"}
	add := func(text string, kind int32) {
		v.Tokens, v.Types = append(v.Tokens, text), append(v.Types, kind)
	}
	add(Start, typeControl)
	for b := range 256 {
		add(bpe.Printable([]byte{byte(b)}), typeNormal)
	}
	known := make(map[string]bool, size)
	for _, t := range v.Tokens {
		known[t] = true
	}
	m := newMerger(l.words)
	for len(v.Tokens) < size && m.queue.Len() > 0 {
		if len(v.Merges)%64 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c := heap.Pop(&m.queue).(candidate)
		if now := m.pairs[c.pair]; now == nil || now.count != c.count {
			continue // out of date; what it is now is in the queue too
		}
		if c.count < leastPairs {
			break
		}
		left, right := v.Tokens[c.pair.a], v.Tokens[c.pair.b]
		if known[left+right] { // two ways to one token would make it two
			delete(m.pairs, c.pair)
			continue
		}
		known[left+right] = true
		v.Merges = append(v.Merges, left+" "+right)
		m.merge(c.pair, int32(len(v.Tokens)))
		add(left+right, typeNormal)
	}
	return v, nil
}

// A pair is two tokens next to each other.
type pair struct{ a, b int32 }

// An occurrence says how often a pair is there, and in which words it may be.
type occurrence struct {
	count int64
	words []int32
}

type word struct {
	tokens []int32
	count  int64
}

// A merger holds the words as tokens while pairs are merged.
type merger struct {
	words   []word
	pairs   map[pair]*occurrence
	queue   candidates
	touched map[pair]bool
}

func newMerger(words map[string]int64) *merger {
	m := &merger{pairs: map[pair]*occurrence{}, touched: map[pair]bool{}}
	texts := make([]string, 0, len(words))
	for t := range words {
		texts = append(texts, t)
	}
	slices.Sort(texts)
	for _, t := range texts {
		tokens := make([]int32, len(t))
		for i := range len(t) {
			tokens[i] = 1 + int32(t[i])
		}
		m.words = append(m.words, word{tokens, words[t]})
	}
	for i := range m.words {
		m.count(int32(i), 1)
	}
	m.requeue()
	return m
}

// count adds the pairs of a word, or takes them away with sign -1.
func (m *merger) count(index int32, sign int64) {
	w := &m.words[index]
	for i := 1; i < len(w.tokens); i++ {
		p := pair{w.tokens[i-1], w.tokens[i]}
		o := m.pairs[p]
		if o == nil {
			o = &occurrence{}
			m.pairs[p] = o
		}
		o.count += sign * w.count
		if sign > 0 && (len(o.words) == 0 || o.words[len(o.words)-1] != index) {
			o.words = append(o.words, index)
		}
		m.touched[p] = true
	}
}

// requeue puts the pairs whose counts have changed in the queue.
func (m *merger) requeue() {
	for p := range m.touched {
		if o := m.pairs[p]; o.count > 0 {
			heap.Push(&m.queue, candidate{p, o.count})
		} else {
			delete(m.pairs, p)
		}
	}
	clear(m.touched)
}

// merge makes p one token wherever it is.
func (m *merger) merge(p pair, token int32) {
	list := m.pairs[p].words
	for _, index := range list {
		w := &m.words[index]
		at := 0
		for at+1 < len(w.tokens) && (w.tokens[at] != p.a || w.tokens[at+1] != p.b) {
			at++
		}
		if at+1 >= len(w.tokens) {
			continue // merged away in the meantime, or listed twice
		}
		m.count(index, -1)
		out := w.tokens[:0]
		for i := 0; i < len(w.tokens); i++ {
			if i+1 < len(w.tokens) && w.tokens[i] == p.a && w.tokens[i+1] == p.b {
				out = append(out, token)
				i++
			} else {
				out = append(out, w.tokens[i])
			}
		}
		w.tokens = out
		m.count(index, 1)
	}
	m.requeue()
}

// A candidate is a pair with its count when it was put in the queue.
type candidate struct {
	pair  pair
	count int64
}

// candidates is a heap: the most frequent first, of equals the one of older tokens.
type candidates []candidate

func (c candidates) Len() int { return len(c) }
func (c candidates) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(c[j].count, c[i].count), cmp.Compare(c[i].pair.a, c[j].pair.a), cmp.Compare(c[i].pair.b, c[j].pair.b)) < 0
}
func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *candidates) Push(x any)   { *c = append(*c, x.(candidate)) }
func (c *candidates) Pop() any {
	old := *c
	x := old[len(old)-1]
	*c = old[:len(old)-1]
	return x
}
