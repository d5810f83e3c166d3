package block

import (
	"bytes"
	"os"
	"testing"
)

// TestUseless: a model that has been left is given up where it cannot come back, or would find
// no text.
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
		want bool
	}{
		"short text":             {text, true},
		"long text":              {bytes.Repeat(text, 5), false},
		"short records":          {records[:300<<10], true},
		"long records":           {records, true},
		"random":                 {randomBytes(2 << 20), true},
		"records, then text":     {append(bytes.Clone(records), bytes.Repeat(text, 3)...), false},
		"records and some words": {append(bytes.Clone(records), text[:20<<10]...), true},
	} {
		err := useless(c.data, 16<<10)
		if (err != nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
