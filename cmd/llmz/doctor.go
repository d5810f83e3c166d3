package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/tui/text"
)

// newDoctorCommand builds "llmz doctor".
func newDoctorCommand(a *app) *cobra.Command {
	var model string
	cmd := &cobra.Command{
		Use:   "doctor [FILE...]",
		Short: "Say whether this machine can decode archives, and what would help",
		Long: `Say whether this machine can decode archives: the model, the runtime and the device,
and whether they compute here what they did where the archive was made, by its
stored probe. That takes seconds, however long the archive. Without FILE: what this
machine has.`,
		ValidArgsFunction: completeArchives,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return runDoctorMachine(cmd.Context(), a)
			}
			if err := a.prefer(model); err != nil {
				return err
			}
			return a.each(cmd.Context(), args, func(_ int, f string) error {
				if err := runDoctorFile(cmd.Context(), a, f); err != nil {
					return &reportedError{exitCode(err)}
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVarP(&model, "model", "m", "", "where else to look for the archive's model")
	return cmd
}

// A doctorObject is the JSON form of a diagnosis.
type doctorObject struct {
	Op        string            `json:"op"`
	File      string            `json:"file"`
	Decodable bool              `json:"decodable"`
	Model     string            `json:"model"`
	Runtime   map[string]string `json:"runtime,omitempty"`
	// Probe is "passed", "failed", "not run" where a model or runtime was wanting, or
	// "none" where the archive has none.
	Probe   string `json:"probe"`
	Problem string `json:"problem,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

func runDoctorFile(ctx context.Context, a *app, file string) error {
	d, err := diagnose(ctx, a, file)
	if err != nil {
		d.Problem, d.Hint = err.Error(), hintFor(err)
	}
	d.Decodable = err == nil
	if a.json != jsonOff {
		if e := json.NewEncoder(a.out()).Encode(d); e != nil {
			return e
		}
		return err
	}
	w := tabwriter.NewWriter(a.out(), 0, 0, 2, ' ', 0)
	text.Fprintf(w, "File:\t%s\n", filejob.DisplayName(d.File))
	if d.Model != "" {
		text.Fprintf(w, "Model:\t%s\n", d.Model)
	}
	for _, k := range sortedKeys(d.Runtime) {
		text.Fprintf(w, "  %s:\t%s\n", k, d.Runtime[k])
	}
	text.Fprintf(w, "Probe:\t%s\n", d.Probe)
	if err == nil {
		text.Fprintf(w, "This machine:\tcan decode it\n")
	} else {
		text.Fprintf(w, "This machine:\tcannot decode it: %v\n", err)
		if d.Hint != "" {
			text.Fprintf(w, "What helps:\t%s\n", d.Hint)
		}
	}
	w.Flush()
	return err
}

// diagnose finds the archive's models, then decodes its first block until the
// probe was compared.
func diagnose(ctx context.Context, a *app, file string) (doctorObject, error) {
	d := doctorObject{Op: "doctor", File: file, Probe: "none"}
	var names []string
	seen := map[string]bool{}
	probes := 0 // the most steps of a probe
	err := walkArchive(ctx, file, func(m *archive.Member) error {
		ref, ok := engine.ModelRef(m.Header)
		if !ok {
			return nil
		}
		for i := range m.Blocks {
			probes = max(probes, m.Blocks[i].Block.ProbeSteps)
		}
		name := fmt.Sprintf("%s (SHA-256 %s)", ref.Name, shortDigest(ref.Digest))
		key := fmt.Sprintf("%s %x %q", name, ref.Digest, ref.Runtime)
		if seen[key] {
			return nil
		}
		seen[key] = true
		names = append(names, name)
		if d.Runtime == nil {
			d.Runtime = ref.Runtime
		}
		model, err := a.models.Resolve(ctx, ref)
		if err != nil {
			return &unresolved{err}
		}
		return model.Close()
	})
	var missing *unresolved
	if errors.As(err, &missing) {
		err = missing.err
		d.Probe = "not run"
	}
	if err != nil {
		d.Model = strings.Join(names, ", ")
		return d, err
	}
	d.Model = strings.Join(names, ", ")
	if len(names) == 0 || probes == 0 {
		return d, nil
	}
	err = probe(ctx, a, file, probes)
	var mismatch *engine.MismatchError
	switch {
	case err == nil:
		d.Probe = "passed"
	case errors.As(err, &mismatch) && mismatch.Probed:
		d.Probe = "failed"
	default:
		d.Probe = "not run"
	}
	return d, err
}

// unresolved is an error about a model, not about the archive that names it.
type unresolved struct{ err error }

func (e *unresolved) Error() string { return e.err.Error() }
func (e *unresolved) Unwrap() error { return e.err }

// errProbed stops decoding once the probe is behind.
var errProbed = errors.New("the probe was compared")

// probe decodes the start of the first block that has a probe, which is of at
// most so many steps.
func probe(ctx context.Context, a *app, file string, steps int) error {
	f, err := ctxio.OpenRegular(file)
	if err != nil {
		return err
	}
	defer f.Close()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	lanes := archive.MaxLanes
	_, err = engine.Decompress(ctx, io.Discard, f, engine.ReadOptions{
		Models: a.models, ProgressInterval: 1,
		Observer: func(e engine.Event) {
			switch e := e.(type) {
			case engine.Started:
				lanes = max(e.Lanes, 1)
			case engine.Progress:
				if e.Symbols > int64(lanes)*int64(steps) {
					stop(errProbed)
				}
			case engine.BlockDone:
				if !e.Stored {
					stop(errProbed)
				}
			}
		},
	})
	if errors.Is(context.Cause(ctx), errProbed) {
		var mismatch *engine.MismatchError
		if !errors.As(err, &mismatch) {
			return nil
		}
	}
	return err
}

// runDoctorMachine says what this machine has.
func runDoctorMachine(ctx context.Context, a *app) error {
	list, err := a.models.List(ctx)
	if err != nil {
		return err
	}
	installed := llamacpp.Installed()
	if a.json != jsonOff {
		enc := json.NewEncoder(a.out())
		for _, in := range installed {
			if err := enc.Encode(runtimeInfo(in)); err != nil {
				return err
			}
		}
		for _, e := range list {
			if err := enc.Encode(newModelObject(e, "model")); err != nil {
				return err
			}
		}
		return nil
	}
	text.Fprintf(a.out(), "Machine:  %s/%s, %d cores\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	text.Fprintln(a.out(), "Bundled models decode their archives on every machine.")
	if len(installed) == 0 {
		err := missingRuntime()
		if errors.Is(err, predict.ErrRuntimeMissing) {
			text.Fprintf(a.out(), "Others:   %v\n", err)
		}
	}
	for _, in := range installed {
		if err := printRuntime(a.out(), runtimeInfo(in)); err != nil {
			return err
		}
	}
	for _, e := range list {
		if e.Problem != nil {
			text.Fprintf(a.out(), "Model:    %s cannot be used: %v\n", e.Name, e.Problem)
			continue
		}
		where := "bundled"
		if !e.Bundled {
			where = e.Path
		}
		text.Fprintf(a.out(), "Model:    %s, %s\n", e.Name, where)
	}
	return nil
}
