package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/tui/text"
)

// hostileText is what must never come out as it went in: it would set a title and colours,
// move the cursor, forge a line and turn text around.
const hostileText = "x\x1b]0;PWNED\a\x1b[35mred\x1b[2J\u009b35m\u202e\x7f\nFORGED: line\rFORGED\tcell"

// allowedColours are the escape sequences that messages themselves have.
var allowedColours = regexp.MustCompile("\x1b\\[(0|1|31|33|[34]8;5;[0-9]+|38;5;[0-9]+;48;5;[0-9]+)?m|\r\x1b\\[K|\r[^\r\n]*\x1b\\[K")

// checkOutput fails if out holds anything of hostileText that a terminal would act on.
func checkOutput(t *testing.T, what string, out []byte) {
	t.Helper()
	s := allowedColours.ReplaceAllString(string(out), "")
	for i, r := range s {
		bad := r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Cf, r)
		if bad {
			t.Errorf("%s: %q in the output: %q", what, r, s[max(0, i-60):min(len(s), i+40)])
			return
		}
	}
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, "FORGED") {
			t.Errorf("%s: a forged line: %q", what, s)
			return
		}
	}
}

// runCaptured runs a command line in this process and returns all it printed.
func runCaptured(t *testing.T, args ...string) (stdout, stderr []byte, code int) {
	t.Helper()
	dir := t.TempDir()
	var files [3]*os.File
	for i, name := range []string{"in", "out", "err"} {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	code = newApp(files[0], files[1], files[2]).execute(ctx, args)
	stdout, _ = os.ReadFile(files[1].Name())
	stderr, _ = os.ReadFile(files[2].Name())
	return stdout, stderr, code
}

// hostileArchive writes an archive whose header says hostile things.
func hostileArchive(t *testing.T, path string, model *archive.Model, name string) {
	t.Helper()
	var b bytes.Buffer
	content := []byte(strings.Repeat("hello ", 20))
	w, err := archive.NewWriter(&b, &archive.Header{Model: model, Mixer: 1, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	block := archive.Block{Kind: archive.Coded, Length: len(content), Lanes: 1, Sum: archive.Checksum(content)}
	if model != nil && model.Tokens {
		block.Symbols = 40
	}
	for range 2 {
		if err := w.WriteBlock(&block, bytes.Repeat([]byte{0x55}, 20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(sha256.Sum256(append(content, content...)), nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hostileGGUF writes a model file that says hostile things.
func hostileGGUF(t *testing.T, path string, architecture string) {
	t.Helper()
	w := new(gguf.Writer)
	w.Set("general.architecture", architecture)
	for _, key := range []string{"general.name", "general.description", "general.license", "general.author", "llmz.name", "llmz.note", hostileText} {
		w.Set(key, hostileText)
	}
	w.Set("tokenizer.ggml.model", hostileText)
	w.Set("tokenizer.ggml.tokens", []string{hostileText, "a"})
	w.AddFloat32s(hostileText[:40], []int{4}, make([]float32, 4))
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := w.WriteTo(f); err != nil {
		t.Fatal(err)
	}
}

// hostileServer answers every request with a status text of control characters.
func hostileServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no network here:", err)
	}
	t.Cleanup(func() { l.Close() })
	status := strings.NewReplacer("\n", "", "\r", "").Replace(hostileText)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.Read(make([]byte, 4096))
				fmt.Fprintf(c, "HTTP/1.1 404 %s\r\nX-Error-Message: %s\r\nLocation: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, status, status, len(hostileText), hostileText)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// TestHostileText walks all commands with archives, models, file names, arguments and a server
// that hold control characters.
func TestHostileText(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("LLMZ_DATA_DIR", filepath.Join(dir, "data"))
	t.Setenv("HF_ENDPOINT", hostileServer(t))
	t.Setenv(runMainEnv, "1") // what bench starts is llmz, not all tests once more
	if err := os.MkdirAll(filepath.Join(dir, "data", "models"), 0o755); err != nil {
		t.Fatal(err)
	}
	digest := bytes.Repeat([]byte{7}, 32)
	runtimeSettings := map[string]string{hostileText: hostileText, "llama.cpp": hostileText}
	hostileArchive(t, "model.llmz", &archive.Model{Name: hostileText, Digest: digest, Numerics: 1}, "")
	hostileArchive(t, "runtime.llmz", &archive.Model{Name: "gpt2" + hostileText, Digest: digest, Portability: 1, Tokens: true, Runtime: runtimeSettings}, "")
	hostileArchive(t, "name.llmz", nil, hostileText)
	hostileGGUF(t, "lm.gguf", "llama")
	hostileGGUF(t, "odd.gguf", hostileText)
	hostileGGUF(t, filepath.Join(dir, "data", "models", "here.gguf"), "gru")
	inputs := []string{"model.llmz", "runtime.llmz", "name.llmz", "lm.gguf", "odd.gguf", "missing" + hostileText, "here"}
	if runtime.GOOS != "windows" { // which has no such names
		name := hostileText + ".txt"
		if err := os.WriteFile(name, []byte("some text, some text, some text"), 0o600); err != nil {
			t.Fatal(err)
		}
		hostileGGUF(t, filepath.Join(dir, "data", "models", hostileText+".gguf"), "llama")
		inputs = append(inputs, name, hostileText)
	}
	var walk func(c *cobra.Command, path []string)
	archived := []byte(archive.Magic)
	run := func(path []string, args ...string) {
		line := append(append([]string{}, path...), args...)
		for _, flags := range [][]string{nil, {"--json"}, {"--color=always", "-v"}} {
			stdout, stderr, code := runCaptured(t, append(append([]string{}, flags...), line...)...)
			what := fmt.Sprintf("llmz %q %q (exit %d)", flags, line, code)
			checkOutput(t, what, stderr)
			if !bytes.HasPrefix(stdout, archived) {
				checkOutput(t, what, stdout)
			}
		}
	}
	walk = func(c *cobra.Command, path []string) {
		for _, sub := range c.Commands() {
			walk(sub, append(append([]string{}, path...), sub.Name()))
		}
		if c.Name() == "bench-worker" || c.HasSubCommands() && c.HasParent() {
			return
		}
		run(path, "--"+hostileText)
		run(path, "-M", hostileText)
		run(path, "--model="+hostileText, "lm.gguf")
		for _, in := range inputs {
			switch c.Name() {
			case "bench":
				if in == inputs[len(inputs)-2] {
					run(path, "-m", "none", in)
				}
			case "pull":
				// Below: each waits for a server.
			case "train":
				run(path, "--arch", "lstm", "--time", "1ms", "-o", in+"/out.gguf", in)
			case "estimate", "race", "inspect":
				run(path, "-m", "none", in)
				run(path, "-m", in, "lm.gguf")
			case "llmz":
				run(path, "-c", in)
				run(path, "-l", in)
				run(path, "-fdo", "out"+hostileText, in)
			default:
				run(path, in)
			}
		}
	}
	walk(newRootCommand(newApp(os.Stdin, os.Stdout, os.Stderr)), nil)
	for _, name := range []string{"owner/repo" + hostileText, "owner/repo/file.gguf", "gpt2"} {
		stdout, stderr, _ := runCaptured(t, "models", "pull", name)
		checkOutput(t, "pull", append(stderr, stdout...))
	}
	run([]string{"-d", "--salvage", "-c"}, "name.llmz")
	run([]string{"__complete"}, "-m", "")
}

// cleanedAway returns the literals among the arguments of a call of text.Fprint and its
// siblings that cleaning changes.
func cleanedAway(call *ast.CallExpr) (found []*ast.BasicLit) {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	x, ok := s.X.(*ast.Ident)
	if !ok || x.Name != "text" || !strings.HasPrefix(s.Sel.Name, "Fprint") {
		return nil
	}
	first := 1 // the writer is no text
	if s.Sel.Name == "Fprintf" {
		first = 2 // the format is trusted
	}
	for _, arg := range call.Args[min(first, len(call.Args)):] {
		lit, ok := arg.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			continue
		}
		if v, err := strconv.Unquote(lit.Value); err == nil && text.Clean(v) != v {
			found = append(found, lit)
		}
	}
	return found
}

// TestOneGate refuses code that prints without cleaning, and code whose own tabs and
// escapes would be cleaned away.
func TestOneGate(t *testing.T) {
	files := token.NewFileSet()
	names, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				for _, lit := range cleanedAway(call) {
					t.Errorf("%s: %s would be printed as it stands here: wrap it in text.Safe", files.Position(lit.Pos()), lit.Value)
				}
			}
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "fmt" && (strings.HasPrefix(s.Sel.Name, "Fprint") || strings.HasPrefix(s.Sel.Name, "Print")) {
				t.Errorf("%s: print with text.%s, which cleans what it prints", files.Position(n.Pos()), s.Sel.Name)
			}
			return true
		})
	}
}
