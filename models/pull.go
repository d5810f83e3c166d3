package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/models/convert/checkpoint"
	"github.com/llmz/llmz/models/convert/hf"
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
	// Retrying is told why a request is made again, unless Client is set; Waiting that another process
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
	p, err := finished(ctx, k.Name, target, checked)
	if err == nil {
		r.remember(ctx, p.Digest[:], target, k.source(o.Type))
	}
	return p, err
}

// source is what "models pull" takes to bring the same file again.
func (k Known) source(t ggml.Type) string {
	s := k.Repo
	switch {
	case slices.ContainsFunc(known, func(o Known) bool { return o.Name == k.Name && o.Repo == k.Repo }):
		s = k.Name
	case k.File != "":
		s += "/" + k.File
	}
	if k.File == "" && t != ggml.Q8_0 {
		s += " --type " + strings.ToLower(t.String())
	}
	return s
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
	l := flock.New(filepath.Join(dir, name+".lock"), flock.SetFlag(os.O_CREATE|os.O_RDWR)) // a named pipe of that name holds nobody up so
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

// pullFolder downloads a Hugging Face folder into dir and converts it.
func (r *Registry) pullFolder(ctx context.Context, o PullOptions, k Known, dir, target string) (string, error) {
	p := folderPull{ctx: ctx, o: o, repo: k.Repo, dir: dir, checked: "hub"}
	if err := p.all(); err != nil {
		return "", err
	}
	return p.checked, convertTo(ctx, target, dir, hf.Options{Type: o.Type, Name: k.Name, Progress: o.Converting})
}

// A folderPull is the download of a folder.
type folderPull struct {
	ctx       context.Context
	o         PullOptions
	repo, dir string
	checked   string // the weakest of all files
}

// get downloads a file and reports whether there is one, which it must unless it is
// optional.
func (p *folderPull) get(path string, optional bool, limit int64) (bool, error) {
	res, err := p.o.Client.Download(p.ctx, hub.File{Repo: p.repo, Path: path, Limit: limit}, p.dir, p.o.Progress)
	if optional && errors.Is(err, hub.ErrNotFound) {
		return false, nil
	}
	if err == nil && res.Checked == "" {
		p.checked = ""
	}
	return err == nil, err
}

func (p *folderPull) all() error {
	if _, err := p.get("config.json", false, checkpoint.MaxText); err != nil {
		return err
	}
	vocab, err := p.get("vocab.json", true, checkpoint.MaxText)
	if err != nil {
		return err
	}
	last := "tokenizer.json" // the vocabulary and the merges in one
	if vocab {
		last = "merges.txt"
	}
	if _, err := p.get(last, false, checkpoint.MaxText); err != nil {
		return err
	}
	for _, name := range []string{"model.safetensors", "pytorch_model.bin"} {
		if ok, err := p.get(name, true, 0); ok || err != nil {
			return err
		}
		index := name + checkpoint.IndexSuffix
		if ok, err := p.get(index, true, checkpoint.MaxText); err != nil {
			return err
		} else if !ok {
			continue
		}
		shards, err := checkpoint.Shards(filepath.Join(p.dir, index))
		if err != nil {
			return err
		}
		for _, shard := range shards {
			if _, err := p.get(shard, false, 0); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%s: %w: it has neither model.safetensors nor pytorch_model.bin", p.repo, hub.ErrNotFound)
}
