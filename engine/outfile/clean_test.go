package outfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestCleanOnlyOurs: only what has the very names that Create gives is removed unasked.
func TestCleanOnlyOurs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	ours := []string{hidden(path) + PartSuffix, hidden(path) + "-3" + PartSuffix, hidden(path) + "-" + randomName() + PartSuffix, filepath.Join(dir, ".llmz-2981764135.part")}
	theirs := []string{
		".llmz-foo.part", ".llmz-.part", ".llmz-notes-1.part", ".llmz-0123456789ABCDEF.part", ".llmz-0123456789abcdef.part.txt",
		".llmz-0123456789abcdef-10.part", "x.llmz-0123456789abcdef.part", ".llmz-0123456789abcdef.partial", "a.llmz.part", "movie.part", ".part",
	}
	for _, name := range ours {
		writeTest(t, name, "half of it")
	}
	for _, name := range theirs {
		writeTest(t, filepath.Join(dir, name), "precious")
		if fi, err := os.Lstat(filepath.Join(dir, name)); err != nil || fi.Name() != name {
			t.Skip("names are something else here") // upper and lower case
		}
	}
	for _, all := range []bool{false, true} {
		l, err := Clean(t.Context(), dir, all, func(*os.File) bool { return false })
		if err != nil || len(l.Kept) > 0 || len(l.InUse) > 0 || len(l.Removed) != len(ours) {
			t.Errorf("all %v: %+v, %v", all, l, err)
		}
		for _, name := range ours {
			writeTest(t, name, "half of it")
		}
	}
	for _, name := range theirs {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != "precious" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

func writeTest(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestNothingToGoOnFrom: until there is something in it, a partial file is one of those
// that go by themselves; then it gets the name by which it is found.
func TestNothingToGoOnFrom(t *testing.T) {
	if closesFirst {
		t.Skip("open files cannot be renamed here")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	f := create(t, path, Options{Keepable: true})
	if Left(path) != "" || !disposable.MatchString(filepath.Base(f.Part())) {
		t.Errorf("%s while there is nothing in it", f.Part())
	}
	f.file.Close() // as a kill does
	f = create(t, path, Options{Keepable: true})
	wantDir(t, dir, filepath.Base(f.Part()))
	for _, part := range []string{"some", "thing"} {
		if _, err := io.WriteString(f, part); err != nil || Left(path) != f.Part() {
			t.Errorf("%s, %v once there is something in it", f.Part(), err)
		}
	}
	f.file.Close()
	wantDir(t, dir, "a.part")
	// Somebody's file of that name stays, and the work is done all the same.
	f = create(t, path, Options{Keepable: true})
	io.WriteString(f, "new")
	if err := f.Commit(Attributes{}); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(path + PartSuffix); err != nil || string(b) != "something" {
		t.Errorf("%q, %v", b, err)
	}
	wantDir(t, dir, "a", "a.part")
}

// TestCleanNoFolder: what is no folder is refused.
func TestCleanNoFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	writeTest(t, path, "")
	var pe *os.PathError
	if _, err := Clean(t.Context(), path, false, nil); !errors.As(err, &pe) {
		t.Errorf("got %v", err)
	}
}
