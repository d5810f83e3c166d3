package llamacpp

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// home points the user's cache at an empty place.
func home(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	t.Setenv("HOME", dir)
	t.Setenv("LocalAppData", dir)
	t.Setenv(EnvLib, "")
	t.Setenv(envData, "")
	if !Supported() {
		t.Skip("no runtime on this system")
	}
}

// versionedName is how packages name a library: with its version.
func versionedName(name string) string {
	plain := LibraryFile(name)
	ext := filepath.Ext(plain)
	return strings.TrimSuffix(plain, ext) + "." + Version + ext
}

func tarball(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, content := range files {
		w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg})
		w.Write([]byte(content))
	}
	w.WriteHeader(&tar.Header{Name: "package/bins/x/" + LibraryFile("evil"), Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink})
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.tgz")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func packed() map[string]string {
	return map[string]string{
		"package/package.json":                           "{}",
		"package/bins/x/" + versionedName("llama"):       "llama",
		"package/bins/x/" + versionedName("ggml"):        "ggml",
		"package/bins/x/" + LibraryFile("ggml-base"):     "base",
		"package/bins/x/" + LibraryFile("ggml-cpu-some"): "cpu",
		"package/bins/x/llama-addon.node":                "addon",
		"../../../" + LibraryFile("outside"):             "outside",
	}
}

