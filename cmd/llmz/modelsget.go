package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/models/convert/hf"
	"github.com/llmz/llmz/models/hub"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/progress"
	"github.com/llmz/llmz/tui/text"
)

func newModelsPullCommand(a *app) *cobra.Command {
	var typ string
	var force bool
	cmd := &cobra.Command{
		Use:   "pull NAME|OWNER/REPO[/FILE.gguf]...",
		Short: "Download models from the Hugging Face hub",
		Long:  "Download models from the Hugging Face hub. A download that broke off goes on where it\nstopped. HF_ENDPOINT names another hub, HF_TOKEN a token for files that need one.\n\nKnown by name:\n" + knownModels(),
		Example: "  llmz models pull gpt2\n" +
			"  llmz models pull --type f16 distilgpt2\n" +
			"  llmz models pull Qwen/Qwen2.5-0.5B-Instruct-GGUF/qwen2.5-0.5b-instruct-q8_0.gguf",
		Args: minArgs(1, "a NAME or OWNER/REPO"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return models.KnownNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := hf.ParseType(typ)
			if err != nil {
				return usagef("--type: %v", err)
			}
			return a.each(cmd.Context(), args, func(_ int, what string) error {
				if name := closest(what, models.KnownNames()); name != "" && name != what && !strings.Contains(what, "/") && !strings.EqualFold(what, name) {
					return withHint(fmt.Errorf("%q %w", what, models.ErrUnknown), fmt.Sprintf(`did you mean "llmz models pull %s"?`, name))
				}
				return runModelsPull(cmd.Context(), a, models.PullOptions{What: what, Type: t, Force: force})
			})
		},
	}
	cmd.Flags().StringVar(&typ, "type", "q8_0", "type of converted weights: q8_0, f16 or f32")
	cmd.Flags().BoolVarP(&force, "force", "f", false, "replace a model of that name")
	return cmd
}

func knownModels() string {
	var b strings.Builder
	for _, k := range models.KnownModels() {
		text.Fprintf(&b, "  %-14s %s; %s, about %d MB\n", k.Name, k.About, k.Licence, k.MB)
	}
	return b.String()
}

func runModelsPull(ctx context.Context, a *app, o models.PullOptions) error {
	if a.wantTUI() {
		var p models.Pulled
		err := a.watch(ctx, "pull", o.What, -1, func(ctx context.Context, f *progress.File) (engine.Result, error) {
			var err error
			p, err = a.models.Pull(ctx, watchedPull(ctx, o, f.Tracker))
			f.SetOutput(p.Path)
			return engine.Result{}, err
		})
		return a.pulled(p, err)
	}
	var last time.Time
	began, at := time.Now(), int64(0)
	o.Progress = func(f hub.File, done, total int64) {
		now := time.Now()
		if last.IsZero() {
			began, at, last = now, done, now
		}
		if a.quiet || a.json != jsonOff || now.Sub(last) < plainInterval {
			return
		}
		last = now
		text.Fprintf(a.stderr, "%s: %s\n", f.Path, downloaded(done, total, float64(done-at)/now.Sub(began).Seconds()))
	}
	o.Retrying = func(r hub.Retry) { a.warn(errors.New(retrying(r))) }
	o.Waiting = func(name string) { a.warn(errors.New(waitingForPull(name))) }
	p, err := a.models.Pull(ctx, o)
	return a.pulled(p, err)
}

// retrying says that a download is tried again.
func retrying(r hub.Retry) string {
	return fmt.Sprintf("%s: %v; trying again in %v", r.File.Path, r.Err, r.Wait.Round(100*time.Millisecond))
}

func waitingForPull(name string) string {
	return fmt.Sprintf("another llmz is pulling %s: waiting for it", name)
}

// downloaded says how far a download is; total is -1 where it is not known.
func downloaded(done, total int64, speed float64) string {
	if total <= 0 {
		return text.Bytes(done) + ", " + text.Rate(speed)
	}
	return fmt.Sprintf("%.0f%% of %s, %s", 100*float64(done)/float64(total), text.Bytes(total), text.Rate(speed))
}

// watchedPull tells a job how far a download, and then a conversion, is, and holds
// both while the job is paused.
func watchedPull(ctx context.Context, o models.PullOptions, j *feed.Tracker) models.PullOptions {
	o.Progress = func(f hub.File, done, total int64) {
		j.Download(f.Path, done, total)
		_ = j.Gate().Wait(ctx) // the download looks at ctx itself
	}
	o.Converting = func(done, total int) {
		j.Convert(done, total)
		_ = j.Gate().Wait(ctx)
	}
	o.Retrying = func(r hub.Retry) { j.Observe(engine.Warning{Message: retrying(r)}) }
	o.Waiting = func(name string) { j.Observe(engine.Warning{Message: waitingForPull(name)}) }
	return o
}

// pullError adds to what went wrong with a download what to do about it.
func pullError(err error) error {
	switch {
	case errors.Is(err, hub.ErrUnreachable):
		return withHint(err, "is there a network? HF_ENDPOINT names another hub (a mirror), HTTPS_PROXY a proxy; what came so far is kept")
	case errors.Is(err, models.ErrUnknown):
		return withHint(err, `"llmz models pull --help" lists the models known by name`)
	case errors.Is(err, hub.ErrIncomplete):
		return withHint(err, "what came so far is kept: pull it again to go on from there")
	case errors.Is(err, hub.ErrDigest):
		return withHint(err, "what came was thrown away: pull it again, or from another hub with HF_ENDPOINT")
	case errors.Is(err, models.ErrExists):
		return withHint(err, "-f replaces it")
	case errors.Is(err, hub.ErrNotFound):
		return withHint(err, `"llmz models pull --help" lists the models known by name`)
	}
	return err
}

