//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/lm"
	"github.com/llmz/llmz/engine/lm/llama"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/predict"
)

// The tests here run the program on the tiny GPT-2 with the llama.cpp that is
// installed. "make test-llama" installs it and fails where it is missing; other
// runs skip them.
const mustLlamaEnv = "LLMZ_TEST_LLAMA"

const tinyModel = "../../testdata/gpt2-tiny/gpt2-tiny.gguf"

func needLlama(t *testing.T) *llamacpp.Installation {
	t.Helper()
	in, err := llamacpp.Locate(llamacpp.CPU)
	if err != nil {
		if os.Getenv(mustLlamaEnv) != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return in
}

// tinyIn copies the model into dir.
func tinyIn(t *testing.T, dir string) {
	t.Helper()
	b, err := os.ReadFile(tinyModel)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "tiny.gguf"), b)
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// llmz runs the program in dir and checks its exit code and that its output,
// standard error included, has all the given words.
func llmz(t *testing.T, dir string, code int, words []string, args ...string) {
	t.Helper()
	llmzEnv(t, dir, nil, code, words, args...)
}

func llmzEnv(t *testing.T, dir string, env []string, code int, words []string, args ...string) {
	t.Helper()
	cmd := command(t, dir, args...)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if got := exitStatus(err); got != code {
		t.Errorf("%v: exit code %d, want %d\n%s", args, got, code, out)
	}
	for _, w := range words {
		if !strings.Contains(string(out), w) {
			t.Errorf("%v: the output lacks %q:\n%s", args, w, out)
		}
	}
}

// tinyRoundTrip takes data through the program in dir with the model that tinyIn put
// there: on one thread, and back on two.
func tinyRoundTrip(t *testing.T, dir string, data []byte) {
	t.Helper()
	in := filepath.Join(dir, "in")
	writeFile(t, in, data)
	llmz(t, dir, exitOK, nil, "-q", "-f", "-T", "1", "--runtime", "llama.cpp", "-m", "tiny.gguf", "in")
	llmz(t, dir, exitOK, nil, "-q", "-d", "-f", "-T", "2", "-o", "back", "-m", "tiny.gguf", "in.llmz")
	if t.Failed() {
		return
	}
	if !bytes.Equal(readFile(t, filepath.Join(dir, "back")), data) {
		t.Error("it came back different")
	}
	if size := len(readFile(t, in+".llmz")); size > len(data)+len(data)/1000+256 {
		t.Errorf("%d bytes became %d", len(data), size)
	}
}

// TestLlamaRoundTrip takes edge cases and a text through the program.
func TestLlamaRoundTrip(t *testing.T) {
	needLlama(t)
	dir := t.TempDir()
	tinyIn(t, dir)
	noise := make([]byte, 3000)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	small := readFile(t, "../../testdata/canterbury_small.bin")
	for name, data := range map[string][]byte{
		"empty":    nil,
		"byte":     {0xff},
		"zeros":    make([]byte, 20_000),
		"noise":    noise,
		"utf8":     []byte(strings.Repeat("caf\xc3\xa9 \xff\xfe \xed\xa0\x80 \xf0\x9f\x98\x80 \xf0\x9f\x98 \xc3", 40)),
		"one line": bytes.Repeat([]byte("0123456789abcdefghij"), 1000),
		"text":     small[:3000],
	} {
		t.Run(name, func(t *testing.T) {
			tinyRoundTrip(t, dir, data)
		})
	}
}

// TestLlamaResume kills a compression without warning and goes on from what is
// on disk; an ordinary interrupt leaves nothing.
func TestLlamaResume(t *testing.T) {
	needLlama(t)
	dir := t.TempDir()
	tinyIn(t, dir)
	writeFile(t, filepath.Join(dir, "in"), readFile(t, "../../testdata/canterbury_small.bin")[:6000])
	flags := []string{"--json=events", "--runtime", "llama.cpp", "-m", "tiny.gguf", "--block-size", "1500", "--no-verify"}
	start := func(sig os.Signal, args ...string) int {
		t.Helper()
		cmd := command(t, dir, append(slices.Clone(flags), args...)...)
		return signalAt(t, cmd, `"type":"block"`, sig)
	}
	llmz(t, dir, exitOK, nil, append(slices.Clone(flags), "-o", "whole", "in")...)
	if code := start(os.Interrupt, "in"); code != exitInterrupted {
		t.Errorf("interrupted: exit code %d", code)
	}
	if got := listing(t, dir); got != "in tiny.gguf whole" {
		t.Errorf("an interrupt leaves %s", got)
	}
	start(os.Kill, "--resume", "in")
	if got := listing(t, dir); got != "in in.llmz.part tiny.gguf whole" {
		t.Errorf("a kill leaves %s", got)
	}
	// Another model's archive is not mixed in.
	llmz(t, dir, exitFailed, []string{"another model"}, "-q", "-m", "lstm", "--resume", "in")
	llmz(t, dir, exitOK, []string{`"resumed_bytes":`}, append(slices.Clone(flags), "--resume", "in")...)
	if !bytes.Equal(readFile(t, filepath.Join(dir, "in.llmz")), readFile(t, filepath.Join(dir, "whole"))) {
		t.Error("the resumed archive is not the one of an undisturbed run")
	}
	if got := listing(t, dir); got != "in in.llmz tiny.gguf whole" {
		t.Errorf("resuming leaves %s", got)
	}
}

