package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/llmz/llmz/tui/session"
)

func TestSessionMemory(t *testing.T) {
	t.Setenv("LLMZ_DATA_DIR", filepath.Join(t.TempDir(), "data"))
	begin := func() session.Settings {
		t.Helper()
		a := newApp(os.Stdin, os.Stdout, os.Stderr)
		var err error
		if a.settings, err = readSettings(t.Context()); err != nil {
			t.Fatal(err)
		}
		return a.sessionSettings()
	}
	if got := begin(); got != (session.Settings{Model: defaultModel}) {
		t.Errorf("the first session begins with %+v", got)
	}
	rememberSession(session.Settings{Model: "lstm", BlockSize: 1 << 20, Threads: 1, NoMix: true, Remove: true, Force: true})
	want := session.Settings{Model: "lstm", BlockSize: 1 << 20, Threads: 1, NoMix: true}
	if got := begin(); got != want {
		t.Errorf("the next session begins with %+v, want %+v", got, want)
	}
	t.Setenv("LLMZ_MODEL", "none")
	if got := begin(); got.Model != "none" || got.BlockSize != 1<<20 {
		t.Errorf("with a model in the environment: %+v", got)
	}
	t.Setenv("LLMZ_MODEL", "")
	for _, broken := range []string{"", "{", `{"model":"lstm","block_size":3}`, `{"model":"lstm","lanes":-1}`, `{"model":"lstm","threads":1e9}`} {
		if err := os.WriteFile(sessionMemoryPath(), []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := begin(); got != (session.Settings{Model: defaultModel}) {
			t.Errorf("after %q: %+v", broken, got)
		}
	}
}

// TestModelKinds: the view of models names kinds as people know them, of models that are
// not here, too; those run natively.
func TestModelKinds(t *testing.T) {
	b := puller(t)
	tiny, err := os.ReadFile("../../testdata/gpt2-tiny/gpt2-tiny.gguf")
	if err == nil {
		err = os.WriteFile(filepath.Join(b.a.models.Dir, "tiny.gguf"), tiny, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	list, err := b.models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"gru": "GRU", "lstm": "LSTM", "tiny": "gpt2", "none": "mixer"}
	for _, m := range list {
		if kind, ok := want[m.Name]; ok && m.Kind != kind || m.Where == session.Available && m.Kind != "language" {
			t.Errorf("%s is called %q", m.Name, m.Kind)
		}
		delete(want, m.Name)
	}
	if len(want) > 0 || list[0].Name != "gru" || list[len(list)-1].Name != "none" {
		t.Errorf("without %v: %+v", want, list)
	}
}