// pulled says what a download brought.
func (a *app) pulled(p models.Pulled, err error) error {
	if err != nil {
		return pullError(err)
	}
	if p.Checked == "" && !a.quiet {
		a.warn(fmt.Errorf("no digest of %s was known beforehand; this is the one to compare with: %x", p.Name, p.Digest))
	}
	return a.printPulled(p, "pull")
}

func (a *app) printPulled(p models.Pulled, op string) error {
	if a.json != jsonOff {
		return json.NewEncoder(a.out()).Encode(map[string]any{
			"op": op, "name": p.Name, "path": p.Path, "sha256": fmt.Sprintf("%x", p.Digest), "bytes": p.Bytes,
		})
	}
	if !a.quiet && p.Bytes > 0 {
		text.Fprintf(a.stderr, "%s: %s, SHA-256 %x\n", p.Path, text.Bytes(p.Bytes), p.Digest)
	}
	return nil
}

func newModelsConvertCommand(a *app) *cobra.Command {
	var typ, output string
	var force bool
	cmd := &cobra.Command{
		Use:   "convert FOLDER|FILE",
		Short: "Turn weights of other programs into a GGUF file",
		Long: `Turn weights into a GGUF file: a Hugging Face folder, or a file with a byte-level GRU
or LSTM (a PyTorch state dict, safetensors or GGUF). Folders may hold GPT-2's
architecture, Llama's (SmolLM2, TinyLlama, Llama 2) or Qwen2's, by model_type in
config.json: gpt2, llama or qwen2. Their weights are in model.safetensors or
pytorch_model.bin, whole or in shards with their index; the vocabulary is in
tokenizer.json, of GPT-2 also in vocab.json and merges.txt. Nothing in a file is
executed. The same input gives the same bytes on every machine. Without -o the model is
installed under the input's name.`,
		Example: "  llmz models convert --type f16 gpt2-folder\n  llmz models convert -o smollm2.gguf SmolLM2-135M\n  llmz models convert -o my.gguf gru.pt",
		Args:    exactArgs(1, "one FOLDER or FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, path := args[0], output
			info, err := os.Stat(from)
			if err != nil {
				return err
			}
			if path == "" {
				abs, err := filepath.Abs(from)
				if err != nil {
					return err
				}
				name := filepath.Base(abs)
				if !info.IsDir() {
					name = strings.TrimSuffix(name, filepath.Ext(name))
				}
				path = filepath.Join(a.models.Dir, name+models.Extension)
			}
			if to, err := os.Stat(path); err == nil {
				if os.SameFile(info, to) {
					return usagef("%s cannot be converted to itself", from)
				}
				if !force {
					return withHint(fmt.Errorf("%s exists", path), "-f replaces it")
				}
			}
			var p models.Pulled
			if info.IsDir() {
				p, err = convertFolder(cmd.Context(), a, from, path, typ)
			} else {
				p, err = convertNetwork(cmd.Context(), from, path, typ, cmd.Flags().Changed("type"))
			}
			if err != nil {
				return err
			}
			return a.printPulled(p, "convert")
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&typ, "type", "q8_0", "type of the weights: q8_0, f16 or f32; of a GRU or LSTM: i8 (default) or f32")
	fs.StringVarP(&output, "output", "o", "", "the file to write")
	fs.BoolVarP(&force, "force", "f", false, "overwrite")
	return cmd
}

func convertFolder(ctx context.Context, a *app, from, path, typ string) (models.Pulled, error) {
	t, err := hf.ParseType(typ)
	if err != nil {
		return models.Pulled{}, usagef("--type: %v", err)
	}
	var p models.Pulled
	err = a.watch(ctx, "convert", from, -1, func(ctx context.Context, f *progress.File) (engine.Result, error) {
		o := hf.Options{Type: t}
		if f != nil {
			o.Progress = func(done, total int) {
				f.Convert(done, total)
				_ = f.Gate().Wait(ctx) // the conversion looks at ctx itself
			}
			f.SetOutput(path)
		}
		var err error
		p, err = models.Convert(ctx, path, from, o)
		return engine.Result{}, err
	})
	return p, err
}

func convertNetwork(ctx context.Context, from, path, typ string, typeGiven bool) (models.Pulled, error) {
	if typeGiven && typ != "i8" && typ != "f32" {
		return models.Pulled{}, usagef("--type %s: the weights of a GRU or LSTM are i8 or f32", typ)
	}
	return models.ConvertNetwork(ctx, path, from, typ != "f32")
}

func newModelsRemoveCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rm NAME...",
		Short: "Remove installed models",
		Long:  "Remove installed models. Archives made with them decode again once they are back.",
		Args:  minArgs(1, "a model's NAME"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return a.models.Installed(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.each(cmd.Context(), args, func(_ int, name string) error {
				path, err := a.models.Remove(name)
				if err == nil && !a.quiet {
					text.Fprintln(a.stderr, "removed "+path)
				}
				return err
			})
		},
	}
}
