package filejob

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/outfile"
)

// text returns n bytes that compress well.
func text(n int) []byte {
	return bytes.Repeat([]byte("It was the best of times, it was the worst of times. "), n/53+1)[:n]
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, path string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %v, %d bytes, want %d", filepath.Base(path), err, len(got), len(want))
	}
}

// wantDir checks the names in a directory.
func wantDir(t *testing.T, dir string, want string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("the directory holds %q, want %q", got, want)
	}
}

// compressJob is a job without a model, which is quick.
func compressJob(path string) Job {
	return Job{Op: Compress, Input: path, Write: engine.Options{NoModel: true, Threads: 1}, Read: engine.ReadOptions{Threads: 1}}
}

func TestThereAndBack(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	content := text(5000)
	writeFile(t, path, content)
	then := time.Unix(1e9, 0)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
	res, err := Run(t.Context(), compressJob(path))
	if err != nil || res.Output != path+Suffix || res.OriginalBytes != 5000 || res.Verified || res.Op != Compress {
		t.Fatalf("%+v, %v", res, err)
	}
	job := Job{Op: Decompress, Input: res.Output, Output: filepath.Join(dir, "b")}
	if res, err = Run(t.Context(), job); err != nil || !res.Verified {
		t.Fatalf("%+v, %v", res, err)
	}
	wantFile(t, job.Output, content)
	if fi, err := os.Stat(job.Output); err != nil || !fi.ModTime().Equal(then) {
		t.Errorf("modification time %v, want %v", fi.ModTime(), then)
	}
	wantDir(t, dir, "a a.llmz b")
}

