//go:build !nollama && ((linux && (amd64 || arm64)) || (darwin && (amd64 || arm64)) || (windows && amd64))

package llama

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
	yzma "github.com/hybridgroup/yzma/pkg/llama"
	"github.com/hybridgroup/yzma/pkg/loader"
	"github.com/jupiterrider/ffi"

	"github.com/llmz/llmz/engine/lm/llama/ffiguard"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/predict"
)

// Available reports whether this program was built with the binding.
const Available = true

// The binding fills process-wide tables, and ggml keeps process-wide lists of
// backends, so there is one library per process.
var (
	mu     sync.Mutex
	loaded *Library
	users  int // open models
)

// A Library is the loaded llama.cpp.
type Library struct {
	Dir     string
	Version string
	// Variant names the CPU kernels in use, see Variants; CPUDigest is the start of
	// the SHA-256 of the file they are in.
	Variant, CPUDigest string

	ggml loader.Lib
	cpu  yzma.GGMLBackendReg
	// backendLoad is ggml_backend_load(path), which registers one backend.
	backendLoad ffi.Fun
}

// Load loads the libraries in dir, or returns those that are loaded, with the
// given CPU variant: a name from Variants, "" for DefaultVariant or "native" for the
// fastest. The libraries must be of llamacpp.Version; of others nothing but
// their version is asked.
func Load(dir, variant string) (*Library, error) {
	mu.Lock()
	defer mu.Unlock()
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if loaded == nil {
		l, err := open(abs)
		if err != nil {
			return nil, err
		}
		loaded = l
	} else if loaded.Dir != abs {
		return nil, fmt.Errorf("llama.cpp is loaded from %s already; a second copy from %s needs another process", loaded.Dir, abs)
	}
	if err := loaded.use(variant); err != nil {
		return nil, err
	}
	return loaded, nil
}

func open(dir string) (*Library, error) {
	if err := CheckVersion(dir); err != nil {
		return nil, err
	}
	if err := yzma.Load(dir); err != nil {
		return nil, fmt.Errorf("%w: load llama.cpp from %s: %v", predict.ErrMismatch, dir, err)
	}
	if err := checkLayout(dir); err != nil {
		return nil, err
	}
	l := &Library{Dir: dir, Version: llamacpp.Version}
	var err error
	if l.ggml, err = loader.LoadLibrary(dir, "ggml"); err != nil {
		return nil, err
	}
	if l.backendLoad, err = l.ggml.Prep("ggml_backend_load", &ffi.TypePointer, &ffi.TypePointer); err != nil {
		return nil, fmt.Errorf("%w: %v", predict.ErrMismatch, err)
	}
	yzma.LogSet(logCallback())
	yzma.BackendInit()
	return l, nil
}

// logCallback keeps the errors that the library logs, and drops all else.
var logCallback = sync.OnceValue(func() uintptr {
	return purego.NewCallback(func(level int32, text *byte, _ uintptr) uintptr {
		if level == int32(yzma.LogLevelError) && text != nil {
			said.add(strings.TrimSpace(goString(text)))
		}
		return 0
	})
})

// CheckVersion opens the libraries in dir and asks them for their version. Other
// versions than llamacpp.Version are refused with an error that wraps
// predict.ErrMismatch.
func CheckVersion(dir string) error {
	if ffiguard.Missing {
		return fmt.Errorf("%w: libffi.so.8, through which llama.cpp is called, is not on this machine: install your distribution's libffi8 (libffi)", predict.ErrRuntimeMissing)
	}
	// libllama finds its siblings by name or run path; on systems without run
	// paths they must be in the process first.
	for _, n := range []string{"ggml-base", "ggml"} {
		lib, err := loader.LoadLibrary(dir, n)
		if err != nil {
			return fmt.Errorf("%w: %s cannot be loaded: %v", predict.ErrRuntimeMissing, filepath.Join(dir, llamacpp.LibraryFile(n)), err)
		}
		if n == "ggml-base" {
			listen(lib)
		}
	}
	lib, err := loader.LoadLibrary(dir, "llama")
	if err != nil {
		return fmt.Errorf("%w: %s cannot be loaded: %v", predict.ErrRuntimeMissing, filepath.Join(dir, llamacpp.LibraryFile("llama")), err)
	}
	ask, err := lib.Prep("llama_version", &ffi.TypePointer)
	if err != nil {
		return fmt.Errorf("%w: the llama.cpp in %s is too old to tell its version; this program speaks %s: run: llmz runtime install", predict.ErrMismatch, dir, llamacpp.Version)
	}
	var s *byte
	ask.Call(unsafe.Pointer(&s))
	if got := goString(s); !sameVersion(got) {
		return fmt.Errorf("%w: the llama.cpp in %s is version %q, this program speaks %s: run: llmz runtime install", predict.ErrMismatch, dir, got, llamacpp.Version)
	}
	return nil
}

