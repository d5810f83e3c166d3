package block

import (
	"bytes"
	"os"
	"testing"

	"github.com/llmz/llmz/engine/content"
)

// TestUseless: a model that has been left is given up where it cannot come back, or would find
// no text. Where the kinds of content are known, it comes back to a text however little follows.
func TestUseless(t *testing.T) {
	text, err := os.ReadFile("../../testdata/alice29.txt")
	if err != nil {
		t.Fatal(err)
	}
	records := make([]byte, 0, 2<<20)
	for i := 0; len(records) < 2<<20; i++ {
		records = append(records, byte(i), byte(i>>8), 0, 0, byte(i*i), byte(i*i>>7), 1, 0xff, byte(i%37), 0, 0x80, 0)
	}
	for name, c := range map[string]struct {
		data []byte
		want [2]bool // by the plain plan, by kinds
	}{
		"short text":             {text, [2]bool{true, true}},
		"long text":              {bytes.Repeat(text, 5), [2]bool{false, false}},
		"short records":          {records[:300<<10], [2]bool{true, true}},
		"long records":           {records, [2]bool{true, true}},
		"random":                 {randomBytes(2 << 20), [2]bool{true, true}},
		"records, then text":     {append(bytes.Clone(records), bytes.Repeat(text, 3)...), [2]bool{false, false}},
		"a few, then text":       {append(bytes.Clone(records[:100<<10]), text...), [2]bool{true, false}},
		"records and some words": {append(bytes.Clone(records), text[:20<<10]...), [2]bool{true, true}},
	} {
		plan := content.Detect(c.data)
		m := &kindMixer{runs: plan.Runs(), saves: func(content.Kind, int) int { return 0 }}
		for i, s := range []stretcher{&stretchPlan{mixer: &worthMixer{mixed: 1000, alone: 1000}, lanes: 8, left: len(c.data)}, newKindPlan(m, 8, plan)} {
			done := 0
			for {
				n, lanes := s.next()
				if lanes == 0 {
					break
				}
				m.from, m.to = done, done+n
				s.judge()
				if done += n; s.ended() {
					t.Fatalf("%s: never left", name)
				}
			}
			err := useless(len(c.data), done, s.hope(c.data[done:]))
			if (err != nil) != c.want[i] {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