// TestTimes: modification times come back, also those that an archive cannot record,
// as far as the file system has them.
func TestTimes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	for _, year := range []int{1600, 1690, 1750, 1900, 1960, 1970, 2100, 2241, 2243, 2263, 2400, 3000} {
		writeFile(t, path, text(500))
		f, err := outfile.Create(t.Context(), path, outfile.Options{Replace: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Commit(outfile.Attributes{Time: time.Date(year, 6, 1, 12, 0, 0, 5000, time.UTC)}); err != nil {
			t.Fatal(err)
		}
		want, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		job := compressJob(path)
		job.Force = true
		job.Warn = func(err error) { t.Error(year, err) }
		if _, err := Run(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		job = Job{Op: Decompress, Input: path + Suffix, Output: filepath.Join(dir, "b"), Force: true, Warn: job.Warn}
		if _, err := Run(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		if got, err := os.Stat(job.Output); err != nil || !got.ModTime().Equal(want.ModTime()) {
			t.Errorf("%v came back as %v", want.ModTime(), got.ModTime())
		}
		var out bytes.Buffer
		job = compressJob(path)
		job.Output, job.Stdout = Stdio, &out
		warned := false
		job.Warn = func(error) { warned = true }
		if _, err := Run(t.Context(), job); err != nil || warned == (want.ModTime().Year() > 1697 && want.ModTime().Year() < 2242) {
			t.Errorf("%v to stdout: warned %v, %v", want.ModTime(), warned, err)
		}
	}
}

// TestTotals checks that decoders show how much there is to do.
func TestTotals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	writeFile(t, path, text(5000))
	job := compressJob(path)
	if _, err := Run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	job = Job{Op: Decompress, Input: path + Suffix, Output: path, Force: true}
	job.Read.Observer = func(e engine.Event) {
		if s, ok := e.(engine.Started); ok {
			total = s.TotalBytes
		}
	}
	for _, job.Read.Salvage = range []bool{false, true} {
		total = 0
		if _, err := Run(t.Context(), job); err != nil || total != 5000 {
			t.Errorf("total %d, %v", total, err)
		}
	}
}

// TestOutputAppears creates the output while a job is at work on it.
func TestOutputAppears(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	writeFile(t, path, text(5000))
	job := compressJob(path)
	job.Write.Observer = func(e engine.Event) {
		if _, ok := e.(engine.Finished); ok {
			writeFile(t, path+Suffix, []byte("precious"))
		}
	}
	if _, err := Run(t.Context(), job); !errors.Is(err, ErrExists) {
		t.Errorf("got %v", err)
	}
	wantFile(t, path+Suffix, []byte("precious"))
	wantDir(t, dir, "a a.llmz")
	job.Force = true
	if _, err := Run(t.Context(), job); err != nil {
		t.Error(err)
	}
	if _, err := Run(t.Context(), Job{Op: Test, Input: path + Suffix}); err != nil {
		t.Error(err)
	}
}

// TestSourceChanges changes the source between its verification and its removal.
func TestSourceChanges(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	writeFile(t, path, text(5000))
	job := compressJob(path)
	job.Remove = true
	job.Read.Observer = func(e engine.Event) {
		if _, ok := e.(engine.Finished); ok {
			writeFile(t, path, text(4000))
		}
	}
	res, err := Run(t.Context(), job)
	if res.Removed || !errors.Is(err, ErrChanged) || res.Output != path+Suffix {
		t.Errorf("removed: %v, output %q, error: %v", res.Removed, res.Output, err)
	}
	wantFile(t, path, text(4000))
	wantDir(t, dir, "a a.llmz")
}

// TestChangesWhileRead: a file that changes is told from an archive that is wrong.
func TestChangesWhileRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	for _, now := range [][]byte{text(4000), text(6000), bytes.ToUpper(text(5000))} {
		writeFile(t, path, text(5000))
		job := compressJob(path)
		job.Verify = true
		job.Write.Observer = func(e engine.Event) {
			if _, ok := e.(engine.Finished); ok {
				writeFile(t, path, now)
			}
		}
		if _, err := Run(t.Context(), job); !errors.Is(err, ErrChanged) || errors.Is(err, engine.ErrDiffers) {
			t.Errorf("verified: %v", err)
		}
		wantDir(t, dir, "a")
	}
	// An archive that changes is one that is still written, more likely than damaged.
	writeFile(t, path, text(5000))
	if _, err := Run(t.Context(), compressJob(path)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path + Suffix)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path+Suffix, whole[:len(whole)-2])
	job := Job{Op: Decompress, Input: path + Suffix, Output: filepath.Join(dir, "b")}
	job.Read.Observer = func(e engine.Event) {
		if f, ok := e.(engine.Finished); ok && f.Err != nil {
			writeFile(t, path+Suffix, whole)
		}
	}
	if _, err := Run(t.Context(), job); !errors.Is(err, ErrChanged) || !errors.Is(err, engine.ErrTruncated) {
		t.Errorf("decompressed: %v", err)
	}
}

// TestResumeFromNothing: it is said that there is nothing to go on from.
func TestResumeFromNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	writeFile(t, path, text(5000))
	job := compressJob(path)
	job.Resume = true
	var said []string
	job.Warn = func(err error) { said = append(said, err.Error()) }
	if _, err := Run(t.Context(), job); err != nil || len(said) != 1 || !strings.Contains(said[0], "nothing to go on from") {
		t.Errorf("%v, said %q", err, said)
	}
}

// TestVerifyFails damages the archive before it is verified.
func TestVerifyFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	writeFile(t, path, text(5000))
	job := compressJob(path)
	job.Remove = true
	job.Write.Observer = func(e engine.Event) {
		if _, ok := e.(engine.Finished); ok {
			f, err := os.OpenFile(path+Suffix+PartSuffix, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			f.WriteAt([]byte{0xff, 0xff}, 60)
			f.Close()
		}
	}
	if res, err := Run(t.Context(), job); !errors.Is(err, engine.ErrChecksum) || res.Removed {
		t.Errorf("%+v, %v", res, err)
	}
	wantFile(t, path, text(5000))
	wantDir(t, dir, "a")
}

