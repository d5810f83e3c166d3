package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/gate"
)

// closing returns an observer that closes g at the first Progress, and a channel
// that tells of it.
func closing(g *gate.Gate) (Observer, <-chan struct{}) {
	closed := make(chan struct{})
	var once sync.Once
	return func(e Event) {
		if _, ok := e.(Progress); ok {
			once.Do(func() {
				g.Close()
				close(closed)
			})
		}
	}, closed
}

// coding returns, for each direction, the work of coding data with an observer
// and a gate.
func coding(t *testing.T, data []byte) map[string]func(context.Context, io.Writer, Observer, *gate.Gate) (Result, error) {
	t.Helper()
	m := newFakeModel("a")
	m.lanes = 8
	ar, _ := compress(t, data, Options{Model: m, Threads: 2, BlockSize: 20_000})
	return map[string]func(context.Context, io.Writer, Observer, *gate.Gate) (Result, error){
		"compress": func(ctx context.Context, w io.Writer, observe Observer, g *gate.Gate) (Result, error) {
			return Compress(ctx, w, bytes.NewReader(data), Options{Model: m, Threads: 2, BlockSize: 20_000, Observer: observe, ProgressInterval: 1, Gate: g})
		},
		"decompress": func(ctx context.Context, w io.Writer, observe Observer, g *gate.Gate) (Result, error) {
			return Decompress(ctx, w, bytes.NewReader(ar), ReadOptions{Models: resolver(), Threads: 2, Observer: observe, ProgressInterval: 1, Gate: g})
		},
	}
}

func TestAPauseHoldsAJobAndItsClock(t *testing.T) {
	data := readFile(t, "alice29.txt")
	for name, code := range coding(t, data) {
		var want bytes.Buffer
		if _, err := code(t.Context(), &want, nil, nil); err != nil {
			t.Fatal(err)
		}
		// A clock of the gate's own: this pause takes an hour.
		var now atomic.Int64
		g := gate.New(func() time.Time { return time.Unix(now.Load(), 0) })
		observe, closed := closing(g)
		var got bytes.Buffer
		var result Result
		done := make(chan error, 1)
		go func() {
			r, err := code(t.Context(), &got, observe, g)
			result = r
			done <- err
		}()
		<-closed
		select {
		case err := <-done:
			t.Fatalf("%s: ended in spite of the pause: %v", name, err)
		case <-time.After(50 * time.Millisecond):
		}
		now.Add(3600)
		g.Open()
		if err := <-done; err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%s: the pause changed the output", name)
		}
		// What is left of an hour's pause in a job of less than one is nothing.
		if result.Elapsed != 0 || result.Profile[StageOther] != 0 {
			t.Errorf("%s: the pause counts: %v, %v of them other", name, result.Elapsed, result.Profile[StageOther])
		}
	}
}

func TestCancelEndsAPause(t *testing.T) {
	for name, code := range coding(t, readFile(t, "alice29.txt")) {
		ctx, cancel := context.WithCancel(t.Context())
		g := gate.New(nil)
		observe, closed := closing(g)
		done := make(chan error, 1)
		go func() {
			_, err := code(ctx, io.Discard, observe, g)
			done <- err
		}()
		<-closed
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: a paused job does not end", name)
		}
	}
}
