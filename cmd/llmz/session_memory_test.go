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