// sameVersion compares what llama_version says. The release's own build calls
// itself a development version.
func sameVersion(got string) bool {
	want := strings.TrimPrefix(llamacpp.Version, "v")
	got = strings.TrimPrefix(got, "v")
	return got == want || got == want+"-dev"
}

// checkLayout looks at default parameters, whose values are known and lie at
// the start, in the middle and at the end of their structures: a library of the
// right version built from changed headers shows here.
func checkLayout(dir string) error {
	c, m := yzma.ContextDefaultParams(), yzma.ModelDefaultParams()
	if c.NBatch != 2048 || c.NUbatch != 512 || c.NSeqMax != 1 ||
		c.TypeK != yzma.GGMLTypeF16 || c.TypeV != yzma.GGMLTypeF16 || c.FlashAttentionType != yzma.FlashAttentionTypeAuto ||
		c.Samplers != 0 || c.NSamplers != 0 || c.CtxOther != 0 || m.KvOverrides != 0 || m.VocabOnly != 0 || m.UseExtraBufts != 1 {
		return fmt.Errorf("%w: the llama.cpp in %s says it is %s, but its structures differ; run: llmz runtime install", predict.ErrMismatch, dir, llamacpp.Version)
	}
	return nil
}

// use makes variant the CPU backend. Another one can be put in its place only
// while no model is open.
func (l *Library) use(variant string) error {
	variants, err := Variants(l.Dir)
	if err != nil {
		return err
	}
	v, err := Choose(variants, variant)
	if err != nil {
		return err
	}
	if l.cpu != 0 && l.Variant == v.Name {
		return nil
	}
	if l.cpu != 0 {
		if users > 0 {
			return fmt.Errorf("the %s kernels are in use; a model with the %s ones needs another process", l.Variant, v.Name)
		}
		yzma.GGMLBackendUnload(l.cpu)
		l.cpu = 0
	}
	if v.File == "" { // linked into the library
		dev := yzma.GGMLBackendDeviceByType(yzma.GGMLBackendDeviceTypeCPU)
		if dev == 0 {
			return fmt.Errorf("%w: the llama.cpp in %s has no CPU backend", predict.ErrMismatch, l.Dir)
		}
		l.cpu = yzma.GGMLBackendDeviceBackendReg(dev)
	} else if l.cpu = l.load(v.File); l.cpu == 0 {
		return fmt.Errorf("%w: %s cannot be used on this CPU", predict.ErrMismatch, v.File)
	}
	l.Variant, l.CPUDigest = v.Name, v.Digest()
	return nil
}

func (l *Library) load(file string) yzma.GGMLBackendReg {
	return loadBackend(l.backendLoad, file)
}

// loadBackend calls ggml_backend_load; 0 is a failure, of which the library logs the cause.
func loadBackend(load ffi.Fun, file string) yzma.GGMLBackendReg {
	path := append([]byte(file), 0)
	p := &path[0]
	var reg yzma.GGMLBackendReg
	load.Call(unsafe.Pointer(&reg), unsafe.Pointer(&p))
	runtime.KeepAlive(path)
	return reg
}

// Score asks a CPU backend file how well it suits this CPU; 0 means not at all.
func score(dir, name string) int {
	if ffiguard.Missing {
		return 0
	}
	lib, err := loader.LoadLibrary(dir, name)
	if err != nil {
		return 0
	}
	f, err := lib.Prep("ggml_backend_score", &ffi.TypeSint32)
	if err != nil {
		return 0
	}
	var r ffi.Arg
	f.Call(unsafe.Pointer(&r))
	return int(int32(r))
}

func libraryBase(file string) string {
	n := filepath.Base(file)
	n = strings.TrimSuffix(n, filepath.Ext(n))
	return strings.TrimPrefix(n, "lib")
}

// Variants returns the CPU kernels in dir, best for this CPU first; those that
// this CPU cannot run have score 0 and come last.
func Variants(dir string) ([]Variant, error) {
	files, err := filepath.Glob(filepath.Join(dir, llamacpp.LibraryFile("ggml-cpu-*")))
	if err != nil {
		return nil, err
	}
	var all []Variant
	for _, f := range files {
		if !isFile(f) {
			continue
		}
		base := libraryBase(f)
		all = append(all, Variant{Name: strings.TrimPrefix(base, "ggml-cpu-"), File: f, Score: score(dir, base)})
	}
	if len(all) == 0 {
		v := Variant{Name: "builtin", Score: 1}
		if f := filepath.Join(dir, llamacpp.LibraryFile("ggml-cpu")); isFile(f) {
			v.File = f
		}
		return []Variant{v}, nil
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Score > all[j].Score })
	return all, nil
}

// isFile tells files from what the dynamic loader would wait for, as named pipes.
func isFile(f string) bool {
	fi, err := os.Stat(f)
	return err == nil && fi.Mode().IsRegular()
}

func goString(p *byte) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}
