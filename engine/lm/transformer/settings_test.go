package transformer

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// TestRecorded: archives with settings and without are decoded by what they say, and so refer
// to the model as they did when they were made.
func TestRecorded(t *testing.T) {
	path := testdata("stories260K", "stories260K.gguf")
	plain := open(t, path, Options{})
	want := plain.set
	if r := plain.Info().Runtime; len(r) > 0 {
		t.Errorf("a new archive records %v", r)
	}
	for _, c := range []struct {
		runtime map[string]string
		want    settings
		ok      bool
	}{
		{map[string]string{}, want, true},
		{map[string]string{"ctx": "128", "keep": "32"}, settings{128, 32}, true},
		{map[string]string{"ctx": "100", "keep": "7"}, settings{100, 7}, true},
		{map[string]string{"ctx": "100"}, settings{}, false},
		{map[string]string{"keep": "7"}, settings{}, false},
		{map[string]string{"ctx": "100", "keep": "100"}, settings{}, false},
		{map[string]string{"ctx": "1000000", "keep": "7"}, settings{}, false},
		{map[string]string{"ctx": "100", "keep": "7", "more": "1"}, settings{}, false},
	} {
		m, err := Open(context.Background(), Options{Path: path, Runtime: c.runtime})
		if !c.ok {
			if !errors.Is(err, predict.ErrMismatch) {
				t.Errorf("%v: %v", c.runtime, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", c.runtime, err)
			continue
		}
		if m.set != c.want || !maps.Equal(m.Info().Runtime, c.runtime) {
			t.Errorf("%v: %+v, recorded as %v", c.runtime, m.set, m.Info().Runtime)
		}
		m.Close()
	}
}
