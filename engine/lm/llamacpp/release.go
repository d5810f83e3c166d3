// Package llamacpp finds, checks and installs the shared libraries of
// llama.cpp. It loads none of them: package llama does.
//
// One release of llama.cpp goes with one release of llmz: the binding speaks
// its structures and no others, and archives record it. Libraries live in one
// folder per release and build in the user's cache.
package llamacpp

import (
	"fmt"
	"runtime"
)

const (
	// Version is the llama.cpp release that this program speaks.
	Version = "v0.5.0"
	// npmVersion is the release of the npm packages @node-llama-cpp/… that carry
	// prebuilt libraries of Version.
	npmVersion = "3.22.1"
	npmScope   = "@node-llama-cpp/"
)

// A GPU names a build with an accelerator; the empty one is the plain CPU build.
type GPU string

// The builds that exist.
const (
	CPU    GPU = ""
	CUDA   GPU = "cuda"
	Vulkan GPU = "vulkan"
	Metal  GPU = "metal"
)

// ParseGPU reads a device's name; "cpu" and "" are the plain build.
func ParseGPU(s string) (GPU, error) {
	switch g := GPU(s); g {
	case CUDA, Vulkan, Metal, CPU:
		return g, nil
	case "cpu":
		return CPU, nil
	}
	return "", fmt.Errorf("unknown device %q: cpu, cuda, vulkan or metal", s)
}

// String returns the name as ParseGPU reads it, "cpu" for the plain build.
func (g GPU) String() string {
	if g == CPU {
		return "cpu"
	}
	return string(g)
}

// A Package is an npm package with libraries for one platform.
type Package struct {
	// Name is the npm package's name, its scope included.
	Name string
	// Integrity is the tarball's digest as npm writes it ("sha512-" and base64). It is
	// empty for the packages whose digest is not pinned here; npm's own check against
	// the registry's metadata stands alone then.
	Integrity string
}

// Spec returns the package as npm's command line names it, version included.
func (p Package) Spec() string { return p.Name + "@" + npmVersion }

type platform struct {
	os, arch string
	gpu      GPU
}

// packages lists the tarballs that make up each build. The CUDA build comes in
// two parts that share a folder: the second is its fallback for CUDA 12.
var packages = map[platform][]Package{
	{"linux", "amd64", CPU}: {{npmScope + "linux-x64", "sha512-5uCCDNqWCNfaAm8aR/Uzxbo4HBpKgNF91kCHPepKhgMgV2OAmatoefbOlMihsqCiH2Od35E/eUHQCFbfRBJuOg=="}},
	{"linux", "amd64", CUDA}: {
		{npmScope + "linux-x64-cuda", "sha512-8rQCjyNNLZJUFit+YpjwlC4hwkKgOMIkB2wuycKBf8NU2O3ySKbiWZQ8aw9ku2nUTXjSnUIrE6KB88itduTBuA=="},
		{npmScope + "linux-x64-cuda-ext", "sha512-4e5ajkiM2aR2WAdB/N/ACk4weEhHvOAIrzxZPsIX0xDFW5+6hhShuy1/vs88SK9NGdgAco9IyE28eYS0H1efpA=="},
	},
	{"linux", "amd64", Vulkan}: {{npmScope + "linux-x64-vulkan", "sha512-bBxqU+JOcBu1nb5Qj2zcMci+JByT1E8EajHvYodyNfVIPkEhXh+/HMwR1/BT7xP08YK0hks+kM8fglER0P8JEg=="}},
	{"linux", "arm64", CPU}:    {{npmScope + "linux-arm64", "sha512-W+7naKCXX9/eEjjFmRS8vvx91QyLXDbeFxexZc3bh/PtQABZgmRL3C0AtYYXn4YGTj/3Qor4lWZn2tpjZFPLdQ=="}},

	{"darwin", "arm64", CPU}:     {{Name: npmScope + "mac-arm64-metal"}},
	{"darwin", "arm64", Metal}:   {{Name: npmScope + "mac-arm64-metal"}},
	{"darwin", "amd64", CPU}:     {{Name: npmScope + "mac-x64"}},
	{"windows", "amd64", CPU}:    {{Name: npmScope + "win-x64"}},
	{"windows", "amd64", CUDA}:   {{Name: npmScope + "win-x64-cuda"}, {Name: npmScope + "win-x64-cuda-ext"}},
	{"windows", "amd64", Vulkan}: {{Name: npmScope + "win-x64-vulkan"}},
}

// Packages returns the npm packages of a build for this machine, none where
// nobody publishes one.
func Packages(gpu GPU) []Package {
	return packages[platform{runtime.GOOS, runtime.GOARCH, gpu}]
}

// Supported reports whether the program can load shared libraries on this kind
// of machine at all.
func Supported() bool {
	switch runtime.GOOS + "/" + runtime.GOARCH {
	case "linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64":
		return true
	}
	return false
}
