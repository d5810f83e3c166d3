package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/lm/llama"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/tui/text"
)

// newRuntimeCommand builds "llmz runtime" and its subcommands.
func newRuntimeCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runtime",
		Short: "The llama.cpp libraries that GPT-2 and other GGUF models run in",
		Long: `GPT-2 and other language models run in llama.cpp, whose shared libraries are loaded
when such a model is used. The bundled models never need them.

LLMZ_LLAMA_LIB names a folder of libraries to use instead of the installed ones.`,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRuntimeStatus(a) },
	}
	cmd.AddCommand(newRuntimeStatusCommand(a), newRuntimeInstallCommand(a))
	return cmd
}

func newRuntimeStatusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "status",
		Short:             "Say which libraries are installed and what they can use here",
		Args:              noArgs,
		ValidArgsFunction: completeNothing,
		RunE:              func(cmd *cobra.Command, _ []string) error { return runRuntimeStatus(a) },
	}
}

func newRuntimeInstallCommand(a *app) *cobra.Command {
	var o llamacpp.InstallOptions
	var gpu string
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install the llama.cpp libraries",
		Long: `Install the llama.cpp libraries of the release that this program speaks, with the
npm client, and compare them with the digests in this program. With --from, take
them from a folder (Homebrew, a distribution's package, an own build) or a .tgz.`,
		Example:           "  llmz runtime install\n  llmz runtime install --gpu cuda\n  llmz runtime install --from /opt/homebrew",
		Args:              noArgs,
		ValidArgsFunction: completeNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.GPU, err = llamacpp.ParseGPU(gpu); err != nil {
				return usagef("--gpu: %v", err)
			}
			return runRuntimeInstall(cmd.Context(), a, o)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&gpu, "gpu", "", "with an accelerator: cuda, vulkan or metal")
	fs.StringVar(&o.From, "from", "", "a folder or .tgz that holds the libraries")
	fs.BoolVarP(&o.Force, "force", "f", false, "replace what is installed")
	return cmd
}

func runRuntimeInstall(ctx context.Context, a *app, o llamacpp.InstallOptions) error {
	o.Check = llama.CheckVersion
	o.Log = func(s string) {
		if !a.quiet {
			text.Fprintln(a.stderr, s)
		}
	}
	in, err := llamacpp.Install(ctx, o)
	if errors.Is(err, llamacpp.ErrInstalled) {
		if !a.quiet {
			text.Fprintln(a.stderr, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if a.json != jsonOff {
		return json.NewEncoder(a.out()).Encode(runtimeInfo(in))
	}
	return nil
}

// A runtimeObject is the JSON form of an installation.
type runtimeObject struct {
	Op       string           `json:"op"`
	Version  string           `json:"version"`
	Device   string           `json:"device"`
	Path     string           `json:"path"`
	Source   string           `json:"source,omitempty"`
	Pinned   bool             `json:"pinned"`
	Usable   bool             `json:"usable"`
	Problem  string           `json:"problem,omitempty"`
	Kernel   string           `json:"kernel,omitempty"`
	Variants []runtimeVariant `json:"variants,omitempty"`
	// Devices are the accelerators that it finds; DeviceProblem says why a backend
	// finds none.
	Devices       []runtimeDevice `json:"devices,omitempty"`
	DeviceProblem string          `json:"device_problem,omitempty"`
}

type runtimeVariant struct {
	Name   string `json:"name"`
	Usable bool   `json:"usable"`
}

type runtimeDevice struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	FreeBytes   int64  `json:"free_bytes"`
	TotalBytes  int64  `json:"total_bytes"`
}

// runtimeInfo looks at an installation: its files, its version, and what of it
// this machine can use.
func runtimeInfo(in *llamacpp.Installation) runtimeObject {
	o := runtimeObject{Op: "runtime", Version: llamacpp.Version, Device: in.GPU.String(), Path: in.Dir}
	if in.Manifest != nil {
		o.Source, o.Pinned = in.Manifest.Source, in.Manifest.Pinned
	}
	err := in.Check()
	if err == nil {
		err = llama.CheckVersion(in.Dir)
	}
	var variants []llama.Variant
	if err == nil {
		variants, err = llama.Variants(in.Dir)
	}
	var chosen llama.Variant
	if err == nil {
		chosen, err = llama.Choose(variants, "")
	}
	if err != nil {
		o.Problem = err.Error()
		return o
	}
	o.Usable, o.Kernel = true, chosen.Name
	for _, v := range variants {
		o.Variants = append(o.Variants, runtimeVariant{v.Name, v.Score > 0})
	}
	devices, problem := llama.Devices(in.Dir)
	for _, d := range devices {
		o.Devices = append(o.Devices, runtimeDevice{d.Name, d.Description, d.Free, d.Total})
	}
	switch {
	case problem != nil:
		o.DeviceProblem = problem.Error()
	case len(devices) == 0 && in.GPU != llamacpp.CPU && !in.FromEnv:
		o.DeviceProblem = "it holds no libraries for one"
	}
	return o
}

// missingRuntime is the reason why there is no runtime.
func missingRuntime() error {
	_, err := llamacpp.Locate(llamacpp.CPU)
	return err
}

// runRuntimeStatus prints what is installed. Nothing being installed is an
// answer, not a failure.
func runRuntimeStatus(a *app) error {
	installed := llamacpp.Installed()
	if a.json != jsonOff {
		enc := json.NewEncoder(a.out())
		for _, in := range installed {
			if err := enc.Encode(runtimeInfo(in)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(installed) == 0 {
		text.Fprintln(a.out(), missingRuntime())
		return nil
	}
	for i, in := range installed {
		if i > 0 {
			text.Fprintln(a.out())
		}
		if err := printRuntime(a.out(), runtimeInfo(in)); err != nil {
			return err
		}
	}
	return nil
}

func printRuntime(to io.Writer, o runtimeObject) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	text.Fprintf(w, "Runtime:\tllama.cpp %s (%s)\n", o.Version, o.Device)
	text.Fprintf(w, "Path:\t%s\n", o.Path)
	if o.Source != "" {
		pinned := "its digest is not pinned"
		if o.Pinned {
			pinned = "digest as pinned"
		}
		text.Fprintf(w, "From:\t%s (%s)\n", o.Source, pinned)
	}
	if o.Problem != "" {
		text.Fprintf(w, "Problem:\t%s\n", o.Problem)
		return w.Flush()
	}
	var usable, others []string
	for _, v := range o.Variants {
		if v.Usable {
			usable = append(usable, v.Name)
		} else {
			others = append(others, v.Name)
		}
	}
	text.Fprintf(w, "Kernels:\t%s; by default %s\n", strings.Join(usable, ", "), o.Kernel)
	if len(others) > 0 {
		text.Fprintf(w, "Not for this CPU:\t%s\n", strings.Join(others, ", "))
	}
	for _, d := range o.Devices {
		text.Fprintf(w, "Device:\t%s, %s, %s, %s of it free\n", d.Name, d.Description, text.Bytes(d.TotalBytes), text.Bytes(d.FreeBytes))
	}
	if o.DeviceProblem != "" {
		text.Fprintf(w, "No device:\t%s\n", o.DeviceProblem)
	}
	return w.Flush()
}