// copyRuntime copies the libraries to a folder of their own; change, if it
// returns something, replaces a file's content, and nothing for an empty one.
func copyRuntime(t *testing.T, from string, change func(name string, b []byte) []byte) string {
	t.Helper()
	dir := t.TempDir()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() || strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		if b := change(e.Name(), readFile(t, filepath.Join(from, e.Name()))); len(b) > 0 {
			writeFile(t, filepath.Join(dir, e.Name()), b)
		}
	}
	return dir
}

// TestLlamaMismatch decodes with runtimes and models that are missing or are not
// the archive's.
func TestLlamaMismatch(t *testing.T) {
	in := needLlama(t)
	dir := t.TempDir()
	tinyIn(t, dir)
	writeFile(t, filepath.Join(dir, "in"), []byte("some text that is not long"))
	llmz(t, dir, exitOK, nil, "-q", "--runtime", "llama.cpp", "-m", "tiny.gguf", "in")
	header := archiveRef(t, filepath.Join(dir, "in.llmz"))
	decode := []string{"-d", "-o", "out", "-m", "tiny.gguf", "in.llmz"}
	// Whatever is wrong, decompressing and the doctor agree, and nothing is written.
	check := func(t *testing.T, env []string, code int, words ...string) {
		t.Helper()
		llmzEnv(t, dir, env, code, words, decode...)
		llmzEnv(t, dir, env, code, words, "doctor", "-m", "tiny.gguf", "in.llmz")
		if got := listing(t, dir); strings.Contains(got, "out") {
			t.Errorf("left: %s", got)
		}
	}
	runtimeAt := func(dir string) []string { return []string{llamacpp.EnvLib + "=" + dir} }

	t.Run("no runtime", func(t *testing.T) {
		empty := t.TempDir()
		check(t, []string{llamacpp.EnvLib + "=", "XDG_CACHE_HOME=" + empty, "HOME=" + empty}, exitMissing, "llmz runtime install")
		check(t, runtimeAt(empty), exitMissing, llamacpp.EnvLib)
	})
	t.Run("another version", func(t *testing.T) {
		version := []byte(strings.TrimPrefix(llamacpp.Version, "v"))
		other := bytes.Clone(version)
		other[0]++
		found := false
		from := copyRuntime(t, in.Dir, func(name string, b []byte) []byte {
			if strings.HasPrefix(name, "libllama.") {
				found = found || bytes.Contains(b, append([]byte{0}, version...))
				b = bytes.ReplaceAll(b, append([]byte{0}, version...), append([]byte{0}, other...))
			}
			return b
		})
		if !found {
			t.Skip("the library does not hold its version as text")
		}
		check(t, runtimeAt(from), exitMissing, string(other), llamacpp.Version, "llmz runtime install")
		llmzEnv(t, dir, runtimeAt(from), exitMissing, []string{string(other)}, "-q", "-o", "out", "--runtime", "llama.cpp", "-m", "tiny.gguf", "in")
		llmz(t, dir, exitMissing, []string{string(other)}, "runtime", "install", "--from", from, "--force")
	})
	t.Run("other kernels", func(t *testing.T) {
		variant := header.Runtime["cpu"]
		if variant == "" || variant == "builtin" {
			t.Skip("this llama.cpp has its kernels built in")
		}
		file := "libggml-cpu-" + variant
		without := copyRuntime(t, in.Dir, func(name string, b []byte) []byte {
			if strings.HasPrefix(name, file) {
				return nil
			}
			return b
		})
		check(t, runtimeAt(without), exitMissing, variant)
		rebuilt := copyRuntime(t, in.Dir, func(name string, b []byte) []byte {
			if strings.HasPrefix(name, file) {
				b = append(b, "another build"...)
			}
			return b
		})
		check(t, runtimeAt(rebuilt), exitMissing, "another build", header.Runtime["cpulib"])
	})
	t.Run("no model", func(t *testing.T) {
		// It would be found where it was used.
		os.Rename(filepath.Join(dir, "tiny.gguf"), filepath.Join(dir, "away"))
		llmz(t, dir, exitMissing, []string{"tiny", "SHA-256", "last seen"}, "-d", "-o", "out", "in.llmz")
		os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, "tiny.gguf"))
	})
	t.Run("another model", func(t *testing.T) {
		changed := readFile(t, filepath.Join(dir, "tiny.gguf"))
		changed[len(changed)-1000] ^= 1 // a weight
		writeFile(t, filepath.Join(dir, "other.gguf"), changed)
		os.Rename(filepath.Join(dir, "tiny.gguf"), filepath.Join(dir, "away"))
		llmz(t, dir, exitMissing, []string{"SHA-256"}, "-d", "-o", "out", "-m", "other.gguf", "in.llmz")
		os.Rename(filepath.Join(dir, "other.gguf"), filepath.Join(dir, "tiny.gguf"))
		check(t, nil, exitMissing, "SHA-256")
		os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, "tiny.gguf"))
	})
	// Nothing was broken on the way.
	llmz(t, dir, exitOK, nil, append([]string{"-q"}, decode...)...)
}

