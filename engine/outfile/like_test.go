package outfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestLikeAll: what is derived from files is open to those who may read all of them.
func TestLikeAll(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("rights are other things there")
	}
	dir := t.TempDir()
	file := func(name string, perm fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600), os.Chmod(path, perm)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	open, group, secret, run := file("open", 0o644), file("group", 0o640), file("secret", 0o600), file("run", 0o755)
	file("folder/a", 0o644)
	file("folder/below/b", 0o640)
	folder := filepath.Join(dir, "folder")
	for _, tc := range []struct {
		paths []string
		want  fs.FileMode
	}{
		{nil, 0o644}, {[]string{open}, 0o644}, {[]string{run}, 0o644}, {[]string{group}, 0o640}, {[]string{secret}, 0o600},
		{[]string{open, group}, 0o640}, {[]string{open, secret}, 0o600}, {[]string{folder}, 0o640}, {[]string{folder, secret}, 0o600},
	} {
		a, err := LikeAll(tc.paths...)
		if want := tc.want &^ Umask(); err != nil || a.Perm != want || !a.HasPerm || (a.Owner != nil) != (len(tc.paths) == 1 && tc.paths[0] != folder) {
			t.Errorf("%v: %o, %v, want %o", tc.paths, a.Perm, err, want)
		}
	}
	if _, err := LikeAll(filepath.Join(dir, "absent")); err == nil {
		t.Error("what is not there has attributes")
	}
}
