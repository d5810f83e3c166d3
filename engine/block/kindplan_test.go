package block

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/llmz/llmz/engine/content"
)

// kindMixer knows what a model saves of each kind of content, in thousandths.
type kindMixer struct {
	runs     []content.Run
	saves    func(k content.Kind, at int) int
	from, to int // of the last stretch
}

func (m *kindMixer) WorthOf(k content.Kind) (mixed, alone uint64, judged int) {
	at := 0
	for _, r := range m.runs {
		if n := min(r.End, m.to) - max(at, m.from); n > 0 && r.Kind == k {
			judged += n
			alone += uint64(1000 * n)
			mixed += uint64((1000 - m.saves(k, max(at, m.from))) * n)
		}
		at = r.End
	}
	return mixed, alone, judged
}

// stretches returns the lengths of the stretches of a plan, negative without the model, and the lanes.
func (m *kindMixer) stretches(t *testing.T, lanes int, p content.Plan) (got, used []int) {
	t.Helper()
	m.runs, m.to = p.Runs(), 0
	k := newKindPlan(m, lanes, p)
	for !k.ended() {
		n, count := k.next()
		if n < 1 || count < 0 || count > min(lanes, n) {
			t.Fatalf("%d bytes in %d lanes of %d", n, count, lanes)
		}
		m.from, m.to = m.to, m.to+n
		if count > 0 {
			k.judge()
			used = append(used, count)
		} else {
			n = -n
		}
		got = append(got, n)
	}
	if want := m.runs[len(m.runs)-1].End; m.to != want {
		t.Fatalf("stretches of %d bytes in %d", m.to, want)
	}
	return got, used
}

func seg(k content.Kind, kilobytes int) content.Segment {
	return content.Segment{Kind: k, Len: kilobytes << 10}
}

// TestKindPlan checks how stretches follow one another in blocks of several kinds.
func TestKindPlan(t *testing.T) {
	text, log, image, code := content.Text, content.Log, content.Image1, content.Plain
	texts := func(k content.Kind, _ int) int {
		if k.IsText() {
			return 100
		}
		return 0
	}
	for _, c := range []struct {
		name  string
		plan  content.Plan
		lanes int
		saves func(k content.Kind, at int) int
		want  []int // kilobytes
		used  []int
	}{
		{"text", content.Plan{seg(text, 100)}, 2, texts, []int{4, 8, 16, 32, 40}, []int{2, 2, 2, 2, 2}},
		{"useless", content.Plan{seg(text, 2048)}, 2, func(content.Kind, int) int { return 0 }, []int{4, -512, 4, -1024, 4, -500}, []int{2, 2, 2}},
		{"image", content.Plan{seg(image, 2048)}, 8, texts, []int{4, -512, 4, -1024, 4, -500}, []int{2, 2, 2}},
		{"text, image, text", content.Plan{seg(text, 150), seg(image, 500), seg(text, 50)}, 8, texts, []int{16, 32, 64, 38, 4, -496, 50}, []int{2, 2, 2, 2, 2, 2}},
		{"image, text", content.Plan{seg(image, 100), seg(text, 50)}, 8, texts, []int{4, -96, 16, 34}, []int{2, 2, 2}},
		{"images", content.Plan{seg(image, 300), seg(text, 20), seg(image, 600)}, 8, texts, []int{4, -296, 20, -216, 4, -380}, []int{2, 2, 2}},
		{"kinds of text", content.Plan{seg(text, 30), seg(log, 30), seg(text, 40)}, 2, texts, []int{4, 8, 16, 32, 40}, []int{2, 2, 2, 2, 2}},
		{"log of no use", content.Plan{seg(text, 30), seg(log, 100), seg(text, 60)}, 2, func(k content.Kind, _ int) int { return map[content.Kind]int{text: 90}[k] },
			[]int{4, 8, 16, 32, -70, 16, 32, 12}, []int{2, 2, 2, 2, 2, 2, 2}},
		{"no use twice", content.Plan{seg(image, 40), seg(code, 40), seg(text, 20)}, 4, texts, []int{4, -36, 4, -36, 8, 12}, []int{2, 2, 2, 2}},
		{"of use to all", content.Plan{seg(text, 40), seg(image, 100), seg(text, 100)}, 4, func(content.Kind, int) int { return 100 },
			[]int{8, 16, 16, 4, 8, 16, 32, 64, 76}, []int{2, 2, 2, 2, 4, 4, 4, 4, 4}},
		{"of use later", content.Plan{seg(image, 1000), seg(text, 9)}, 4, func(_ content.Kind, at int) int { return at >> 14 },
			[]int{4, -512, 4, 8, 16, 32, 64, 128, 241}, []int{2, 2, 4, 4, 4, 4, 4, 4}},
	} {
		m := &kindMixer{saves: c.saves}
		got, used := m.stretches(t, c.lanes, c.plan)
		for i := range got {
			got[i] /= 1 << 10
		}
		if !slices.Equal(got, c.want) || !slices.Equal(used, c.used) {
			t.Errorf("%s: %d in %d lanes, want %d in %d", c.name, got, used, c.want, c.used)
		}
	}
}

// TestKindPlanCovers cuts blocks of all sorts, with models of some use to some of it.
func TestKindPlanCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		var p content.Plan
		for range 1 + r.IntN(12) {
			p = append(p, content.Segment{Kind: content.Kind(r.IntN(content.NumKinds)), Len: 1 + r.IntN(1<<r.IntN(22))})
		}
		lanes := 2 + r.IntN(1<<r.IntN(8))
		seed := r.IntN(100)
		m := &kindMixer{saves: func(k content.Kind, at int) int { return (int(k)*7 + at>>12 + seed) % 60 }}
		m.stretches(t, lanes, p)
	}
}

// TestKindPlanAsks: whatever came before it, a text for whose kind the model does not rest has it from the first
// byte on, and what follows is not asked in vain for long.
func TestKindPlanAsks(t *testing.T) {
	for k := range content.Kind(content.NumKinds) {
		if k.IsText() {
			continue
		}
		p := content.Plan{seg(k, 900), seg(content.Markup, 20), seg(k, 900)}
		m := &kindMixer{saves: func(k content.Kind, _ int) int { return map[bool]int{true: 200}[k.IsText()] }}
		got, _ := m.stretches(t, 8, p)
		at, vain := 0, 0
		for _, n := range got {
			on := n > 0
			n = max(n, -n)
			if in := at >= 900<<10 && at < 920<<10; in && !on {
				t.Errorf("%v: no model at %d: %d", k, at, got)
			} else if !in && on {
				vain += n
			}
			at += n
		}
		if vain > 4*trialLen {
			t.Errorf("%v: asked in vain for %d bytes: %d", k, vain, got)
		}
	}
}
