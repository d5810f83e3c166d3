package block

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"
)

func TestLooksRandom(t *testing.T) {
	text, err := os.ReadFile("../../testdata/alice29.txt")
	if err != nil {
		t.Fatal(err)
	}
	counter := make([]byte, 1<<16)
	for i := range counter {
		counter[i] = byte(i)
	}
	for name, data := range map[string][]byte{"text": text, "zeros": make([]byte, 1<<16), "a counter": counter} {
		if looksRandom(data) {
			t.Errorf("%s looks random", name)
		}
	}
	if !looksRandom(randomBytes(1 << 20)) {
		t.Error("random data do not look random")
	}
}

func TestHasRepeats(t *testing.T) {
	data := randomBytes(1 << 20)
	for name, c := range map[string]struct {
		data []byte
		want bool
	}{
		"random":         {data, false},
		"twice":          {append(bytes.Clone(data[:33_333]), data[:33_333]...), true},
		"in large block": {append(bytes.Repeat(data, 8), data[:1<<19]...), true},
	} {
		if got := hasRepeats(c.data); got != c.want {
			t.Errorf("%s: repeats: %v", name, got)
		}
	}
}

// TestRepetitive: runs of one byte count for what they are of the data, and no more.
func TestRepetitive(t *testing.T) {
	copies := bytes.Repeat(randomBytes(5000), 240)
	with := func(zeros int, data []byte) []byte {
		var p []byte
		for at := 0; at+4096 <= len(data); at += 4096 {
			p = append(append(p, make([]byte, zeros)...), data[at:at+4096]...)
		}
		return p
	}
	random := randomBytes(1 << 20)
	for name, c := range map[string]struct {
		data []byte
		want bool
	}{
		"random":                  {random, false},
		"copies":                  {copies, true},
		"a few copies":            {append(bytes.Clone(random), copies[:len(random)/8]...), false},
		"many copies":             {append(bytes.Clone(random), copies[:len(random)/2]...), true},
		"zeros":                   {make([]byte, 1<<20), true},
		"some in between":         {with(400, random), false},
		"some more":               {with(3000, random), true},
		"a kilobyte and its copy": {append(bytes.Clone(random[:1000]), random[:1000]...), true},
		"nothing":                 {nil, false},
	} {
		if got := Repetitive(c.data); got != c.want {
			t.Errorf("%s: repetitive: %v", name, got)
		}
	}
}

func randomBytes(n int) []byte {
	r := rand.New(rand.NewPCG(11, uint64(n)))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}
