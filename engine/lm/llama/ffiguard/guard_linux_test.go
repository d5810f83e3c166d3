//go:build !nollama && (amd64 || arm64)

package ffiguard

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"github.com/ebitengine/purego"
)

// TestStandIn loads the library that is made in memory.
func TestStandIn(t *testing.T) {
	lib := standIn()
	f, err := elf.NewFile(bytes.NewReader(lib))
	if err != nil {
		t.Fatal(err)
	}
	if f.Type != elf.ET_DYN || f.Machine != elf.Machine(machine) || len(f.Progs) != 4 {
		t.Errorf("header %+v", f.FileHeader)
	}
	path := filepath.Join(t.TempDir(), "stand-in.so")
	if err := os.WriteFile(path, lib, 0o755); err != nil {
		t.Fatal(err)
	}
	h, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range functions {
		at, err := purego.Dlsym(h, name)
		if err != nil || at == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		if r, _, _ := purego.SyscallN(at); r != 1 {
			t.Errorf("%s returns %d, not 1", name, r)
		}
	}
	if _, err := purego.Dlsym(h, "ffi_get_version"); err == nil {
		t.Error("it has a function too many")
	}
}

func TestPresent(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, soname), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LD_LIBRARY_PATH", "/nowhere:"+dir)
	if !present() {
		t.Error("not found on LD_LIBRARY_PATH")
	}
	if got := decimal(1905); got != "1905" {
		t.Errorf("decimal: %s", got)
	}
	if !contains([]byte("xlibffi.so.8\x00y"), soname+"\x00") || contains([]byte("libffi.so.7\x00"), soname) {
		t.Error("contains")
	}
}
