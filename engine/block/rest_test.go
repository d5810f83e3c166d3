package block

import (
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// fakeResting is a mixer that finds some bytes easy, and a model that saves so many hundredths.
type fakeResting struct {
	predict.Session
	data   []byte
	pos    int
	easy   func(pos int) bool
	saving func(pos int) uint64
	judged int
	mixed  uint64
	seen   []int32
}

func (f *fakeResting) Easy() bool                   { return f.easy != nil && f.easy(f.pos) }
func (f *fakeResting) Judge(int)                    { f.judged, f.mixed = 0, 0 }
func (f *fakeResting) Judged() int                  { return f.judged }
func (f *fakeResting) Worth() (mixed, alone uint64) { return f.mixed, uint64(f.judged) * 100 }
func (f *fakeResting) Fade()                        { f.judged, f.mixed = 0, 0 }
func (f *fakeResting) Rest()                        {}
func (f *fakeResting) Step(prev []int32) error {
	f.seen = append(f.seen, prev[0])
	return nil
}

// run takes a rester through n bytes, and returns at how many the model was asked.
func (f *fakeResting) run(t *testing.T, n int) int {
	f.data = make([]byte, n)
	for i := range f.data {
		f.data[i] = byte(i * 7)
	}
	r := newRester(f)
	asked := 0
	for f.pos = range n {
		on, err := r.step(f, f.data, f.pos)
		if err != nil {
			t.Fatal(err)
		}
		if !on {
			continue
		}
		want := predict.Start
		if f.pos > 0 {
			want = int32(f.data[f.pos-1])
		}
		if last := f.seen[len(f.seen)-1]; last != want {
			t.Fatalf("byte %d is predicted after %d, not %d", f.pos, last, want)
		}
		asked++
		f.judged++
		f.mixed += 100 - f.saving(f.pos)
	}
	return asked
}

func TestRester(t *testing.T) {
	always := func(n uint64) func(int) uint64 { return func(int) uint64 { return n } }
	const long = 1 << 20
	for _, c := range []struct {
		name     string
		n        int
		easy     func(int) bool
		saving   func(int) uint64
		asked    [2]int // at least, at most
		seenMost int
	}{
		{"useful", long, nil, always(10), [2]int{long, long}, long},
		{"of little use", 100_000, nil, func(pos int) uint64 { return map[bool]uint64{true: 10, false: 1}[pos < 3000] }, [2]int{100_000, 100_000}, 100_000},
		{"useless", long, nil, always(1), [2]int{4 * judgeFirst, 5 * judgeFirst}, 5*judgeFirst + 5*catchUp},
		{"easy", 6000, func(pos int) bool { return pos >= 100 && pos < 5000 }, always(10), [2]int{1100, 1100}, 1100 + catchUp},
		{"all easy", 6000, func(int) bool { return true }, always(10), [2]int{0, 0}, 0},
		{"useful later", long, nil, func(pos int) uint64 { return map[bool]uint64{true: 0, false: 10}[pos < 100_000] }, [2]int{long - firstRest, long - firstRest}, long},
	} {
		f := &fakeResting{easy: c.easy, saving: c.saving}
		if asked := f.run(t, c.n); asked < c.asked[0] || asked > c.asked[1] {
			t.Errorf("%s: the model was asked for %d bytes, not %d to %d", c.name, asked, c.asked[0], c.asked[1])
		}
		if len(f.seen) > c.seenMost {
			t.Errorf("%s: the model saw %d bytes", c.name, len(f.seen))
		}
	}
}
