package llamacpp

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/predict"
)

// EnvLib names the environment variable that points at a folder of libraries
// and overrides the cache.
const EnvLib = "LLMZ_LLAMA_LIB"

const manifestName = "llmz-runtime.json"

// A Manifest says where the libraries in a folder came from.
type Manifest struct {
	Version string `json:"version"`
	GPU     GPU    `json:"gpu,omitempty"`
	// Source is what was unpacked: npm package names or a path.
	Source string `json:"source"`
	// Integrity holds the tarballs' digests, in Source's order.
	Integrity []string `json:"integrity,omitempty"`
	// Pinned is true when every digest was compared with one in the program.
	Pinned bool `json:"pinned"`
	// Files maps each library to its SHA-256 in hexadecimal.
	Files map[string]string `json:"files"`
}

// An Installation is a folder that holds the libraries.
type Installation struct {
	Dir string
	GPU GPU
	// FromEnv is true when the folder was named by EnvLib.
	FromEnv  bool
	Manifest *Manifest // nil for a folder that Install did not make
}

// envData names the environment variable that points at the folder in which llmz is
// to keep everything. Without it libraries, which can be had again, are in the cache.
const envData = "LLMZ_DATA_DIR"

// roots returns the folders that may hold installations of Version, whether they
// exist or not. New ones go to the first.
func roots() ([]string, error) {
	version := "llama.cpp-" + Version
	var all []string
	if dir := os.Getenv(envData); dir != "" {
		all = append(all, filepath.Join(dir, "runtime", version))
	}
	cache, err := os.UserCacheDir()
	switch {
	case err == nil:
		all = append(all, filepath.Join(cache, "llmz", "runtime", version))
	case len(all) == 0:
		return nil, fmt.Errorf("find the user's cache folder: %w", err)
	}
	return all, nil
}

// Root returns the folder that new installations of Version go to, whether it exists
// or not.
func Root() (string, error) {
	all, err := roots()
	if err != nil {
		return "", err
	}
	return all[0], nil
}

// dirFor returns the folder of a build: the first that holds all of it, else the one
// that it would be installed to.
func dirFor(gpu GPU) (string, error) {
	all, err := roots()
	if err != nil {
		return "", err
	}
	platform := runtime.GOOS + "-" + runtime.GOARCH + "-" + gpu.String()
	for _, root := range all {
		if dir := filepath.Join(root, platform); len(missingLibraries(dir)) == 0 {
			return dir, nil
		}
	}
	return filepath.Join(all[0], platform), nil
}

// InstallCommand is the command line that installs a build.
func InstallCommand(gpu GPU) string {
	if gpu == CPU {
		return "llmz runtime install"
	}
	return "llmz runtime install --gpu " + string(gpu)
}

// Locate returns the installation of a build. Where there is none the error
// wraps predict.ErrRuntimeMissing and names the command to run.
func Locate(gpu GPU) (*Installation, error) {
	if !Supported() {
		return nil, fmt.Errorf("%w: llama.cpp cannot be loaded on %s/%s; the bundled models need no runtime", predict.ErrRuntimeMissing, runtime.GOOS, runtime.GOARCH)
	}
	if dir := os.Getenv(EnvLib); dir != "" {
		if missing := missingLibraries(dir); len(missing) > 0 {
			return nil, &missingError{gpu, fmt.Sprintf("%s=%s holds no %s", EnvLib, dir, strings.Join(missing, ", "))}
		}
		m, _ := readManifest(dir)
		return &Installation{Dir: dir, GPU: gpu, FromEnv: true, Manifest: m}, nil
	}
	dir, err := dirFor(gpu)
	if err != nil {
		return nil, err
	}
	missing := missingLibraries(dir)
	if len(missing) == 0 {
		m, err := readManifest(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		return &Installation{Dir: dir, GPU: gpu, Manifest: m}, nil
	}
	return nil, &missingError{gpu, fmt.Sprintf("llama.cpp %s (%s); run: %s", Version, gpu, InstallCommand(gpu))}
}

// A missingError says that a build is not there.
type missingError struct {
	gpu  GPU
	text string
}

func (e *missingError) Error() string {
	return fmt.Sprintf("%v: %s", predict.ErrRuntimeMissing, e.text)
}

// Unwrap returns predict.ErrRuntimeMissing.
func (e *missingError) Unwrap() error { return predict.ErrRuntimeMissing }

// Hint returns the command that installs this build, not just any.
func (e *missingError) Hint() string {
	return fmt.Sprintf("install the llama.cpp libraries with %q", InstallCommand(e.gpu))
}

// Installed returns every installation there is, the one of EnvLib first.
func Installed() []*Installation {
	var all []*Installation
	for _, g := range []GPU{CPU, CUDA, Vulkan, Metal} {
		if in, err := Locate(g); err == nil {
			all = append(all, in)
			if in.FromEnv {
				break
			}
		}
	}
	return all
}

// LibraryFile returns the file name of a library on this system: "llama" is
// libllama.so, libllama.dylib or llama.dll.
func LibraryFile(name string) string {
	switch runtime.GOOS {
	case "windows":
		return name + ".dll"
	case "darwin":
		return "lib" + name + ".dylib"
	}
	return "lib" + name + ".so"
}

func missingLibraries(dir string) []string {
	var missing []string
	for _, n := range []string{"ggml-base", "ggml", "llama"} {
		if st, err := os.Stat(filepath.Join(dir, LibraryFile(n))); err != nil || !st.Mode().IsRegular() {
			missing = append(missing, LibraryFile(n))
		}
	}
	return missing
}

func readManifest(dir string) (*Manifest, error) {
	b, err := ctxio.ReadRegular(filepath.Join(dir, manifestName), 16<<20)
	if err != nil {
		return nil, err
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, manifestName), err)
	}
	return &m, nil
}
