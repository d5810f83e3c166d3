//go:build !nollama && ((linux && (amd64 || arm64)) || (darwin && (amd64 || arm64)) || (windows && amd64))

package llama

import (
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"unsafe"

	yzma "github.com/hybridgroup/yzma/pkg/llama"
	"github.com/hybridgroup/yzma/pkg/loader"
	"github.com/jupiterrider/ffi"

	"github.com/llmz/llmz/engine/lm/llamacpp"
)

// found keeps what Devices found in each folder: a backend is loaded once.
var found = struct {
	sync.Mutex
	in map[string]findings
}{in: map[string]findings{}}

type findings struct {
	devices []Device
	err     error
}

// Devices loads the accelerator backends that are in dir and returns the accelerators
// that they find. The error says for each backend that finds none why, also where
// others find some; it is nil where there are no backends.
func Devices(dir string) ([]Device, error) {
	found.Lock()
	defer found.Unlock()
	if f, ok := found.in[dir]; ok {
		return f.devices, f.err
	}
	var f findings
	f.devices, f.err = findDevices(dir)
	found.in[dir] = f
	return f.devices, f.err
}

func findDevices(dir string) ([]Device, error) {
	ask, err := newAsker(dir)
	if err != nil {
		return nil, err
	}
	var all []Device
	for i := range ask.number(ask.backends) { // those that are linked in
		all = append(all, ask.devices(ask.backend(i), "")...)
	}
	var problem error
	first := "" // the backend that has found something, for which no fallback is needed
	for _, file := range acceleratorFiles(dir) {
		name := libraryBase(file)
		if strings.TrimSuffix(name, llamacpp.FallbackSuffix) == first {
			continue
		}
		said.forget()
		devices := ask.devices(loadBackend(ask.load, file), file)
		if len(devices) == 0 {
			if problem == nil {
				problem = fmt.Errorf("%s: %w", filepath.Base(file), why())
			} else {
				problem = fmt.Errorf("%w; %s: %w", problem, filepath.Base(file), why())
			}
			continue
		}
		first = name
		all = append(all, devices...)
	}
	return all, problem
}

// why is the cause that the library logged for finding nothing.
func why() error {
	s := said.first()
	if s == "" {
		return ErrNoDevice
	}
	if _, after, ok := strings.Cut(s, "failed to load "); ok { // "load_backend: failed to load FILE: CAUSE"
		if _, after, ok = strings.Cut(after, ": "); ok {
			s = after
		}
	} else if _, after, ok := strings.Cut(s, ": "); ok { // "ggml_cuda_init: CAUSE"
		s = after
	}
	return errors.New(s)
}

// acceleratorFiles lists the backends in dir that are not the CPU's, each before its
// fallback.
func acceleratorFiles(dir string) []string {
	files, _ := filepath.Glob(filepath.Join(dir, llamacpp.LibraryFile("ggml-*")))
	var some []string
	for _, f := range files {
		if n := libraryBase(f); n != "ggml-base" && n != "ggml-cpu" && !strings.HasPrefix(n, "ggml-cpu-") && isFile(f) {
			some = append(some, f)
		}
	}
	sort.Slice(some, func(i, j int) bool { return libraryBase(some[i]) < libraryBase(some[j]) })
	return some
}

// An asker calls the functions of one folder's library that tell of backends.
type asker struct {
	load, backends, backendAt ffi.Fun
	count, get, name          ffi.Fun
	deviceName, about         ffi.Fun
	kind, memory              ffi.Fun
}

func newAsker(dir string) (*asker, error) {
	base, err := loader.LoadLibrary(dir, "ggml-base")
	if err != nil {
		return nil, err
	}
	ggml, err := loader.LoadLibrary(dir, "ggml")
	if err != nil {
		return nil, err
	}
	a := &asker{}
	ptr := &ffi.TypePointer
	for _, f := range []struct {
		lib  loader.Lib
		to   *ffi.Fun
		name string
		ret  *ffi.Type
		args []*ffi.Type
	}{
		{ggml, &a.load, "ggml_backend_load", ptr, []*ffi.Type{ptr}},
		{ggml, &a.backends, "ggml_backend_reg_count", &ffi.TypeUint64, nil},
		{ggml, &a.backendAt, "ggml_backend_reg_get", ptr, []*ffi.Type{&ffi.TypeUint64}},
		{base, &a.count, "ggml_backend_reg_dev_count", &ffi.TypeUint64, []*ffi.Type{ptr}},
		{base, &a.get, "ggml_backend_reg_dev_get", ptr, []*ffi.Type{ptr, &ffi.TypeUint64}},
		{base, &a.name, "ggml_backend_reg_name", ptr, []*ffi.Type{ptr}},
		{base, &a.deviceName, "ggml_backend_dev_name", ptr, []*ffi.Type{ptr}},
		{base, &a.about, "ggml_backend_dev_description", ptr, []*ffi.Type{ptr}},
		{base, &a.kind, "ggml_backend_dev_type", &ffi.TypeSint32, []*ffi.Type{ptr}},
		{base, &a.memory, "ggml_backend_dev_memory", &ffi.TypeVoid, []*ffi.Type{ptr, ptr, ptr}},
	} {
		if *f.to, err = f.lib.Prep(f.name, f.ret, f.args...); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *asker) number(f ffi.Fun) uint64 {
	var n uint64
	f.Call(unsafe.Pointer(&n))
	return n
}

func (a *asker) backend(i uint64) (reg yzma.GGMLBackendReg) {
	a.backendAt.Call(unsafe.Pointer(&reg), unsafe.Pointer(&i))
	return reg
}

func (a *asker) text(f ffi.Fun, of uintptr) string {
	var s *byte
	f.Call(unsafe.Pointer(&s), unsafe.Pointer(&of))
	return goString(s)
}

// devices returns the accelerators of a backend that was loaded from file; of 0, none.
func (a *asker) devices(backend yzma.GGMLBackendReg, file string) []Device {
	if backend == 0 {
		return nil
	}
	r := uintptr(backend)
	build := buildOf(a.text(a.name, r))
	var n uint64
	a.count.Call(unsafe.Pointer(&n), unsafe.Pointer(&r))
	var all []Device
	for i := range n {
		var d uintptr
		a.get.Call(unsafe.Pointer(&d), unsafe.Pointer(&r), unsafe.Pointer(&i))
		var kind ffi.Arg
		a.kind.Call(unsafe.Pointer(&kind), unsafe.Pointer(&d))
		if t := yzma.GGMLBackendDeviceType(int32(kind)); t != yzma.GGMLBackendDeviceTypeGPU && t != yzma.GGMLBackendDeviceTypeIGPU {
			continue
		}
		var free, total uint64
		pf, pt := &free, &total
		a.memory.Call(nil, unsafe.Pointer(&d), unsafe.Pointer(&pf), unsafe.Pointer(&pt))
		all = append(all, Device{
			Name: a.text(a.deviceName, d), Description: a.text(a.about, d), Free: int64(free), Total: int64(total),
			Build: build, File: file, handle: d,
		})
	}
	return all
}
