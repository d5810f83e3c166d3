package bench

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/predict"
)

// flat is a model that finds letters likelier than other bytes, always.
type flat struct{ closed *int }

func (flat) Info() predict.Info {
	return predict.Info{
		Ref:        predict.Ref{Name: "flat", Digest: []byte("0123456789abcdef0123456789abcdef"), Numerics: 1},
		Parameters: 256, Kind: predict.Bytes, Alphabet: 256, Device: "cpu", Kernel: "flat",
	}
}
func (flat) Lanes(n int) int         { return min(max(n/1000, 1), 4) }
func (flat) MemoryBytes(n int) int64 { return int64(n) << 10 }
func (flat) Preferences(int) predict.Preferences {
	return predict.Preferences{}
}
func (f flat) Close() error { *f.closed++; return nil }
func (flat) NewSession(context.Context, predict.SessionOptions) (predict.Session, error) {
	s := flatSession{freqs: make([]uint32, 256)}
	for i := range s.freqs {
		s.freqs[i] = 1
		if i >= 'a' && i <= 'z' || i == ' ' {
			s.freqs[i] = 100
		}
		s.total += s.freqs[i]
	}
	return s, nil
}

type flatSession struct {
	freqs []uint32
	total uint32
}

func (flatSession) Step([]int32) error                { return nil }
func (s flatSession) Freqs(int) ([]uint32, uint32)    { return s.freqs, s.total }
func (flatSession) StageTimes() (infer, update int64) { return 1000, 10 }
func (flatSession) Close() error                      { return nil }

func openFlat(closed *int) Opener {
	return OpenModels(func(_ context.Context, name, device string) (Loaded, error) {
		if name != "flat" {
			return Loaded{}, predict.ErrModelMissing
		}
		return Loaded{Model: flat{closed}, Bytes: 1234}, nil
	})
}

// TestSizesAreThoseOfTheProgram compresses as the program does, metadata included.
func TestSizesAreThoseOfTheProgram(t *testing.T) {
	d := sampleFile(t, strings.Repeat("the quick brown fox ", 300))
	closed := 0
	row := Measure(t.Context(), Case{Model: "flat", Kind: KindModel, Data: d, Threads: 1, Plan: Plan{Runs: 1}}, openFlat(&closed))
	if row.Failed() {
		t.Fatal(row.Error)
	}
	job := filejob.Job{Op: filejob.Compress, Input: d.Path, Write: engine.Options{Model: flat{&closed}, Threads: 1}}
	res, err := filejob.Run(t.Context(), job)
	if err != nil || res.CompressedBytes != row.CompressedBytes {
		t.Errorf("the program writes %d bytes, the row says %d: %v", res.CompressedBytes, row.CompressedBytes, err)
	}
}

func TestModels(t *testing.T) {
	d := sampleFile(t, strings.Repeat("the quick brown fox ", 300))
	closed := 0
	row := Measure(t.Context(), Case{Model: "flat", Kind: KindModel, Data: d, Threads: 1, NoMix: true, Plan: Plan{Runs: 2, Warmup: 1}}, openFlat(&closed))
	if row.Failed() {
		t.Fatal(row.Error)
	}
	if closed != 1 {
		t.Errorf("model closed %d times", closed)
	}
	// 27 likely bytes of about equal probability: log2(27 + 229/100) bits each.
	if row.BPC < 4.8 || row.BPC > 5.2 {
		t.Errorf("%.3f BPC", row.BPC)
	}
	if row.ModelBytes != 1234 || row.WithModelBytes != row.CompressedBytes+1234 || row.Kernel != "flat" || row.Lanes != 4 || !strings.HasPrefix(row.ModelSHA256, "3031") {
		t.Errorf("row: %+v", row)
	}
	for _, stage := range []string{"model_infer", "mix", "arith_encode", "other"} {
		if _, ok := row.Profile[stage]; !ok {
			t.Errorf("no stage %s in %v", stage, row.Profile)
		}
	}
	if _, ok := row.DecompressProfile["arith_decode"]; !ok {
		t.Errorf("no arith_decode in %v", row.DecompressProfile)
	}

	mixed := Measure(t.Context(), Case{Model: NoModel, Kind: KindModel, Data: d, Threads: 1, Plan: Plan{Runs: 1, Curve: true}}, openFlat(&closed))
	if mixed.Failed() || mixed.CompressedBytes >= row.CompressedBytes {
		t.Errorf("mixer alone: %+v", mixed)
	}
	missing := Measure(t.Context(), Case{Model: "other", Kind: KindModel, Data: d}, openFlat(&closed))
	if !missing.Failed() {
		t.Error("a missing model gave figures")
	}
}

func TestLoadedModel(t *testing.T) {
	closed := 0
	l := loadedModels{flat{&closed}}
	m, err := l.Resolve(t.Context(), predict.Ref{Name: "flat", Digest: []byte("01234567")})
	if err != nil {
		t.Fatal(err)
	}
	if m.Close(); closed != 0 {
		t.Error("the model was closed under its owner")
	}
	if _, err := l.Resolve(t.Context(), predict.Ref{Name: "flat", Digest: []byte("other...")}); !errors.Is(err, predict.ErrMismatch) {
		t.Errorf("another digest: %v", err)
	}
}
