package trainer

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// text is a corpus that is easy to learn.
var text = []byte(strings.Repeat("The quick brown fox jumps over the lazy dog.\n  Pack my box with five dozen liquor jugs.\n", 60))

func small(arch string) Config {
	return Config{
		Shape:   Shape{Arch: arch, Layers: 1, Hidden: 32, Embed: 8},
		Sources: []Source{{Name: "text", Data: text}},
		Augment: DefaultAugment,
		Streams: 8, Steps: 16, Updates: 30, Rate: 0.01, WarmUp: 5, Seed: 7,
		Validation: 0.1, ValidateUpdates: 10, Precision: "f32",
	}
}

func bits(r *Result) []uint32 {
	var b []uint32
	for _, w := range r.Weights {
		for _, v := range w.Data {
			b = append(b, math.Float32bits(v))
		}
	}
	return b
}

func same(t *testing.T, what string, a, b []uint32) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%s: %d weights and %d", what, len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("%s: weight %d differs", what, i)
		}
	}
}

func TestTrainLearns(t *testing.T) {
	for _, arch := range []string{"gru", "lstm"} {
		c := small(arch)
		c.Updates = 400
		c.Augment = Augment{}
		var events []Event
		r, err := Train(context.Background(), c, func(e Event) { events = append(events, e) })
		if err != nil {
			t.Fatal(err)
		}
		if r.BPC == 0 || r.BPC > 2.8 {
			t.Errorf("%s: %.2f bits per byte after 400 updates, started from 8", arch, r.BPC)
		}
		if s, ok := events[0].(*Started); !ok || s.Parameters != c.Shape.Parameters() {
			t.Errorf("first event %#v", events[0])
		}
		if f, ok := events[len(events)-1].(*Finished); !ok || f.Update != 400 || f.Reason != "done" || f.BPC != r.BPC {
			t.Errorf("last event %#v", events[len(events)-1])
		}
	}
}

func TestTrainIsDeterministic(t *testing.T) {
	for _, precision := range []string{"f32", "bf16", AdamW} {
		c := small("gru")
		if precision == AdamW {
			c.Optimiser = AdamW
		} else {
			c.Precision = precision
		}
		var first []uint32
		for _, threads := range []int{1, 2, 3} {
			c.Threads = threads
			r, err := Train(context.Background(), c, nil)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = bits(r)
			}
			same(t, precision, bits(r), first)
		}
		c.Seed++
		r, err := Train(context.Background(), c, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b := bits(r); b[0] == first[0] && b[len(b)-1] == first[len(first)-1] {
			t.Error("the seed changes nothing")
		}
	}
}