func TestInstallFrom(t *testing.T) {
	home(t)
	if _, err := Locate(CPU); !errors.Is(err, predict.ErrRuntimeMissing) || !strings.Contains(err.Error(), InstallCommand(CPU)) {
		t.Fatalf("nothing installed: %v", err)
	}
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(root, installPrefix+"1234", "lib") // as a killed installation leaves it
	if err := os.MkdirAll(dead, 0o755); err != nil {
		t.Fatal(err)
	}
	checked := ""
	o := InstallOptions{From: tarball(t, packed()), Check: func(dir string) error { checked = dir; return nil }}
	in, err := Install(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if checked == "" {
		t.Error("the libraries were not checked")
	}
	if left, _ := filepath.Glob(filepath.Join(root, installPrefix+"*")); len(left) > 0 {
		t.Errorf("there are still %v", left)
	}
	for name, want := range map[string]string{LibraryFile("llama"): "llama", versionedName("llama"): "llama", LibraryFile("ggml"): "ggml", LibraryFile("outside"): "outside"} {
		if b, err := os.ReadFile(filepath.Join(in.Dir, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	for _, name := range []string{"package.json", "llama-addon.node", LibraryFile("evil")} {
		if _, err := os.Lstat(filepath.Join(in.Dir, name)); err == nil {
			t.Errorf("%s was unpacked", name)
		}
	}
	found, err := Locate(CPU)
	if err != nil || found.Dir != in.Dir || found.Manifest == nil || found.Manifest.Version != Version || found.Manifest.Pinned {
		t.Fatalf("%+v %v", found, err)
	}
	if err := found.Check(); err != nil {
		t.Error(err)
	}
	if _, err := Install(context.Background(), o); !errors.Is(err, ErrInstalled) {
		t.Errorf("again: %v", err)
	}
	if err := os.WriteFile(filepath.Join(in.Dir, LibraryFile("ggml-base")), []byte("other"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := found.Check(); !errors.Is(err, predict.ErrMismatch) {
		t.Errorf("a changed library: %v", err)
	}
	o.Force = true
	if _, err := Install(context.Background(), o); err != nil {
		t.Errorf("by force: %v", err)
	}
	// An installation as a folder to install from.
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("LocalAppData", t.TempDir())
	if _, err := Install(context.Background(), InstallOptions{From: in.Dir}); err != nil {
		t.Errorf("from a folder: %v", err)
	}
	if err := Remove(CPU); err != nil || len(Installed()) != 0 {
		t.Errorf("removed: %v, %d installed", err, len(Installed()))
	}
}

// TestDataDir: where everything is to be in one folder the libraries are, too; those in
// the cache serve all the same.
func TestDataDir(t *testing.T) {
	home(t)
	o := InstallOptions{From: tarball(t, packed())}
	cached, err := Install(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	t.Setenv(envData, data)
	if found, err := Locate(CPU); err != nil || found.Dir != cached.Dir {
		t.Errorf("in the cache: %+v, %v", found, err)
	}
	if err := Remove(CPU); err != nil {
		t.Fatal(err)
	}
	in, err := Install(context.Background(), o)
	if err != nil || !strings.HasPrefix(in.Dir, data) {
		t.Fatalf("installed: %+v, %v", in, err)
	}
	if found, err := Locate(CPU); err != nil || found.Dir != in.Dir {
		t.Errorf("in the data folder: %+v, %v", found, err)
	}
}

func TestInstallRefuses(t *testing.T) {
	home(t)
	incomplete := packed()
	delete(incomplete, "package/bins/x/"+LibraryFile("ggml-base"))
	refused := errors.New("another version")
	notGzip := filepath.Join(t.TempDir(), "x.tgz")
	if err := os.WriteFile(notGzip, []byte("no"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]InstallOptions{
		"incomplete":   {From: tarball(t, incomplete)},
		"no libraries": {From: tarball(t, map[string]string{"a": "b"})},
		"not gzip":     {From: notGzip},
		"empty folder": {From: t.TempDir()},
		"missing":      {From: filepath.Join(t.TempDir(), "none")},
		"refused":      {From: tarball(t, packed()), Check: func(string) error { return refused }},
	} {
		if _, err := Install(context.Background(), o); err == nil {
			t.Errorf("%s: installed", name)
		}
		root, err := Root()
		if err != nil {
			t.Fatal(err)
		}
		if entries, _ := os.ReadDir(root); len(entries) > 0 {
			t.Errorf("%s: left behind: %v", name, entries)
		}
	}
}

// TestNPM runs a stand-in for the npm client, which fetches a tarball that is
// not the pinned one.
func TestNPM(t *testing.T) {
	home(t)
	pkgs := Packages(CPU)
	if runtime.GOOS == "windows" || len(pkgs) == 0 || pkgs[0].Integrity == "" {
		t.Skip("no pinned package for this system")
	}
	bin := t.TempDir()
	script := "#!/bin/sh\ncp '" + tarball(t, packed()) + "' package.tgz\n"
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	if _, err := Install(context.Background(), InstallOptions{}); !errors.Is(err, ErrIntegrity) {
		t.Errorf("another digest: %v", err)
	}
	script = "#!/bin/sh\necho 'npm error 404' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(context.Background(), InstallOptions{}); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("npm fails: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Install(context.Background(), InstallOptions{}); err == nil || !strings.Contains(err.Error(), "--from") {
		t.Errorf("no npm: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	home(t)
	dir := t.TempDir()
	t.Setenv(EnvLib, dir)
	if _, err := Locate(CPU); !errors.Is(err, predict.ErrRuntimeMissing) || !strings.Contains(err.Error(), EnvLib) {
		t.Errorf("an empty folder: %v", err)
	}
	for _, n := range []string{"llama", "ggml", "ggml-base"} {
		if err := os.WriteFile(filepath.Join(dir, LibraryFile(n)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in, err := Locate(CUDA)
	if err != nil || in.Dir != dir || !in.FromEnv {
		t.Errorf("%+v %v", in, err)
	}
	if n := len(Installed()); n != 1 {
		t.Errorf("%d installed", n)
	}
}

func TestParseGPU(t *testing.T) {
	for s, want := range map[string]GPU{"": CPU, "cpu": CPU, "cuda": CUDA, "metal": Metal, "vulkan": Vulkan} {
		if g, err := ParseGPU(s); err != nil || g != want {
			t.Errorf("%q: %q %v", s, g, err)
		}
	}
	if _, err := ParseGPU("tpu"); err == nil {
		t.Error("tpu was taken")
	}
}
