package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/block"
	"github.com/llmz/llmz/engine/predict"
)

func TestNeeds(t *testing.T) {
	m := newFakeModel("needs")
	small, n, err := Needs(Options{Model: m, Threads: 1}, 10_000)
	if err != nil || n != 1 || small < m.MemoryBytes(1) {
		t.Errorf("small: %d bytes, %d blocks, %v", small, n, err)
	}
	large, _, err := Needs(Options{Model: m, Threads: 1}, 100<<20)
	if err != nil || large <= small || large < 2*DefaultBlockSize {
		t.Errorf("large: %d bytes, small %d, %v", large, small, err)
	}
	bare, _, err := Needs(Options{Model: m, Threads: 1, NoMix: true}, 100<<20)
	if err != nil || bare >= large {
		t.Errorf("bare: %d bytes, mixed %d, %v", bare, large, err)
	}
	if _, n, err := Needs(Options{NoModel: true, Threads: 2, BlockSize: 1 << 20}, 10<<20); err != nil || n != 2 {
		t.Errorf("%d blocks side by side, %v", n, err)
	}
	var limit *MemoryError
	if _, _, err := Needs(Options{Model: m, MemoryLimit: 1000}, 10_000); !errors.As(err, &limit) {
		t.Errorf("limit: %v", err)
	}
	if _, _, err := Needs(Options{NoModel: true}, 0); err != nil {
		t.Errorf("of nothing: %v", err)
	}
}

// TestNeedsIsWhatWritersTake: a writer takes what Needs tells, to the byte, and needs its
// history only where the content is no such thing.
func TestNeedsIsWhatWritersTake(t *testing.T) {
	for _, o := range []Options{{NoModel: true}, {Model: newFakeModel("writer")}, {Model: newFakeTokenModel()}, {Model: newFakeTokenModel(), Lanes: 4}} {
		for _, size := range []int64{100, 50_000, 3 << 20} {
			o.Threads, o.Size, o.MemoryLimit = 1, size, 0
			need, _, err := Needs(o, size)
			if err != nil {
				t.Fatal(err)
			}
			o.MemoryLimit = need
			if _, err := NewWriter(io.Discard, o); err != nil {
				t.Errorf("%d bytes, with all that it needs: %v", size, err)
			}
			o.MemoryLimit--
			var limit *MemoryError
			if _, err := NewWriter(io.Discard, o); !errors.As(err, &limit) || limit.Need != need {
				t.Errorf("%d bytes, with one byte less: %v", size, err)
			}
		}
	}
	const n = 1 << 20
	bytes, tokens := block.Shape{Length: n, Lanes: 1, Mixer: archive.MixerFast, Model: true}, block.Shape{Length: n, Lanes: 1, Tokens: n / 4, Mixer: archive.MixerFast, Model: true}
	if got := tokens.Memory() - bytes.Memory(); got != 2*n { // their history, and themselves
		t.Errorf("tokens take %d bytes more", got)
	}
}

// TestSideBySide: what blocks take without a limit fits the machine.
func TestSideBySide(t *testing.T) {
	for _, c := range []struct {
		threads    int
		free, want int64
	}{{2, 0, 384 << 20}, {2, 1 << 30, 512 << 20}, {2, 64 << 30, 768 << 20}, {64, 64 << 30, 24 << 30}, {64, 8 << 30, 4 << 30}, {2, 100 << 20, 50 << 20}} {
		if got := sideBySide(c.threads, c.free); got != c.want {
			t.Errorf("%d threads, %d MiB free: %d MiB", c.threads, c.free>>20, got>>20)
		}
	}
}

// TestBlockSizeFor: slow models have small blocks unless others are asked for.
func TestBlockSizeFor(t *testing.T) {
	const small = 1 << 20
	tokens := newFakeTokenModel()
	for _, c := range []struct {
		m    predict.Model
		want int
	}{{nil, DefaultBlockSize}, {newFakeModel("fast"), DefaultBlockSize}, {tokens, small}, {preferring{small}, small}, {preferring{0}, DefaultBlockSize}, {preferring{1 << 25}, 1 << 25}} {
		if got := BlockSizeFor(c.m); got != c.want {
			t.Errorf("%v: %d bytes", c.m, got)
		}
	}
	data := bytes.Repeat([]byte("   "), (small+3)/3)
	for size, want := range map[int]int{0: 2, 2 * small: 1} {
		o := Options{Model: tokens, NoMix: true, Threads: 1, BlockSize: size}
		res, err := Compress(context.Background(), io.Discard, bytes.NewReader(data), o)
		if err != nil || res.Blocks != want {
			t.Errorf("block size %d: %d blocks, want %d, %v", size, res.Blocks, want, err)
		}
	}
}

// preferring is a model that wants blocks of a size.
type preferring struct{ size int }

func (preferring) Info() predict.Info          { return predict.Info{} }
func (preferring) Lanes(int) int               { return 1 }
func (preferring) MemoryBytes(lanes int) int64 { return int64(lanes) << 20 }
func (preferring) Close() error                { return nil }
func (p preferring) NewSession(context.Context, predict.SessionOptions) (predict.Session, error) {
	return nil, errors.New("no sessions")
}
func (p preferring) Preferences(lanes int) predict.Preferences {
	return predict.Preferences{BlockSize: p.size, Threads: lanes, LoadBytes: 5 << 20}
}

// TestPreferences: blocks side by side and memory are planned as the model says, whatever it
// promises about its archives. Each thread has a block, unless the model wants all for one.
func TestPreferences(t *testing.T) {
	m := preferring{}
	for _, lanes := range []int{1, 3, 9} {
		if got := abreast(m, lanes, 8); got != 8 {
			t.Errorf("%d blocks side by side", got)
		}
	}
	if got := abreast(newFakeTokenModel(), 2, 8); got != 1 {
		t.Errorf("a model that wants all threads has %d blocks side by side", got)
	}
	if got := overhead(m); got != ProcessMemory+5<<20 {
		t.Errorf("overhead %d", got)
	}
}
