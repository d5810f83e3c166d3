package trainer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/gate"
)

// pausing returns a configuration whose gate closes after ten updates, an
// observer that closes it, and a channel that tells of the checkpoint made then.
func pausing(t *testing.T) (Config, *gate.Gate, func(Event), <-chan struct{}) {
	t.Helper()
	c := small("lstm")
	g := gate.New(nil)
	c.Gate, c.Checkpoint = g, filepath.Join(t.TempDir(), "a.ckpt")
	saved := make(chan struct{}, 1)
	return c, g, func(e Event) {
		switch e := e.(type) {
		case *Validated:
			if e.Update == 10 {
				g.Close()
			}
		case *Saved:
			if e.Update == 10 {
				saved <- struct{}{}
			}
		}
	}, saved
}

func TestAPauseSavesAndChangesNothing(t *testing.T) {
	whole, err := Train(context.Background(), small("lstm"), nil)
	if err != nil {
		t.Fatal(err)
	}
	c, g, observe, saved := pausing(t)
	var r *Result
	done := make(chan error, 1)
	go func() {
		var err error
		r, err = Train(context.Background(), c, observe)
		done <- err
	}()
	<-saved
	select {
	case err := <-done:
		t.Fatalf("ended in spite of the pause: %v", err)
	case <-time.After(30 * time.Millisecond):
	}
	g.Open()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	same(t, "paused", bits(r), bits(whole))
}

func TestCancelEndsAPausedTraining(t *testing.T) {
	c, _, observe, saved := pausing(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := Train(ctx, c, observe)
		done <- err
	}()
	<-saved
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("a paused training does not end")
	}
	if _, err := os.Stat(c.Checkpoint); err != nil {
		t.Error(err)
	}
}
