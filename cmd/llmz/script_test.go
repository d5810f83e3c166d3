package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/archive"
	"github.com/rogpeppe/go-internal/testscript"
)

// runMainEnv makes the test binary behave as llmz.
const runMainEnv = "LLMZ_TEST_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runMainEnv) != "" {
		main()
	}
	commands := map[string]func(){"llmz": main, "unllmz": main, "llmzcat": main}
	if commands[strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")] == nil {
		if err := asOnATerminal(); err != nil {
			panic(err)
		}
	}
	testscript.Main(testsApart{m}, commands)
}

// testsApart runs the tests with a data directory of their own: the user's remembers
// which models were where.
type testsApart struct{ m *testing.M }

func (t testsApart) Run() int {
	dir, err := os.MkdirTemp("", "llmz-test-data-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv("LLMZ_DATA_DIR", dir); err != nil {
		panic(err)
	}
	return t.m.Run()
}

// asOnATerminal takes from the environment what would change the look of the
// program or its answer to signals, so that the tests see the same wherever they run:
// a job's log often has NO_COLOR, CI or TERM=dumb.
func asOnATerminal() error {
	for _, name := range []string{"CI", "CLICOLOR", "CLICOLOR_FORCE", "COLORFGBG", "COLORTERM", "LLMZ_BLOCK_SIZE", "LLMZ_COLOR", "LLMZ_GLYPHS", "LLMZ_LEVEL", "LLMZ_MEMORY_LIMIT", "LLMZ_MODEL", "LLMZ_THREADS", "NO_COLOR", "STY", "TMUX", "TTY_FORCE", "WT_SESSION"} {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	// Programs ignore what their parents ignore, as nohup and shells do for jobs in
	// the background; what is handled here is not ignored there.
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
	if err := os.Setenv("LLMZ_CONFIG", os.DevNull); err != nil {
		return err
	}
	return os.Setenv("TERM", "xterm-256color")
}

func TestScript(t *testing.T) {
	corpus, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("LLMZ_DATA_DIR", filepath.Join(e.WorkDir, "data"))
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Setenv("CORPUS", corpus)
			e.Setenv("TMPDIR", filepath.Join(e.WorkDir, ".tmp"))
			small, err := os.ReadFile(filepath.Join(corpus, "canterbury_small.bin"))
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Join(e.WorkDir, ".tmp"), 0o755); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "small.txt"), small, 0o644)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "plots" {
				return canDraw, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":       cmdCode,
			"json":       cmdJSON,
			"damage":     cmdDamage,
			"cut":        cmdCut,
			"random":     cmdRandom,
			"touch":      cmdTouch,
			"mtime":      cmdMtime,
			"mode":       cmdMode,
			"smaller":    cmdSmaller,
			"nothing":    cmdNothing,
			"same":       cmdSame,
			"link":       cmdLink,
			"sizediff":   cmdSizeDiff,
			"slice":      cmdSlice,
			"equal":      cmdEqual,
			"concat":     cmdConcat,
			"wrong-sum":  cmdWrongSum,
			"for-stages": cmdStages,
		},
	})
}

// redirected are other names of llmz for cmdCode, and what becomes of its streams.
var redirected = map[string]string{"full": ">/dev/full", "without-stdout": ">&-", "without-stdin": "<&-"}

// equal FIELD FILE FILE: the field has the same value in two files of JSON.
func cmdEqual(ts *testscript.TestScript, neg bool, args []string) {
	var values [2]any
	for i, file := range args[1:] {
		var o map[string]any
		ts.Check(json.NewDecoder(strings.NewReader(ts.ReadFile(file))).Decode(&o))
		values[i] = o[args[0]]
	}
	if neg || values[0] == nil || values[0] != values[1] {
		ts.Fatalf("%s is %v and %v", args[0], values[0], values[1])
	}
}

// code N CMD ARGS...: run a command that must exit with N. CMD may be one of redirected.
func cmdCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N CMD [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	command, rest := args[1], args[2:]
	if r, ok := redirected[command]; ok {
		command, rest = "sh", append([]string{"-c", `llmz "$@" ` + r, "sh"}, rest...)
	}
	err = ts.Exec(command, rest...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// json FILE KEY [VALUE]: the last JSON object in FILE has KEY (with the value).
// A KEY with dots descends; ! means that it is absent.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: json FILE KEY [VALUE]")
	}
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	d := json.NewDecoder(strings.NewReader(lines[len(lines)-1]))
	d.UseNumber()
	var v any
	ts.Check(d.Decode(&v))
	found := true
	for _, key := range strings.Split(args[1], ".") {
		m, ok := v.(map[string]any)
		if !ok {
			found = false
			break
		}
		if v, found = m[key]; !found {
			break
		}
	}
	switch {
	case found == neg:
		ts.Fatalf("%s in %s: found is %v", args[1], lines[len(lines)-1], found)
	case !neg && len(args) == 3 && fmt.Sprint(v) != args[2]:
		ts.Fatalf("%s is %v, want %s", args[1], v, args[2])
	}
}

// damage FILE OFFSET: invert the byte at OFFSET; negative counts from the end.
func cmdDamage(ts *testscript.TestScript, neg bool, args []string) {
	edit(ts, args, func(b []byte, n int) []byte {
		b[n] ^= 0xff
		return b
	})
}

