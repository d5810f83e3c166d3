package engine

import (
	"testing"

	"github.com/llmz/llmz/engine/archive"
)

// TestMixers: which mixer archives have.
func TestMixers(t *testing.T) {
	text := alice(t, 4000)
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"alone":            {Options{NoModel: true}, "fast"},
		"alone, rich":      {Options{NoModel: true, Rich: true}, "rich"},
		"small":            {Options{Model: newFakeModel("a")}, "fast"},
		"large":            {Options{Model: lean(newFakeModel("a"))}, "lean"},
		"large, rich":      {Options{Model: lean(newFakeModel("a")), Rich: true}, "rich"},
		"large, bare":      {Options{Model: lean(newFakeModel("a")), NoMix: true}, ""},
		"large, for small": {Options{Model: lean(newFakeModel("a")), ForRepeats: newFakeModel("b")}, "lean"},
		"tokens":           {Options{Model: newFakeTokenModel()}, "fast"},
		"tokens, rich":     {Options{Model: newFakeTokenModel(), Rich: true}, "rich"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, res := compress(t, text, c.o); res.Mixer != c.want {
				t.Errorf("the mixer is %q, want %q", res.Mixer, c.want)
			}
		})
	}
	logs := logLike(30_000)
	if _, res := compress(t, logs, Options{Model: lean(newFakeModel("a")), ForRepeats: newFakeModel("b")}); res.Mixer != archive.MixerName(archive.MixerFast) || res.Model.Name != "b" {
		t.Errorf("what comes again has mixer %q and model %s", res.Mixer, res.Model.Name)
	}
}
