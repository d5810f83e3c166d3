package bench

import (
	"slices"
	"strings"
	"testing"
)

func TestCases(t *testing.T) {
	d := sampleFile(t, strings.Repeat("x", 5000))
	m := Matrix{
		Models: []string{"gru", NoModel}, Classics: []string{"xz-9"}, Peers: []Peer{filter("xz -9e", "xz", "-9e")},
		Data: []Data{d, d.Control()}, Places: []string{"cpu:avx2", "cpu"}, Lanes: []int{1, 8}, Sizes: []int64{1000, 9000},
		PathOf: func(Data) string { return "my file" },
	}
	var got []string
	for _, c := range m.Cases() {
		got = append(got, c.Command)
	}
	for _, want := range []string{
		"llmz bench -m gru --devices cpu:avx2 --lanes 8 'my file'",
		"llmz bench -m none --devices cpu --lanes 1 'my file'",
		"llmz bench -m xz-9 'my file'",
		"head -c 1000 'my file' > 'my file.1000' && llmz bench -m gru --devices cpu --lanes 1 'my file.1000'",
		"cat 'my file' | tr A-Za-z N-ZA-Mn-za-m > 'my file.rot13' && xz -9e -c 'my file.rot13' > 'my file.rot13'",
	} {
		if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("no command %s among\n%s", want, strings.Join(got, "\n"))
		}
	}
	// 3 files, of which each has 2 places × 2 lanes of gru, 1 × 2 of none, 1 + 1 others.
	if len(got) != 3*8 {
		t.Errorf("%d cases", len(got))
	}
	if n := len(Matrix{Models: []string{"gru"}, Data: []Data{d}}.Cases()); n != 1 {
		t.Errorf("%d cases by default", n)
	}
}

func TestSamples(t *testing.T) {
	all, err := Samples(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{"canterbury_small.bin": 10_846, "alice29.txt": 152_089, "canterbury_small.bin (rot13)": 10_846}
	for _, d := range all {
		n, err := d.Size()
		if err != nil {
			t.Error(err)
		}
		if want, ok := sizes[d.Name]; ok && n != want || n < 4000 || !d.IsText() {
			t.Errorf("%s has %d bytes", d.Name, n)
		}
	}
	if len(all) != 4 || !all[3].Rot13 {
		t.Errorf("samples: %+v", all)
	}
}
