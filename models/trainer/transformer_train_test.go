package trainer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/models/trainer/vocab"
)

// smallTransformer trains within a fraction of a second.
func smallTransformer(arch string) Config {
	c := small(arch)
	c.Shape = Shape{Arch: arch, Layers: 2, Hidden: 32, Heads: 2, KVHeads: 2, Inner: 64, Vocabulary: 290, Context: 32}
	if arch == GPT {
		c.Shape.KVHeads = 1
	}
	c.Streams = 12
	return c
}

func train(t *testing.T, c Config) *Result {
	t.Helper()
	r, err := Train(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func modelFile(t *testing.T, r *Result, o WriteOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteGGUF(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readModel(t *testing.T, file []byte) *Model {
	t.Helper()
	f, err := gguf.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadModel(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTransformerLearns(t *testing.T) {
	for _, arch := range []string{GPT, GPT2} {
		c := smallTransformer(arch)
		c.Updates, c.Augment = 200, Augment{}
		r := train(t, c)
		if r.BPC == 0 || r.BPC > 1.5 {
			t.Errorf("%s: %.2f bits per byte after %d updates", arch, r.BPC, c.Updates)
		}
		q, err := r.Quantisation(t.Context())
		if err != nil || math.Abs(q.Float/r.BPC-1) > 0.02 || math.Abs(q.Loss()) > 0.05 || q.Integer == q.Float {
			t.Errorf("%s: quantised %+v of %.4f, %v", arch, q, r.BPC, err)
		}
	}
}

// TestTransformerIsDeterministic: the same seed gives the same model whatever the
// threads, another seed another model.
func TestTransformerIsDeterministic(t *testing.T) {
	for _, precision := range []string{"f32", "bf16"} {
		var first []byte
		for _, threads := range []int{1, 2, 5} {
			c := smallTransformer(GPT)
			c.Threads, c.Precision = threads, precision
			file := modelFile(t, train(t, c), WriteOptions{})
			if first == nil {
				first = file
			}
			if !bytes.Equal(file, first) {
				t.Errorf("%s: %d threads gave another model", precision, threads)
			}
		}
		c := smallTransformer(GPT)
		c.Seed, c.Precision = c.Seed+1, precision
		if bytes.Equal(modelFile(t, train(t, c), WriteOptions{}), first) {
			t.Error("the seed changes nothing")
		}
	}
}

// TestTransformerResumes interrupts a training and expects the same model as without.
func TestTransformerResumes(t *testing.T) {
	for _, arch := range []string{GPT, GPT2} {
		c := smallTransformer(arch)
		c.CoolDown = 0.5
		whole := modelFile(t, train(t, c), WriteOptions{Float: true})
		c.Checkpoint, c.Resume = filepath.Join(t.TempDir(), "a.ckpt"), true
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Train(ctx, c, func(e Event) {
			if v, ok := e.(*Validated); ok && v.Update == 10 {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
		if again := modelFile(t, train(t, c), WriteOptions{Float: true}); !bytes.Equal(again, whole) {
			t.Errorf("%s: an interrupted training gave another model", arch)
		}
		other := c
		other.Shape.Layers = 1
		if _, err := Train(t.Context(), other, nil); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%s: a checkpoint of other layers: %v", arch, err)
		}
		damaged := c
		damaged.Checkpoint = filepath.Join(t.TempDir(), "b.ckpt")
		data, err := os.ReadFile(c.Checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/3] ^= 1
		if err := os.WriteFile(damaged.Checkpoint, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Train(t.Context(), damaged, nil); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%s: a damaged checkpoint: %v", arch, err)
		}
	}
}

// TestTransformerStopsWithinAnUpdate cancels a training at any moment: what is saved is as
// if the update had not begun.
func TestTransformerStopsWithinAnUpdate(t *testing.T) {
	c := smallTransformer(GPT)
	tr, err := newTraining(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		if _, _, err := tr.step(t.Context(), 0.01); err != nil {
			t.Fatal(err)
		}
	}
	var before, after bytes.Buffer
	snapshot := func(b *bytes.Buffer) {
		for _, s := range tr.streams {
			fmt.Fprintln(b, s.state())
		}
		fmt.Fprintln(b, tr.update, tr.bytes, tr.p.data, tr.m, tr.v)
	}
	snapshot(&before)
	if _, _, err := tr.step(ctx, 0.01); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	snapshot(&after)
	if !bytes.Equal(before.Bytes(), after.Bytes()) {
		t.Error("an update that was cancelled changed the state")
	}
}

// TestTransformerFile writes a model and trains it further from the file.
func TestTransformerFile(t *testing.T) {
	for _, arch := range []string{GPT, GPT2} {
		c := smallTransformer(arch)
		r := train(t, c)
		m := readModel(t, modelFile(t, r, WriteOptions{Float: true, Name: "a"}))
		if m.Shape != r.Shape || !reflect.DeepEqual(m.Vocabulary, r.Vocabulary) {
			t.Errorf("%s: read %+v, wrote %+v", arch, m.Shape, r.Shape)
		}
		for _, w := range r.Weights {
			if !slices.Equal(m.Weights[w.Name], w.Data) {
				t.Errorf("%s: %s differs", arch, w.Name)
			}
		}
		rounded := readModel(t, modelFile(t, r, WriteOptions{}))
		for _, w := range r.Weights {
			for i, v := range w.Data {
				if math.Abs(float64(rounded.Weights[w.Name][i]-v)) > 0.02 {
					t.Fatalf("%s: %s[%d] is %v after rounding, %v before", arch, w.Name, i, rounded.Weights[w.Name][i], v)
				}
			}
		}
		c.Init, c.Vocabulary, c.Shape = m.Weights, m.Vocabulary, m.Shape
		c.Updates, c.Rate, c.ValidateUpdates = 1, 1e-9, 0
		c.Sources = []Source{{Data: bytes.Repeat([]byte("quite another text, 0123456789\n"), 100)}}
		again := train(t, c)
		if !reflect.DeepEqual(again.Vocabulary, r.Vocabulary) {
			t.Errorf("%s: the vocabulary was learned anew", arch)
		}
		for i, w := range again.Weights {
			for j, v := range w.Data {
				if math.Abs(float64(v-r.Weights[i].Data[j])) > 1e-5 {
					t.Fatalf("%s: %s did not start from the file", arch, w.Name)
				}
			}
		}
	}
}

func TestReadModelRefuses(t *testing.T) {
	r := train(t, smallTransformer(GPT))
	for name, change := range map[string]func(*Shape, *vocab.Vocabulary, []Weight){
		"not finite":  func(_ *Shape, _ *vocab.Vocabulary, w []Weight) { w[1].Data[0] = float32(math.NaN()) },
		"layers":      func(s *Shape, _ *vocab.Vocabulary, _ []Weight) { s.Layers++ },
		"width":       func(s *Shape, _ *vocab.Vocabulary, _ []Weight) { s.Hidden *= 2 },
		"heads":       func(s *Shape, _ *vocab.Vocabulary, _ []Weight) { s.Heads = 3 },
		"no start":    func(_ *Shape, v *vocab.Vocabulary, _ []Weight) { v.Start = 9999 },
		"vocabulary":  func(_ *Shape, v *vocab.Vocabulary, _ []Weight) { v.Tokens, v.Types = v.Tokens[:280], v.Types[:280] },
		"other names": func(s *Shape, _ *vocab.Vocabulary, _ []Weight) { s.Arch = GPT2 },
	} {
		s, v := r.Shape, *r.Vocabulary
		var weights []Weight
		for _, w := range r.Weights {
			w.Data = slices.Clone(w.Data)
			weights = append(weights, w)
		}
		change(&s, &v, weights)
		var b bytes.Buffer
		if err := writeTransformer(&b, s, &v, weights, WriteOptions{Float: true}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f, err := gguf.Parse(b.Bytes())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := ReadModel(f); !errors.Is(err, ErrModel) {
			t.Errorf("%s: got %v, want ErrModel", name, err)
		}
	}
}

func TestTransformerShapes(t *testing.T) {
	good := Shape{Arch: GPT, Layers: 2, Hidden: 64, Heads: 4, KVHeads: 2, Inner: 128, Vocabulary: 300, Context: 64}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Shape){
		"no layers":    func(s *Shape) { s.Layers = 0 },
		"width":        func(s *Shape) { s.Hidden = 60 },
		"heads":        func(s *Shape) { s.Heads = 5 },
		"narrow heads": func(s *Shape) { s.Heads, s.KVHeads = 16, 16 },
		"shared heads": func(s *Shape) { s.KVHeads = 3 },
		"inner":        func(s *Shape) { s.Inner = 0 },
		"vocabulary":   func(s *Shape) { s.Vocabulary = 256 },
		"context":      func(s *Shape) { s.Context = 12 },
	} {
		s := good
		change(&s)
		if err := s.Validate(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