// TestLlamaProbe has an archive that names other kernels than those that made it,
// as a machine would see it whose numbers differ although everything has the right
// name.
func TestLlamaProbe(t *testing.T) {
	in := needLlama(t)
	variants, err := llama.Variants(in.Dir)
	if err != nil {
		t.Fatal(err)
	}
	def, err := llama.Choose(variants, "")
	if err != nil {
		t.Fatal(err)
	}
	// The plainest kernels add up in another order than all others. Newer ones may
	// agree with the default on so small a model.
	slices.Reverse(variants)
	i := slices.IndexFunc(variants, func(v llama.Variant) bool { return v.Name != def.Name && v.Score > 0 })
	if i < 0 {
		t.Skip("this machine runs one variant only")
	}
	dir := t.TempDir()
	tinyIn(t, dir)
	text := readFile(t, "../../testdata/canterbury_small.bin")[:500]
	writeFile(t, filepath.Join(dir, "in"), text)
	llmz(t, dir, exitOK, nil, "-q", "--no-verify", "--runtime", "llama.cpp", "-m", "tiny.gguf", "-o", "honest", "in")
	info := archiveRef(t, filepath.Join(dir, "honest"))
	m, err := lm.Open(context.Background(), lm.Options{Path: filepath.Join(dir, "tiny.gguf"), Kernel: variants[i].Name})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var out bytes.Buffer
	if _, err := engine.Compress(context.Background(), &out, bytes.NewReader(text), engine.Options{Model: renamed{m, info.Runtime}}); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "lie.llmz"), out.Bytes())
	words := []string{"computes other frequencies", def.Name, "same runtime version, CPU variant and device"}
	llmz(t, dir, exitMissing, words, "-d", "-m", "tiny.gguf", "lie.llmz")
	llmz(t, dir, exitMissing, append(words, "failed"), "doctor", "-m", "tiny.gguf", "lie.llmz")
	if got := listing(t, dir); got != "honest in lie.llmz tiny.gguf" {
		t.Errorf("left: %s", got)
	}
	llmz(t, dir, exitOK, []string{"passed"}, "doctor", "-m", "tiny.gguf", "honest")
}

// renamed claims other runtime settings than it has.
type renamed struct {
	*lm.Model
	runtime map[string]string
}

func (r renamed) Info() predict.Info {
	i := r.Model.Info()
	i.Runtime = r.runtime
	return i
}

// archiveRef returns the model that an archive names.
func archiveRef(t *testing.T, path string) predict.Ref {
	t.Helper()
	var refs []predict.Ref
	err := walkArchive(t.Context(), path, func(m *archive.Member) error {
		if ref, ok := engine.ModelRef(m.Header); ok {
			refs = append(refs, ref)
		}
		return nil
	})
	if err != nil || len(refs) == 0 {
		t.Fatalf("%s names no model: %v", path, err)
	}
	return refs[0]
}

// TestLlamaResult looks at what a script is told.
func TestLlamaResult(t *testing.T) {
	needLlama(t)
	dir := t.TempDir()
	tinyIn(t, dir)
	writeFile(t, filepath.Join(dir, "in"), readFile(t, "../../testdata/canterbury_small.bin")[:2000])
	out, err := command(t, dir, "--json", "--runtime", "llama.cpp", "-m", "tiny.gguf", "in").Output()
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Device, Kernel string
		Verified       bool
		Symbols        int
		PeakRSS        int64 `json:"peak_rss_bytes"`
		Profile        map[string]float64
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	if r.Device != "cpu" || !strings.HasPrefix(r.Kernel, "llama.cpp") || !r.Verified || r.Symbols < 300 || r.Symbols > 1000 || r.PeakRSS == 0 {
		t.Errorf("result %s", out)
	}
	for _, stage := range []string{"model_infer", "state_update", "arith_encode", "mix", "tokenize"} {
		if r.Profile[stage] <= 0 {
			t.Errorf("no %s in %s", stage, out)
		}
	}
}
