package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/tui/session"
)

// A sessionMemory is what the next session begins with. What removes or overwrites
// files is chosen anew each time.
type sessionMemory struct {
	Model     string `json:"model"`
	BlockSize int    `json:"block_size,omitempty"`
	Lanes     int    `json:"lanes,omitempty"`
	Threads   int    `json:"threads,omitempty"`
	NoMix     bool   `json:"no_mix,omitempty"`
	Verify    bool   `json:"verify,omitempty"`
}

func sessionMemoryPath() string { return filepath.Join(models.DataDir(), "session.json") }

// sessionSettings returns what a session begins with: what the last one ended with, but
// for what the environment says.
func (a *app) sessionSettings() session.Settings {
	var m sessionMemory
	b, err := ctxio.ReadRegular(sessionMemoryPath(), 1<<20)
	if err != nil || json.Unmarshal(b, &m) != nil || !m.sensible() {
		m = sessionMemory{} // a memory that is lost costs a few keys
	}
	_, model := a.settings.env["model"]
	_, level := a.settings.env["level"]
	if m.Model == "" || model || level {
		m.Model = a.settings.model()
	}
	return session.Settings{Model: m.Model, BlockSize: m.BlockSize, Lanes: m.Lanes, Threads: m.Threads, NoMix: m.NoMix, Verify: m.Verify}
}

// sensible reports whether the numbers are ones that the session could have chosen.
func (m *sessionMemory) sensible() bool {
	return (m.BlockSize == 0 || m.BlockSize >= minBlock && m.BlockSize <= archive.MaxBlock) &&
		m.Lanes >= 0 && m.Lanes <= archive.MaxLanes && m.Threads >= 0 && m.Threads <= maxThreads
}

// rememberSession keeps what a session ended with.
func rememberSession(x session.Settings) {
	b, err := json.MarshalIndent(sessionMemory{x.Model, x.BlockSize, x.Lanes, x.Threads, x.NoMix, x.Verify}, "", "\t")
	if err != nil {
		return
	}
	path := sessionMemoryPath()
	if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	// Where it cannot be kept, the next session begins as the first one did.
	_ = outfile.Write(context.Background(), path, outfile.Options{Replace: true}, outfile.Attributes{}, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}
