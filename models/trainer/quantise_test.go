package trainer

import (
	"bytes"
	"context"
	"errors"
	"math"
	"testing"

	"github.com/llmz/llmz/models/convert"
)

// TestQuantisation trains a network and expects the integer model, which is other
// code entirely, to need as many bits.
func TestQuantisation(t *testing.T) {
	for _, arch := range []string{"gru", "lstm"} {
		c := small(arch)
		c.Shape.Layers = 2
		c.Updates = 60
		r, err := Train(context.Background(), c, nil)
		if err != nil {
			t.Fatal(err)
		}
		q, err := r.Quantisation(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if q.Float > 5 || math.Abs(q.Loss()) > 0.01 {
			t.Errorf("%s: %.4f bits per byte in float32, %.4f in int8", arch, q.Float, q.Integer)
		}
	}
	if _, err := Measure(context.Background(), &convert.Network{}, nil); !errors.Is(err, ErrNoHeldOut) {
		t.Errorf("got %v, want ErrNoHeldOut", err)
	}
}

// TestSameFile trains twice from one seed and expects the same model file.
func TestSameFile(t *testing.T) {
	var files [2]bytes.Buffer
	for i := range files {
		c := small("lstm")
		c.Precision, c.Threads = "auto", i+1
		r, err := Train(context.Background(), c, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Network().WriteGGUF(&files[i], convert.WriteOptions{Quantise: true, Name: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	if files[0].Len() == 0 || !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
		t.Error("two trainings from one seed gave different files")
	}
}
