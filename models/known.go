package models

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
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

// KnownNames returns their names.
func KnownNames() []string {
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = k.Name
	}
	return names
}

// ErrUnknown means that a name is not one that can be pulled.
var ErrUnknown = errors.New("is no model that can be pulled")

// splitPart is how the parts of a model in several files are called.
var splitPart = regexp.MustCompile(`-\d{5}-of-(\d{5})\.gguf$`)

// lookUp turns what the user asks for into something to download.
func lookUp(what string) (Known, error) {
	for _, k := range known {
		if strings.EqualFold(k.Name, what) {
			return k, nil
		}
	}
	if isBundled(what) {
		return Known{}, fmt.Errorf("%s is part of the program: there is nothing to pull", what)
	}
	parts := strings.SplitN(what, "/", 3)
	switch {
	case len(parts) == 2 && parts[0] != "" && parts[1] != "":
		return Known{Name: strings.ToLower(parts[1]), Repo: what}, nil
	case len(parts) == 3 && strings.EqualFold(filepath.Ext(parts[2]), Extension):
		if m := splitPart.FindStringSubmatch(strings.ToLower(parts[2])); m != nil && m[1] != "00001" {
			return Known{}, fmt.Errorf("%s: %w", parts[2], errSplit)
		}
		return Known{Name: modelName(parts[2]), Repo: parts[0] + "/" + parts[1], File: parts[2]}, nil
	}
	return Known{}, fmt.Errorf("%q %w: it is neither %s nor OWNER/REPOSITORY nor OWNER/REPOSITORY/FILE%s",
		what, ErrUnknown, strings.Join(KnownNames(), ", "), Extension)
}

// errSplit is about a model in several files. Its archives could name one of them
// only.
var errSplit = errors.New("it is one part of a model in several files: " +
	"llmz runs models of one file, whose digest stands for all of it. Choose a file in one piece, or make one of the parts with llama.cpp's \"llama-gguf-split --merge\"")

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
