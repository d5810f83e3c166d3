package llamacpp

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// TestCheckFindsChanges installs libraries and changes the folder in many ways.
func TestCheckFindsChanges(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"another byte": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, LibraryFile("ggml-base")), []byte("basf"), 0o755)
		},
		"cut off": func(dir string) error { return os.Truncate(filepath.Join(dir, LibraryFile("ggml-cpu-some")), 1) },
		"removed": func(dir string) error { return os.Remove(filepath.Join(dir, LibraryFile("ggml-cpu-some"))) },
		"one more": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, LibraryFile("ggml-cpu-zz")), []byte("evil"), 0o755)
		},
		"one more, as a link": func(dir string) error {
			return os.Symlink("/lib/evil", filepath.Join(dir, LibraryFile("ggml-cpu-zz")))
		},
		"a link bent": func(dir string) error {
			name := filepath.Join(dir, LibraryFile("llama"))
			if err := os.Remove(name); err != nil {
				return err
			}
			return os.Symlink("../"+LibraryFile("llama"), name)
		},
		"a link bent outside": func(dir string) error {
			other := filepath.Join(dir, "..", versionedName("llama"))
			if err := os.WriteFile(other, []byte("evil"), 0o755); err != nil {
				return err
			}
			name := filepath.Join(dir, LibraryFile("llama"))
			if err := os.Remove(name); err != nil {
				return err
			}
			return os.Symlink(other, name)
		},
	} {
		t.Run(name, func(t *testing.T) {
			home(t)
			in, err := Install(context.Background(), InstallOptions{From: tarball(t, packed()), Check: func(string) error { return nil }})
			if err != nil {
				t.Fatal(err)
			}
			if err := in.Check(); err != nil {
				t.Fatal(err)
			}
			if err := change(in.Dir); err != nil {
				t.Skip(err)
			}
			if err := in.Check(); !errors.Is(err, predict.ErrMismatch) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestCheckWriters lets everybody write to the folder, a library or what is above it.
func TestCheckWriters(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	for _, c := range []struct {
		name string
		mode os.FileMode
		bad  bool
	}{
		{"a/lib", 0o777, true}, {"a/lib", 0o777 | os.ModeSticky, true}, {"a/lib", 0o775, false},
		{"a", 0o777, true}, {"a", 0o777 | os.ModeSticky, false},
		{"a/lib/" + LibraryFile("llama"), 0o666, true}, {"a/lib/" + LibraryFile("llama"), 0o664, false}, {"a/lib/note.txt", 0o666, false},
	} {
		dir := t.TempDir()
		lib := filepath.Join(dir, "a", "lib")
		if err := os.MkdirAll(lib, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, n := range []string{LibraryFile("llama"), "note.txt"} {
			if err := os.WriteFile(filepath.Join(lib, n), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(filepath.Join(dir, c.name), c.mode); err != nil {
			t.Fatal(err)
		}
		err := (&Installation{Dir: lib, FromEnv: true}).Check()
		var insecure *insecureError
		if errors.As(err, &insecure) != c.bad || (err != nil) != c.bad {
			t.Errorf("%s with %v: %v", c.name, c.mode, err)
		}
	}
}
