package outfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func create(t *testing.T, path string, o Options) *File {
	t.Helper()
	f, err := Create(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Abort)
	return f
}

func wantDir(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != strings.Join(want, " ") {
		t.Errorf("the directory holds %q, want %q", got, want)
	}
}

func TestWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	f := create(t, path, Options{})
	io.WriteString(f, "new")
	wantDir(t, dir, filepath.Base(f.Part()))
	f.Abort()
	wantDir(t, dir)

	f = create(t, path, Options{})
	io.WriteString(f, "new")
	if err := f.Commit(Attributes{}); err != nil {
		t.Fatal(err)
	}
	wantDir(t, dir, "a")
	if _, err := Create(t.Context(), path, Options{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if _, err := Create(t.Context(), dir, Options{Replace: true}); !errors.Is(err, ErrDirectory) {
		t.Errorf("over a directory: %v", err)
	}
	f = create(t, path, Options{Replace: true})
	io.WriteString(f, "newer")
	if err := f.Commit(Attributes{}); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "newer" {
		t.Errorf("it holds %q", b)
	}
}

// TestAppears: what comes to be under the name meanwhile is not replaced.
func TestAppears(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	f := create(t, path, Options{})
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(Attributes{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	f.Abort()
	wantDir(t, dir, "a")
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Errorf("it holds %q", b)
	}
	if err := linkNew(path, path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("linkNew: %v", err)
	}
}

// TestDead: what a killed process left is removed by the next one, what a living
// one writes is not.
func TestDead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	left := hidden(path) + PartSuffix
	if err := os.WriteFile(left, []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := create(t, path, Options{})
	if fi, err := os.Stat(left); err != nil || fi.Size() != 0 || first.Part() != left {
		t.Fatalf("the name is not used again: %s, %v, %v", first.Part(), fi, err)
	}
	io.WriteString(first, "first")
	second := create(t, path, Options{})
	if second.Part() == first.Part() {
		t.Fatal("two share a partial file")
	}
	io.WriteString(second, "second")
	second.Abort()
	if err := first.Commit(Attributes{}); err != nil {
		t.Error(err)
	}
	wantDir(t, dir, "a")
}

// TestPartReplaced: what was put in the partial file's place never appears as the output.
func TestPartReplaced(t *testing.T) {
	if closesFirst {
		t.Skip("open files cannot be removed here")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	f := create(t, path, Options{})
	os.Remove(f.Part())
	if err := os.WriteFile(f.Part(), []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(Attributes{}); !errors.Is(err, ErrLostPart) {
		t.Errorf("got %v", err)
	}
	f.Abort()
	wantDir(t, dir, filepath.Base(f.Part()))
}

func TestKeepAndReopen(t *testing.T) {
	for _, base := range []string{"a", strings.Repeat("n", 252)} {
		dir := t.TempDir()
		path := filepath.Join(dir, base)
		if _, err := Reopen(path, Options{}); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("nothing there: %v", err)
		}
		f := create(t, path, Options{Keepable: true})
		if f.Keep() != "" {
			t.Error("nothing was worth to be kept")
		}
		f = create(t, path, Options{Keepable: true})
		io.WriteString(f, "half")
		if _, err := Reopen(path, Options{}); !errors.Is(err, ErrInUse) {
			t.Errorf("while it is written: %v", err)
		}
		part := f.Keep()
		if part == "" || Left(path) != part {
			t.Fatalf("kept %q, left %q", part, Left(path))
		}
		f, err := Reopen(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		f.File().Seek(0, io.SeekEnd)
		io.WriteString(f, " done")
		if err := f.Commit(Attributes{}); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); string(b) != "half done" {
			t.Errorf("it holds %q", b)
		}
		wantDir(t, dir, base)
	}
}

// TestNotOurs: a partial file that leads elsewhere is not written to.
func TestNotOurs(t *testing.T) {
	for name, plant := range map[string]func(victim, part string) error{
		"symbolic link": os.Symlink,
		"hard link":     os.Link,
		"directory":     func(_, part string) error { return os.Mkdir(part, 0o700) },
	} {
		dir := t.TempDir()
		path, victim := filepath.Join(dir, "a"), filepath.Join(dir, "victim")
		if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, part := range keepNames(path) {
			if err := plant(victim, part); err != nil {
				t.Skip(name, "is not to be had:", err)
			}
			if _, err := Reopen(path, Options{Replace: true}); !errors.Is(err, ErrNotOurs) {
				t.Errorf("%s: %v", name, err)
			}
			os.Remove(part)
		}
		// The names that need not be kept are passed over.
		if err := plant(victim, hidden(path)+PartSuffix); err != nil {
			t.Fatal(err)
		}
		f := create(t, path, Options{})
		io.WriteString(f, "new")
		if err := f.Commit(Attributes{}); err != nil {
			t.Error(err)
		}
		if b, _ := os.ReadFile(victim); string(b) != "precious" {
			t.Errorf("%s: the victim holds %q", name, b)
		}
	}
}

func TestAdopt(t *testing.T) {
	dir := t.TempDir()
	path, victim := filepath.Join(dir, "a"), filepath.Join(dir, "victim")
	for _, name := range []string{path, victim} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Adopt(path); err != nil {
		t.Fatal(err)
	}
	wantDir(t, dir, "a.part", "victim")
	if err := os.Symlink(victim, path); err != nil {
		t.Skip(err)
	}
	if err := Adopt(path); !errors.Is(err, ErrNotOurs) {
		t.Errorf("a link: %v", err)
	}
}

// TestLongNames: a name that the file system cannot hold is refused at the start, one
// that it can is written, though nothing can be added to it.
func TestLongNames(t *testing.T) {
	for _, c := range []string{"n", "ä"} {
		for n := 240; n <= 260; n++ {
			dir := t.TempDir()
			base := strings.Repeat(c, n/len(c))
			base += strings.Repeat("x", n-len(base))
			path := filepath.Join(dir, base)
			plain, probe := os.Create(path)
			if probe == nil {
				plain.Close()
				os.Remove(path)
			}
			for _, o := range []Options{{}, {Replace: true}, {Keepable: true}} {
				f, err := Create(t.Context(), path, o)
				if (err == nil) != (probe == nil) || err != nil && !errors.Is(err, syscall.ENAMETOOLONG) {
					t.Fatalf("%d bytes, %+v: %v, but the system says %v", n, o, err, probe)
				}
				if err != nil {
					continue
				}
				if err := f.Commit(Attributes{}); err != nil {
					t.Fatalf("%d bytes, %+v: %v", n, o, err)
				}
				wantDir(t, dir, base)
				os.Remove(path)
			}
		}
	}
}

func TestTimes(t *testing.T) {
	for _, year := range []int{1400, 1650, 1690, 1715, 1850, 1960, 1970, 2026, 2262, 2263, 2446, 2500, 9000} {
		path := filepath.Join(t.TempDir(), "a")
		f := create(t, path, Options{})
		want := time.Date(year, 6, 1, 12, 0, 0, 123456700, time.UTC)
		warned := false
		if err := f.Commit(Attributes{Time: want, Warn: func(error) { warned = true }}); err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if kept := fi.ModTime().Unix() == want.Unix(); kept == warned {
			t.Errorf("%v became %v, warned: %v", want, fi.ModTime(), warned)
		}
		if year > 1980 && year < 2400 && warned {
			t.Errorf("%d was not kept", year)
		}
	}
}
