package main

import (
	"encoding/json"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/tui/text"
)

// version is the release; the Makefile and the linker may set another.
var version = "0.1.0-dev"

// A versionObject is the JSON form of the version.
type versionObject struct {
	Op       string `json:"op"`
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Kernel   string `json:"kernel"`
	Format   int    `json:"format"`
	Numerics int    `json:"numerics"`
}

func currentVersion() versionObject {
	v := versionObject{
		Op: "version", Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Kernel: models.Kernel(), Format: archive.Version, Numerics: models.Numerics,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// newVersionCommand builds "llmz version".
func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Print the version; with -v the build, kernels and formats",
		Args:              noArgs,
		ValidArgsFunction: completeNothing,
		RunE:              func(*cobra.Command, []string) error { return a.printVersion() },
	}
}

// printVersion prints the version, and with -v more of it.
func (a *app) printVersion() error {
	v := currentVersion()
	if a.json != jsonOff {
		return json.NewEncoder(a.out()).Encode(v)
	}
	text.Fprintln(a.out(), "llmz", v.Version)
	if !a.verbose {
		return nil
	}
	if v.Revision != "" {
		modified := ""
		if v.Modified {
			modified = " (modified)"
		}
		text.Fprintf(a.out(), "revision   %s%s\n", v.Revision, modified)
	}
	text.Fprintf(a.out(), "go         %s %s\n", v.Go, v.Platform)
	text.Fprintf(a.out(), "kernel     %s\n", v.Kernel)
	text.Fprintf(a.out(), "format     %d (archives), %d (numerics of bundled models)\n", v.Format, v.Numerics)
	return nil
}