// TestPipeVerified verifies what goes to stdout before it goes there.
func TestPipeVerified(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	job := compressJob(Stdio)
	job.Stdin, job.Stdout, job.Verify = bytes.NewReader(text(3000)), &out, true
	job.Read.Observer = func(e engine.Event) {
		if out.Len() > 0 {
			t.Error("data came out before it was verified")
		}
	}
	res, err := Run(t.Context(), job)
	if err != nil || !res.Verified || out.Len() == 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	var back bytes.Buffer
	if _, err := Run(t.Context(), Job{Op: Decompress, Input: Stdio, Stdin: &out, Stdout: &back}); err != nil || !bytes.Equal(back.Bytes(), text(3000)) {
		t.Errorf("%v, %d bytes", err, back.Len())
	}
	wantDir(t, os.Getenv("TMPDIR"), "")
}

// TestPartInUse: two jobs with the same output do not share a partial file.
func TestPartInUse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	writeFile(t, path, text(5000))
	job := compressJob(path)
	inner := job
	inner.Resume = true
	job.Write.Observer = func(e engine.Event) {
		if _, ok := e.(engine.Finished); ok {
			if _, err := Run(t.Context(), inner); !errors.Is(err, outfile.ErrInUse) {
				t.Errorf("got %v", err)
			}
		}
	}
	if _, err := Run(t.Context(), job); err != nil {
		t.Error(err)
	}
	wantDir(t, dir, "a a.llmz")
}

func TestOutputName(t *testing.T) {
	for _, tc := range []struct {
		op    Op
		in    string
		force bool
		want  string
		err   error
	}{
		{Compress, "a", false, "a.llmz", nil},
		{Compress, "a.llmz", false, "", ErrSuffix},
		{Compress, "a.LLMZ", false, "", ErrSuffix},
		{Compress, "a.llmz", true, "a.llmz.llmz", nil},
		{Compress, ".llmz", false, ".llmz.llmz", nil},
		{Decompress, "a.llmz", false, "a", nil},
		{Decompress, "a.llmz.llmz", false, "a.llmz", nil},
		{Decompress, "d/.llmz", false, "", ErrNoSuffix},
		{Decompress, "a.gz", false, "", ErrNoSuffix},
		{Decompress, "a.gz", true, "", ErrNoSuffix},
	} {
		got, err := outputName(tc.op, tc.in, tc.force)
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%s %q: %q, %v; want %q, %v", tc.op, tc.in, got, err, tc.want, tc.err)
		}
	}
}

func TestDisplayName(t *testing.T) {
	for path, want := range map[string]string{
		"-": "stdin", "a b/ü.llmz": "a b/ü.llmz", "": `""`, "two\nlines": `"two\nlines"`, "\x1b[31mred": `"\x1b[31mred"`, "\xff": `"\xff"`,
	} {
		if got := DisplayName(path); got != want {
			t.Errorf("%q is shown as %s, want %s", path, got, want)
		}
	}
}

// TestNoMode: what nobody may read stays so.
func TestNoMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	out, err := outfile.Create(t.Context(), path, outfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Commit(outfile.Attributes{HasPerm: true}); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
}

// TestRestoredMode: restored content is never open to more people than its archive
// is.
func TestRestoredMode(t *testing.T) {
	for _, tc := range []struct{ recorded, archive, want uint32 }{
		{0o755, 0o755, 0o755},
		{0o755, 0o644, 0o755},
		{0o644, 0o600, 0o600},
		{0o666, 0o640, 0o640},
		{0o666, 0o660, 0o660},
		{0o777, 0o644, 0o755},
		{0o664, 0o664, 0o664},
		{0o4755, 0o755, 0o755},
		{0, 0o640, 0o640},
	} {
		path := filepath.Join(t.TempDir(), "a")
		writeFile(t, path, nil)
		if err := os.Chmod(path, os.FileMode(tc.archive)); err != nil {
			t.Fatal(err)
		}
		in, err := openInput(t.Context(), path, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		if in.info.Mode().Perm() != os.FileMode(tc.archive) {
			t.Skip("this system has no such modes")
		}
		if got := restored(engine.Meta{Mode: tc.recorded}, in, 0o022).Perm; got != os.FileMode(tc.want) {
			t.Errorf("recorded %o, archive %o: %o, want %o", tc.recorded, tc.archive, got, tc.want)
		}
		in.close()
	}
}
