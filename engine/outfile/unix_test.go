//go:build unix

package outfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asUser runs the test again as an ordinary user with the groups named, in a
// directory that belongs to root, and reports whether this is that run.
func asUser(t *testing.T, groups ...uint32) bool {
	if os.Getenv("LLMZ_TEST_AS_USER") == t.Name() {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	exe, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "llmz-user-") // t.TempDir's parents are closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	bin := filepath.Join(dir, "test")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(bin, exe, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LLMZ_TEST_AS_USER="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321, Groups: groups}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: "+t.Name()) {
		t.Errorf("as a user: %v\n%s", err, out)
	}
	return false
}

// sharedDir returns a directory that both runs of a test with asUser see.
func sharedDir(t *testing.T) string {
	const env = "LLMZ_TEST_SHARED"
	if os.Getenv("LLMZ_TEST_AS_USER") == t.Name() {
		return os.Getenv(env)
	}
	dir, err := os.MkdirTemp("", "llmz-shared-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(env, dir)
	return dir
}

func stat(t *testing.T, path string) (uid, gid uint32, perm fs.FileMode) {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	st := fi.Sys().(*syscall.Stat_t)
	return st.Uid, st.Gid, fi.Mode().Perm()
}

// derived commits an output with the attributes of a file.
func derived(t *testing.T, from, to string) {
	t.Helper()
	fi, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	f := create(t, to, Options{Replace: true})
	if err := f.Commit(Attributes{Perm: fi.Mode().Perm(), HasPerm: true, Owner: fi}); err != nil {
		t.Fatal(err)
	}
}

// TestOwnerByRoot: what root makes of a user's file belongs to the user.
func TestOwnerByRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("for root")
	}
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	for _, perm := range []fs.FileMode{0o600, 0o640, 0o664, 0o755, 0o604} {
		if err := errors.Join(os.WriteFile(from, nil, perm), os.Chown(from, 1000, 1001), os.Chmod(from, perm)); err != nil {
			t.Fatal(err)
		}
		derived(t, from, to)
		if uid, gid, got := stat(t, to); uid != 1000 || gid != 1001 || got != perm {
			t.Errorf("%o: %d:%d %o", perm, uid, gid, got)
		}
	}
}

// TestOwnerByUser: a user cannot give files away. A group they are in is kept; where it
// is not, nobody gains by that.
func TestOwnerByUser(t *testing.T) {
	root := sharedDir(t)
	if os.Geteuid() == 0 {
		for _, tc := range []struct {
			name     string
			uid, gid int
			perm     fs.FileMode
		}{{"mine", 54321, 54321, 0o664}, {"group", 54321, 7001, 0o660}, {"foreign", 54321, 7002, 0o664}, {"secret", 54321, 7002, 0o640}, {"denied", 54321, 7002, 0o604}} {
			path := filepath.Join(root, tc.name)
			if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chown(path, tc.uid, tc.gid), os.Chmod(path, tc.perm)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !asUser(t, 7001) {
		return
	}
	to := filepath.Join(t.TempDir(), "to")
	for name, want := range map[string]string{
		"mine": "54321 664", "group": "7001 660", "foreign": "54321 644", "secret": "54321 600", "denied": "54321 600",
	} {
		derived(t, filepath.Join(root, name), to)
		if _, gid, perm := stat(t, to); fmt.Sprintf("%d %o", gid, perm) != want {
			t.Errorf("%s: group %d, %o; want %s", name, gid, perm, want)
		}
	}
}

// TestStickyFolder: in a folder that everybody may write to, somebody else's partial
// file gets nothing of the user's.
func TestStickyFolder(t *testing.T) {
	dir := filepath.Join(sharedDir(t), "sticky")
	path := filepath.Join(dir, "a")
	names := append([]string{hidden(path) + PartSuffix}, func() []string { n := keepNames(path); return n[:] }()...)
	if os.Geteuid() == 0 {
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o777|fs.ModeSticky)); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := errors.Join(os.WriteFile(name, []byte("trap"), 0o600), os.Chmod(name, 0o666), os.Chown(name, 1000, 1000)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !asUser(t) {
		for _, name := range names {
			if b, err := os.ReadFile(name); string(b) != "trap" {
				t.Errorf("%s: %q, %v", name, b, err)
			}
		}
		return
	}
	if _, err := Reopen(path, Options{Replace: true}); err == nil {
		t.Error("somebody else's partial file was taken")
	}
	f := create(t, path, Options{Keepable: true})
	io.WriteString(f, "secret")
	if uid, _, perm := stat(t, f.Part()); uid != 54321 || perm != 0o600 {
		t.Errorf("the partial file belongs to %d, %o", uid, perm)
	}
	if err := f.Commit(Attributes{}); err != nil {
		t.Error(err)
	}
}

// TestStraightThrough: what is no file is written to and stays what it is.
func TestStraightThrough(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip(err)
	}
	both, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer both.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	io.WriteString(log, "before ")
	descriptor := fmt.Sprintf("/dev/fd/%d", log.Fd())
	link, far := filepath.Join(dir, "link"), filepath.Join(dir, "far")
	if err := errors.Join(os.Symlink(descriptor, link), os.Symlink("link", far)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{os.DevNull, fifo, descriptor, link, far} {
		for _, o := range []Options{{}, {Replace: true}, {Keepable: true, Replace: true}} {
			before, err := os.Lstat(path)
			if err != nil {
				t.Skip(err)
			}
			f := create(t, path, o)
			if f.Whole() || !Direct(path) {
				t.Fatalf("%s is taken for a file that can be replaced", path)
			}
			io.WriteString(f, "x")
			if err := f.Commit(Attributes{Perm: 0o600, HasPerm: true}); err != nil {
				t.Error(err)
			}
			if after, err := os.Lstat(path); err != nil || after.Mode() != before.Mode() {
				t.Errorf("%s was %v and is %v, %v", path, before.Mode(), after, err)
			}
		}
	}
	io.WriteString(log, " after")
	if b, err := os.ReadFile(log.Name()); err != nil || string(b) != "before xxxxxxxxx after" {
		t.Errorf("the open file holds %q, %v", b, err)
	}
	wantDir(t, dir, "far", "fifo", "link", "log")
	if _, err := Create(t.Context(), "/dev/fd/999", Options{Replace: true}); err == nil {
		t.Error("a closed descriptor was opened")
	}
}
