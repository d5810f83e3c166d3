package models

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/models/convert"
	"github.com/llmz/llmz/models/convert/gpt2"
	"github.com/llmz/llmz/models/hub"
)

// A Known is a model that can be downloaded by name.
type Known struct {
	Name    string
	About   string
	Repo    string // on the Hugging Face hub
	File    string // a GGUF file; empty for a folder that is converted after the download
	Licence string
	MB      int // approximate size of the download, in millions of bytes
	// SHA256 is the digest of File in hexadecimal; empty where it is not known, which
	// leaves the check to the digest that the hub names.
	SHA256 string
}

// known lists the models by name. The GPT-2 family is converted from the
// original weights, so that its GGUF files are the same on every machine.
var known = []Known{
	{Name: "distilgpt2", About: "DistilGPT-2, 82 million parameters", Repo: "distilbert/distilgpt2", Licence: "Apache-2.0", MB: 353},
	{Name: "gpt2", About: "GPT-2, 124 million parameters", Repo: "openai-community/gpt2", Licence: "MIT", MB: 548},
	{Name: "gpt2-medium", About: "GPT-2, 355 million parameters", Repo: "openai-community/gpt2-medium", Licence: "MIT", MB: 1520},
	{Name: "gpt2-large", About: "GPT-2, 774 million parameters", Repo: "openai-community/gpt2-large", Licence: "MIT", MB: 3250},
	{Name: "gpt2-xl", About: "GPT-2, 1.5 billion parameters", Repo: "openai-community/gpt2-xl", Licence: "MIT", MB: 6430},
	{
		Name: "smollm2-135m", About: "SmolLM2 Instruct, 135 million parameters, Q8_0", Licence: "Apache-2.0", MB: 145,
		Repo: "bartowski/SmolLM2-135M-Instruct-GGUF", File: "SmolLM2-135M-Instruct-Q8_0.gguf",
	},
	{
		Name: "qwen2.5-0.5b", About: "Qwen2.5 Instruct, 0.5 billion parameters, Q8_0", Licence: "Apache-2.0", MB: 676,
		Repo: "Qwen/Qwen2.5-0.5B-Instruct-GGUF", File: "qwen2.5-0.5b-instruct-q8_0.gguf",
	},
}

// KnownModels returns the models that Pull knows by name.
func KnownModels() []Known { return append([]Known(nil), known...) }

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

// Pull downloads a model into the registry's directory.
func (r *Registry) Pull(ctx context.Context, o PullOptions) (Pulled, error) {
	k, err := lookUp(o.What)
	if err != nil {
		return Pulled{}, err
	}
	if o.Client == nil {
		o.Client = hub.FromEnv()
	}
	target := filepath.Join(r.Dir, k.Name+Extension)
	if _, err := os.Stat(target); err == nil && !o.Force {
		return Pulled{}, fmt.Errorf("%w: %s", ErrExists, target)
	}
	// Downloads are kept apart: the directory holds whole models only.
	dir := filepath.Join(r.Dir, ".download", k.Name)
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
	os.Remove(filepath.Dir(dir)) // if it is empty
	return finished(ctx, k.Name, target, checked)
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
	return checked, convertTo(ctx, target, dir, gpt2.Options{Type: o.Type, Name: k.Name, Progress: o.Converting})
}

// Convert turns a Hugging Face folder into the GGUF file at path, whole or not
// at all.
func Convert(ctx context.Context, path, folder string, o gpt2.Options) (Pulled, error) {
	if o.Name == "" {
		o.Name = modelName(path)
	}
	if err := convertTo(ctx, path, folder, o); err != nil {
		return Pulled{}, err
	}
	return finished(ctx, modelName(path), path, "")
}

// ConvertNetwork converts the byte-level GRU or LSTM in a file to a GGUF file at
// path, as int8 or float32.
func ConvertNetwork(ctx context.Context, path, file string, quantise bool) (Pulled, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return Pulled{}, err
	}
	if err := convert.RNN(file, path, convert.WriteOptions{Quantise: quantise, Name: modelName(path)}); err != nil {
		return Pulled{}, err
	}
	return finished(ctx, modelName(path), path, "")
}

func convertTo(ctx context.Context, path, folder string, o gpt2.Options) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	w := bufio.NewWriterSize(tmp, 1<<20)
	if err := gpt2.Convert(ctx, io.Writer(w), folder, o); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		return err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

func finished(ctx context.Context, name, path, checked string) (Pulled, error) {
	st, err := os.Stat(path)
	if err != nil {
		return Pulled{}, err
	}
	digest, err := fileDigest(ctx, path)
	return Pulled{Name: name, Path: path, Digest: digest, Bytes: st.Size(), Checked: checked}, err
}

// lookUp turns what the user asks for into something to download.
func lookUp(what string) (Known, error) {
	for _, k := range known {
		if strings.EqualFold(k.Name, what) {
			return k, nil
		}
	}
	parts := strings.SplitN(what, "/", 3)
	switch {
	case len(parts) == 2:
		return Known{Name: strings.ToLower(parts[1]), Repo: what}, nil
	case len(parts) == 3 && strings.EqualFold(filepath.Ext(parts[2]), Extension):
		return Known{Name: modelName(parts[2]), Repo: parts[0] + "/" + parts[1], File: parts[2]}, nil
	}
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = k.Name
	}
	return Known{}, fmt.Errorf("no model %q is known by name (%s); others go by owner/repository/file.gguf", what, strings.Join(names, ", "))
}

// Remove deletes an installed model.
func (r *Registry) Remove(name string) (string, error) {
	if isBundled(name) {
		return "", fmt.Errorf("%s is part of the program", name)
	}
	if looksLikePath(name) {
		return "", fmt.Errorf("%s is a path: only models in %s are removed, by name", name, r.Dir)
	}
	path, err := r.find(name)
	if err != nil {
		return "", err
	}
	return path, os.Remove(path)
}