// cut FILE LENGTH: keep the first LENGTH bytes; negative: all but the last.
func cmdCut(ts *testscript.TestScript, neg bool, args []string) {
	edit(ts, args, func(b []byte, n int) []byte { return b[:n] })
}

func edit(ts *testscript.TestScript, args []string, f func(b []byte, n int) []byte) {
	if len(args) != 2 {
		ts.Fatalf("usage: FILE N")
	}
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	if n < 0 {
		n += len(b)
	}
	if n < 0 || n > len(b) {
		ts.Fatalf("offset %d is outside of %s (%d bytes)", n, args[0], len(b))
	}
	ts.Check(os.WriteFile(path, f(b, n), 0o644))
}

// random FILE LENGTH: incompressible bytes, the same each time.
func cmdRandom(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(b)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o644))
}

// touch FILE UNIXTIME: set the modification time.
func cmdTouch(ts *testscript.TestScript, neg bool, args []string) {
	s, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Chtimes(ts.MkAbs(args[0]), time.Time{}, time.Unix(s, 0)))
}

// mtime FILE UNIXTIME: check the modification time.
func cmdMtime(ts *testscript.TestScript, neg bool, args []string) {
	fi, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := strconv.FormatInt(fi.ModTime().Unix(), 10); got != args[1] {
		ts.Fatalf("modification time %s, want %s", got, args[1])
	}
}

// mode FILE OCTAL: check the permission bits.
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	fi, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%03o", fi.Mode().Perm()); got != args[1] {
		ts.Fatalf("mode %s, want %s", got, args[1])
	}
}

// smaller A B: A has fewer bytes than B.
func cmdSmaller(ts *testscript.TestScript, neg bool, args []string) {
	a, b := sizes(ts, args)
	if (a < b) == neg {
		ts.Fatalf("%s has %d bytes, %s %d", args[0], a, args[1], b)
	}
}

// sizediff A B MAX: A has at most MAX bytes more than B.
func cmdSizeDiff(ts *testscript.TestScript, neg bool, args []string) {
	a, b := sizes(ts, args[:2])
	most, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	if a-b > most {
		ts.Fatalf("%s has %d bytes, %s %d: more than %d apart", args[0], a, args[1], b, most)
	}
}

func sizes(ts *testscript.TestScript, args []string) (a, b int64) {
	x, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	y, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	return x.Size(), y.Size()
}

// nothing DIR: no partial file and no temporary file is left in DIR.
func cmdNothing(ts *testscript.TestScript, neg bool, args []string) {
	for _, dir := range []string{ts.MkAbs(args[0]), ts.MkAbs(".tmp")} {
		entries, err := os.ReadDir(dir)
		ts.Check(err)
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".part") {
				ts.Fatalf("%s is left in %s", e.Name(), dir)
			}
		}
	}
}

// same A B: the files have the same bytes.
func cmdSame(ts *testscript.TestScript, neg bool, args []string) {
	a, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	if bytes.Equal(a, b) == neg {
		ts.Fatalf("%s and %s: equal is %v", args[0], args[1], !neg)
	}
}

// link OLD NEW: a hard link.
func cmdLink(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(os.Link(ts.MkAbs(args[0]), ts.MkAbs(args[1])))
}

// slice OUT IN FROM TO: the bytes of IN from FROM up to, not including, TO.
func cmdSlice(ts *testscript.TestScript, neg bool, args []string) {
	b, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	from, err := strconv.Atoi(args[2])
	ts.Check(err)
	to, err := strconv.Atoi(args[3])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b[from:to], 0o644))
}

// wrong-sum OUT IN: the archive IN, whose records are intact, but whose content is said to
// be another.
func cmdWrongSum(ts *testscript.TestScript, neg bool, args []string) {
	in, err := os.Open(ts.MkAbs(args[1]))
	ts.Check(err)
	defer in.Close()
	r := archive.NewReader(in)
	h, err := r.NextMember()
	ts.Check(err)
	b, err := r.NextBlock()
	ts.Check(err)
	payload, err := r.Payload(nil)
	ts.Check(err)
	b.Sum ^= 1
	var out bytes.Buffer
	w, err := archive.NewWriter(&out, h)
	ts.Check(err)
	ts.Check(w.WriteBlock(b, payload))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o644))
}

// concat OUT IN...: the files, joined.
func cmdConcat(ts *testscript.TestScript, neg bool, args []string) {
	var all []byte
	for _, in := range args[1:] {
		b, err := os.ReadFile(ts.MkAbs(in))
		ts.Check(err)
		all = append(all, b...)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), all, 0o644))
}

// for-stages FILE STAGE...: the result object's profile has exactly these.
func cmdStages(ts *testscript.TestScript, neg bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	var o struct{ Profile map[string]float64 }
	ts.Check(json.Unmarshal([]byte(lines[len(lines)-1]), &o))
	for _, stage := range args[1:] {
		if _, ok := o.Profile[stage]; !ok {
			ts.Fatalf("no %s in %v", stage, o.Profile)
		}
	}
	if len(o.Profile) != len(args)-1 {
		ts.Fatalf("%d stages, want %d: %v", len(o.Profile), len(args)-1, o.Profile)
	}
}