// TestResume interrupts a training and expects the same weights as without.
func TestResume(t *testing.T) {
	for _, arch := range []string{"gru", "lstm"} {
		c := small(arch)
		whole, err := Train(context.Background(), c, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Checkpoint = filepath.Join(t.TempDir(), "a.ckpt")
		c.Resume = true
		ctx, cancel := context.WithCancel(context.Background())
		_, err = Train(ctx, c, func(e Event) {
			if v, ok := e.(*Validated); ok && v.Update == 10 {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
		resumed := 0
		r, err := Train(context.Background(), c, func(e Event) {
			if s, ok := e.(*Started); ok {
				resumed = s.Resumed
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if resumed != 10 || r.Updates != 30 {
			t.Errorf("resumed after %d updates and ended after %d, want 10 and 30", resumed, r.Updates)
		}
		same(t, arch, bits(r), bits(whole))
	}
}

func TestCheckpointErrors(t *testing.T) {
	c := small("gru")
	c.Updates = 2
	c.Checkpoint = filepath.Join(t.TempDir(), "a.ckpt")
	if _, err := Train(context.Background(), c, nil); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(c.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	c.Resume = true
	for name, change := range map[string]func() []byte{
		"empty":     func() []byte { return nil },
		"cut off":   func() []byte { return good[:len(good)/2] },
		"bit error": func() []byte { b := append([]byte(nil), good...); b[len(b)/2] ^= 4; return b },
		"magic":     func() []byte { b := append([]byte(nil), good...); b[0] ^= 4; return b },
	} {
		if err := os.WriteFile(c.Checkpoint, change(), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Train(context.Background(), c, nil); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%s: got %v, want ErrCheckpoint", name, err)
		}
	}
	if err := os.WriteFile(c.Checkpoint, good, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"shape":     func(c *Config) { c.Shape.Hidden = 40 },
		"streams":   func(c *Config) { c.Streams = 4 },
		"corpus":    func(c *Config) { c.Sources = []Source{{Data: text[:1000]}} },
		"optimiser": func(c *Config) { c.Optimiser = AdamW },
	} {
		other := c
		change(&other)
		if _, err := Train(context.Background(), other, nil); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%s: got %v, want ErrCheckpoint", name, err)
		}
	}
}

func TestInit(t *testing.T) {
	c := small("lstm")
	r, err := Train(context.Background(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Init = map[string][]float32{}
	for _, w := range r.Weights {
		c.Init[w.Name] = w.Data
	}
	c.Updates, c.Rate, c.ValidateUpdates = 1, 1e-9, 0
	again, err := Train(context.Background(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(again.BPC-r.BPC) > 1e-3 {
		t.Errorf("starting from weights of %.4f bits per byte gives %.4f", r.BPC, again.BPC)
	}
	delete(c.Init, "fc.bias")
	if _, err := Train(context.Background(), c, nil); err == nil {
		t.Error("a missing tensor was accepted")
	}
}

func TestEarlyStopping(t *testing.T) {
	c := small("gru")
	c.Updates, c.Rate, c.Patience, c.WarmUp = 1000, 1e-12, 2, 1
	c.ValidateUpdates = 3
	reason, updates := "", 0
	if _, err := Train(context.Background(), c, func(e Event) {
		if f, ok := e.(*Finished); ok {
			reason, updates = f.Reason, f.Update
		}
	}); err != nil {
		t.Fatal(err)
	}
	if reason != "early" || updates > 100 {
		t.Errorf("stopped after %d updates, reason %q", updates, reason)
	}
}

func TestConfigErrors(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"arch":      func(c *Config) { c.Shape.Arch = "rnn" },
		"hidden":    func(c *Config) { c.Shape.Hidden = 0 },
		"length":    func(c *Config) { c.Epochs = 1 },
		"no length": func(c *Config) { c.Updates = 0 },
		"precision": func(c *Config) { c.Precision = "f8" },
		"corpus":    func(c *Config) { c.Sources = []Source{{Data: text[:50]}} },
		"streams":   func(c *Config) { c.Streams = -1 },
		"optimiser": func(c *Config) { c.Optimiser = "sgd" },

		"rate below 0":       func(c *Config) { c.Rate = -1 },
		"rate NaN":           func(c *Config) { c.Rate = math.NaN() },
		"rate without end":   func(c *Config) { c.Rate = math.Inf(1) },
		"warm-up":            func(c *Config) { c.WarmUp = -1 },
		"cool-down":          func(c *Config) { c.CoolDown = 1.5 },
		"cool-down NaN":      func(c *Config) { c.CoolDown = math.NaN() },
		"validation below 0": func(c *Config) { c.Validation = -0.1 },
		"validation, all":    func(c *Config) { c.Validation = 1 },
		"validation NaN":     func(c *Config) { c.Validation = math.NaN() },
	} {
		c := small("gru")
		change(&c)
		if _, err := Train(context.Background(), c, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSchedule(t *testing.T) {
	c := small("gru")
	c.Updates, c.WarmUp, c.Rate, c.FinalRate = 1000, 10, 1, 0.1
	tr, err := newTraining(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		update int
		rate   float64
	}{{0, 0.1}, {9, 1}, {500, 0.55}, {1000, 0.1}} {
		tr.update = want.update
		if got := tr.rate(); math.Abs(got-want.rate) > 1e-3 {
			t.Errorf("rate of update %d is %v, want %v", want.update, got, want.rate)
		}
	}
	c.Updates, c.For = 0, time.Hour
	if tr, err = newTraining(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	tr.before, tr.update = 30*time.Minute, 1000
	if got := tr.rate(); math.Abs(got-0.55) > 1e-3 {
		t.Errorf("rate after half of the time is %v", got)
	}
}
