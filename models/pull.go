package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/models/convert/gpt2"
	"github.com/llmz/llmz/models/hub"
)

// PullOptions are the options of Pull.
type PullOptions struct {
	// What is a known name, "owner/repository/file.gguf" on the hub, or
	// "owner/repository" of a model of GPT-2's architecture.
	What string
	// Type is the type of converted matrices.
	Type   ggml.Type
	Client *hub.Client // nil: set up by the environment
	Force  bool        // replace a model of that name
	// Progress is told how far a download is, Converting how far a conversion; either
	// may be nil.
	Progress   hub.Progress
	Converting func(done, total int)
	// Retrying is told why a request is made again, Waiting that another process
	// pulls the same model at this moment; either may be nil.
	Retrying func(hub.Retry)
	Waiting  func(name string)
}

// Pulled says what Pull did.
type Pulled struct {
	Name, Path string
	Digest     [32]byte
	Bytes      int64
	// Checked says what the download was compared with, see hub.Result; the weakest of
	// several files.
	Checked string
}

// ErrExists means that a model of that name is here.
var ErrExists = errors.New("there is a model of that name")

// Pull downloads a model into the registry's directory. Where another process is
// at it, Pull waits for its end.
func (r *Registry) Pull(ctx context.Context, o PullOptions) (Pulled, error) {
	k, err := lookUp(o.What)
	if err != nil {
		return Pulled{}, err
	}
	if o.Client == nil {
		o.Client = hub.FromEnv()
	}
	if o.Client.Retrying == nil {
		o.Client.Retrying = o.Retrying
	}
	target := filepath.Join(r.Dir, k.Name+Extension)
	exists := func() bool { _, err := os.Stat(target); return err == nil }
	if exists() && !o.Force {
		return Pulled{}, fmt.Errorf("%w: %s", ErrExists, target)
	}
	waited, unlock, err := r.lockPull(ctx, k.Name, o.Waiting)
	if err != nil {
		return Pulled{}, err
	}
	defer unlock()
	if waited && exists() { // what the other process brought
		return finished(ctx, k.Name, target, "hub")
	}
	// Downloads are kept apart: the directory holds whole models only.
	dir := filepath.Join(r.Dir, downloads, k.Name)
	checked := ""
	if k.File != "" {
		res, err := o.Client.Download(ctx, hub.File{Repo: k.Repo, Path: k.File, SHA256: k.SHA256}, dir, o.Progress)
		if err != nil {
			return Pulled{}, err
		}
		if _, err := architecture(res.Path); err != nil {
			return Pulled{}, fmt.Errorf("%s/%s: %w", k.Repo, k.File, err)
		}
		if err := os.Rename(res.Path, target); err != nil {
			return Pulled{}, err
		}
		checked = res.Checked
	} else if checked, err = r.pullFolder(ctx, o, k, dir, target); err != nil {
		return Pulled{}, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return Pulled{}, err
	}
	return finished(ctx, k.Name, target, checked)
}

// downloads is the part of a registry's directory for what is not whole yet.
const downloads = ".download"

// lockPull makes sure that one process at a time pulls a model of that name, and
// reports whether it had to wait for another. The lock's file stays: removing it
// would let two hold it.
func (r *Registry) lockPull(ctx context.Context, name string, waiting func(string)) (waited bool, unlock func(), err error) {
	dir := filepath.Join(r.Dir, downloads)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, nil, err
	}
	l := flock.New(filepath.Join(dir, name+".lock"))
	ok, err := l.TryLock()
	if err == nil && !ok {
		waited = true
		if waiting != nil {
			waiting(name)
		}
		_, err = l.TryLockContext(ctx, 200*time.Millisecond)
	}
	if err != nil {
		return waited, nil, err
	}
	return waited, func() { _ = l.Unlock() }, nil
}

func (r *Registry) pullFolder(ctx context.Context, o PullOptions, k Known, dir, target string) (string, error) {
	files := []hub.File{
		{Repo: k.Repo, Path: "config.json"},
		{Repo: k.Repo, Path: "vocab.json"},
		{Repo: k.Repo, Path: "merges.txt"},
		{Repo: k.Repo, Path: "model.safetensors", Optional: true},
	}
	got, err := o.Client.DownloadAll(ctx, files, dir, o.Progress)
	if err != nil {
		return "", err
	}
	if len(got) < len(files) {
		more, err := o.Client.Download(ctx, hub.File{Repo: k.Repo, Path: "pytorch_model.bin"}, dir, o.Progress)
		if err != nil {
			return "", err
		}
		got = append(got, more)
	}
	checked := "hub"
	for _, g := range got {
		if g.Checked == "" {
			checked = ""
		}
	}
	return checked, convertTo(ctx, target, dir, dir, gpt2.Options{Type: o.Type, Name: k.Name, Progress: o.Converting})
}
