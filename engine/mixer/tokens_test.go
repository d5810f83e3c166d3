package mixer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/mixer/tokens"
)

// testVocabulary has all bytes, frequent strings of the test text, two texts of
// the same bytes and one of none.
func testVocabulary(t testing.TB, text []byte) ([][]byte, *tokens.Vocabulary) {
	t.Helper()
	var texts [][]byte
	seen := map[string]bool{}
	add := func(s string) {
		texts = append(texts, []byte(s))
		seen[s] = true
	}
	add("")
	for i := range 256 {
		add(string([]byte{byte(i)}))
	}
	for i, w := range strings.Fields(string(text)) {
		if i%3 == 0 && !seen[" "+w] {
			add(" " + w)
		}
		if i%5 == 0 && len(w) > 3 && !seen[w[:3]] {
			add(w[:3])
		}
	}
	add(" the")
	add("e")
	v, err := tokens.NewVocabulary(len(texts), func(id int32) []byte { return texts[id] })
	if err != nil {
		t.Fatal(err)
	}
	return texts, v
}

// tokenize cuts text into texts, the longest first, sometimes a shorter one.
func tokenize(texts [][]byte, text []byte, seed uint64) []int32 {
	byText := map[string][]int32{}
	longest := 0
	for id, s := range texts {
		byText[string(s)] = append(byText[string(s)], int32(id))
		longest = max(longest, len(s))
	}
	r := rand.New(rand.NewPCG(seed, 1))
	var out []int32
	for len(text) > 0 {
		n := min(longest, len(text))
		if r.IntN(20) == 0 {
			n = 1
		}
		for byText[string(text[:n])] == nil {
			n--
		}
		ids := byText[string(text[:n])]
		out = append(out, ids[r.IntN(len(ids))])
		text = text[n:]
	}
	return out
}

// fakeTokenFreqs makes up frequencies that favour a few tokens.
func fakeTokenFreqs(f []uint32, step, lane int, prev int32) uint32 {
	r := rand.New(rand.NewPCG(uint64(prev)<<8|uint64(lane), 3))
	var total uint32
	for i := range f {
		f[i] = 1 + r.Uint32N(50)
		if r.IntN(100) == 0 {
			f[i] += r.Uint32N(100000)
		}
		total += f[i]
	}
	return total
}

// runTokens codes lanes of texts; a decoder knows only how many there are.
func runTokens(t testing.TB, c BitCoder, v *tokens.Vocabulary, size int, counts []int, lanes [][]int32, laneBytes []int) [][]int32 {
	t.Helper()
	x, err := NewTokens(Config{BlockLen: size, Lanes: len(counts)}, v, c, laneBytes)
	if err != nil {
		t.Fatal(err)
	}
	freqs := make([]uint32, v.Len())
	out := make([][]int32, len(counts))
	for step := 0; step < counts[0]; step++ {
		for i, n := range counts {
			if step >= n {
				continue
			}
			prev, id := int32(-1), int32(-1)
			if step > 0 {
				prev = out[i][step-1]
			}
			if lanes != nil {
				id = lanes[i][step]
			}
			fakeTokenFreqs(freqs, step, i, prev)
			out[i] = append(out[i], x.CodeToken(c, i, freqs, id))
		}
	}
	return out
}

func TestTokensRoundTrip(t *testing.T) {
	text := testBlocks(t)["text"]
	texts, v := testVocabulary(t, text)
	for _, n := range []int{1, 3, 7} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			ids := tokenize(texts, text[:2500], uint64(n))
			var lanes [][]int32
			var counts, size []int
			for at, i := 0, 0; i < n; i++ {
				k := len(ids) / n
				if i < len(ids)%n {
					k++
				}
				lanes = append(lanes, ids[at:at+k])
				counts = append(counts, k)
				b := 0
				for _, id := range ids[at : at+k] {
					b += len(texts[id])
				}
				size = append(size, b)
				at += k
			}
			tape := &bitTape{}
			runTokens(t, tape, v, 2500, counts, lanes, size)
			tape.decode = true
			got := runTokens(t, tape, v, 2500, counts, nil, nil)
			for i := range lanes {
				if fmt.Sprint(got[i]) != fmt.Sprint(lanes[i]) {
					t.Fatalf("lane %d differs", i)
				}
			}
			if tape.bad || tape.at != len(tape.bits) {
				t.Fatal("the decoder's probabilities differ")
			}
		})
	}
}

// TestTokensDamaged decodes noise, which must end without a panic.
func TestTokensDamaged(t *testing.T) {
	text := testBlocks(t)["text"]
	_, v := testVocabulary(t, text)
	r := rand.New(rand.NewPCG(9, 9))
	runTokens(t, noise{r}, v, 500, []int{300, 300, 299}, nil, nil)
}

// noise decodes random bits.
type noise struct{ r *rand.Rand }

func (n noise) Bit(uint32, int) int { return int(n.r.Uint32() & 1) }

// TestTokensGain checks that repetition which the model does not know is cheap,
// the ends of texts included.
func TestTokensGain(t *testing.T) {
	text := bytes.Repeat(testBlocks(t)["text"][:700], 6)
	texts, v := testVocabulary(t, text)
	ids := tokenize(texts, text, 1)[:600]
	size := 0
	for _, id := range ids {
		size += len(texts[id])
	}
	var c costCoder
	runTokens(t, &c, v, size, []int{len(ids)}, [][]int32{ids}, []int{size})
	if bpc := c.cost / float64(size); bpc > 2.5 {
		t.Errorf("%.3f bits per byte", bpc)
	}
}
