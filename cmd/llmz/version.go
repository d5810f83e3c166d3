package main

import (
	"encoding/json"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/tui/text"
)

// version and revision are set by the linker where a release is built.
var version, revision string

// nextVersion is what builds of no release are called.
const nextVersion = "0.1.0-dev"

// untagged is the version of a module at a commit without a tag.
var untagged = regexp.MustCompile(`[-.]\d{14}-[0-9a-f]{12}(\+.*)?$`)

// versionOf returns the version of a build: the linker's, that of the tag that "go
// install" took, or the next one's.
func versionOf(linked, module string) string {
	switch {
	case linked != "":
		return linked
	case module == "" || module == "(devel)" || untagged.MatchString(module):
		return nextVersion
	}
	return strings.TrimPrefix(module, "v")
}

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
		Op: "version", Version: versionOf(version, ""), Revision: revision, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Kernel: models.Kernel(), Format: archive.Version, Numerics: models.Numerics,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Version = versionOf(version, info.Main.Version)
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
