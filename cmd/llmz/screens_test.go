//go:build linux || darwin

package main

import (
	"crypto/sha256"
	"fmt"
	"image/color"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/models"
)

// The views of a file: progress, pause, details, a window that changes its size, and an
// interruption that leaves nothing behind.
func TestScreenOfAFile(t *testing.T) {
	dir := withSmall(t)
	bigText(t, filepath.Join(dir, "big.txt"), 4<<20)
	x := openTTY(t, dir, 80, 24, color.Black, "-m", "lstm", "small.txt")
	if out := x.ends(exitOK); !strings.Contains(out, "small.txt.llmz") || !strings.Contains(out, " BPC") || !strings.Contains(out, "model_infer") {
		t.Errorf("no summary:\n%s", out)
	}
	x = openTTY(t, dir, 100, 30, color.Black, "-m", "gru", "big.txt")
	x.shows("model_infer")
	x.resize(50, 12)
	x.shows("ctrl\\+c stop")
	x.resize(120, 35)
	x.types("p")
	x.shows("paused")
	x.types("p")
	x.types("d")
	x.shows("[0-9] threads?")
	x.types("<ctrl+c>")
	if out := x.ends(exitInterrupted); !strings.Contains(out, "stopped") {
		t.Errorf("no word of the interruption:\n%s", out)
	}
	if got := listing(t, dir); strings.Contains(got, "big.txt.llmz") || strings.Contains(got, "part") {
		t.Errorf("something was left behind: %s", got)
	}
}

// The session from its start to its end: filter, a model, a job, its result in the
// history, what another model would have made, and the help.
func TestScreenOfTheSession(t *testing.T) {
	dir := withSmall(t)
	x := openTTY(t, dir, 80, 24, color.Black)
	x.shows("1 Files")
	x.types("/small<enter>")
	x.shows(`with "small"`)
	x.types("2")
	x.shows("bundled")
	x.types("<end><enter>")
	x.shows("the next jobs use none")
	x.types("1")
	x.types("c")
	x.shows(`\[3 Jobs\]`)
	x.shows(`[0-9]x +[0-9.]+ BPC`)
	x.types("1c")
	x.shows("o overwrite") // it is there now
	x.types("o")
	x.shows(`✓ +compress`)
	x.types("4")
	x.shows("small.txt +none")
	x.types("w")
	x.shows("gru .*BPC")
	x.types("?")
	x.shows("any other key closes|any key closes")
	x.types("<enter>")
	x.types("q")
	x.ends(exitOK)
	for _, name := range []string{"small.txt.llmz", ".data/history.jsonl"} {
		if !filejob.Exists(filepath.Join(dir, name)) {
			t.Errorf("no %s", name)
		}
	}
}

// The mouse, and a window that gets tiny and large again.
func TestScreenWithAMouse(t *testing.T) {
	x := openTTY(t, withSmall(t), 80, 24, color.Black)
	x.shows("1 Files")
	x.clicks("2 Models")
	x.shows(`\[2 Models\]`)
	x.shows(`samples of|[0-9] [kM]?B/s`)
	x.clicks("1 Files")
	x.shows(`\[1 Files\]`)
	x.types("/small.txt<enter>")
	x.shows(`with "small.txt"`)
	x.types("r")
	x.shows("Who races")
	x.types("\x1b[<0;1;1M\x1b[<0;1;1m")
	x.resize(20, 5)
	x.shows("too small|window is")
	x.resize(34, 8)
	x.shows("quit")
	x.resize(140, 40)
	x.shows("T train")
	x.types("q")
	x.ends(exitOK)
}

// A training: pause, stop with a checkpoint, and on to the end; the same in the session.
func TestScreenOfATraining(t *testing.T) {
	dir := withSmall(t)
	args := []string{"train", "small.txt", "-o", "new.gguf", "--hidden", "32", "--embed", "8"}
	x := openTTY(t, dir, 80, 24, color.Black, append(args, "--minutes", "5")...)
	x.shows("trained on")
	x.types("p")
	x.shows("paused")
	x.shows("checkpoint after")
	x.types("<ctrl+c>")
	if out := x.ends(exitInterrupted); !strings.Contains(out, "resume goes on") || !filejob.Exists(filepath.Join(dir, "new.gguf.checkpoint")) {
		t.Errorf("no checkpoint:\n%s", out)
	}
	x = openTTY(t, dir, 80, 24, color.Black, append(args, "--resume", "--minutes", "0.05")...)
	if out := x.ends(exitOK); !strings.Contains(out, "BPC on the text held out") || !strings.Contains(out, "very little") {
		t.Errorf("no summary, or no word of the little text:\n%s", out)
	}
	x = openTTY(t, dir, 100, 30, color.Black)
	x.shows("1 Files")
	x.types("/small.txt<enter>")
	x.shows(`with "small.txt"`)
	x.types("T")
	x.shows("very little")
	x.types("<down><left><left><left><down>2")
	x.shows("small2")
	x.types("<enter>")
	x.shows("trained on")
	x.types("p")
	x.shows("paused at")
	x.types("px")
	x.shows("stopped")
	if !filejob.Exists(filepath.Join(dir, ".data/models/small2.gguf.checkpoint")) {
		t.Error("no checkpoint in the session")
	}
	x.types("q")
	x.ends(exitOK)
}

// What can be done about several files says which ones.
func TestHintsNameFiles(t *testing.T) {
	dir := withSmall(t)
	for _, name := range []string{"a.txt", "b.txt", "a.txt.llmz", "b.txt.llmz"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("there is something here already"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	x := openTTY(t, dir, 140, 24, color.Black, "-m", "none", "a.txt", "small.txt", "b.txt", "folder")
	out := x.ends(exitFailed)
	for _, want := range []string{"hint: a.txt, b.txt: overwrite it", "hint: folder: -r takes the files in folder"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q:\n%s", want, out)
		}
	}
}

// A race, and its table in the scrollback.
func TestScreenOfARace(t *testing.T) {
	x := openTTY(t, withSmall(t), 100, 30, color.Black, "race", "small.txt", "-m", "none,zip-9,gpt2")
	x.shows("the table stays")
	x.shows("llmz models pull gpt2")
	x.types("q")
	if out := x.ends(exitMissing); !strings.Contains(out, "1st ") || !strings.Contains(out, "none") {
		t.Errorf("no winner in the scrollback:\n%s", out)
	}
}

// The heat-map.
func TestScreenOfAnInspection(t *testing.T) {
	x := openTTY(t, withSmall(t), 80, 24, color.Black, "inspect", "-m", "lstm", "small.txt")
	x.shows("expected")
	x.shows("line  text +bits +BPC")
	x.types("n")
	x.shows("byte [0-9]+")
	x.types("b")
	x.shows("lstm alone")
	x.types("q")
	x.ends(exitOK)
}

// On a light background all views take its colours, and what they leave does.
func TestScreensOnLight(t *testing.T) {
	const good = "38;2;21;128;61"
	dir := withSmall(t)
	for _, c := range []struct {
		name, sign, keys string
		args             []string
	}{
		{"file", "", "", []string{"-f", "-m", "none", "small.txt"}},
		{"race", "the table stays", "q", []string{"race", "small.txt", "-m", "none,zip-9"}},
		{"session", "", "q", nil},
	} {
		for _, light := range []bool{true, false} {
			background := color.Color(color.Black)
			if light {
				background = color.White
			}
			x := openTTY(t, dir, 100, 30, background, c.args...)
			if c.name == "session" {
				x.shows("1 Files")
				x.types("2")
				x.shows("bundled")
			}
			if c.sign != "" {
				x.shows(c.sign)
			}
			if light {
				x.until(good, x.screen.Render)
			}
			x.types(c.keys)
			out := x.ends(exitOK)
			x.mu.Lock()
			coloured := strings.Contains(x.written.String(), good)
			x.mu.Unlock()
			if coloured != light {
				t.Errorf("%s: light %v, colours for it %v", c.name, light, coloured)
			}
			if strings.Contains(out, "rgb:") {
				t.Errorf("%s: the terminal's answer is on the screen:\n%s", c.name, out)
			}
		}
	}
}

// A terminal that can do nothing, a job's log and --no-tui get plain text.
func TestPlainScreens(t *testing.T) {
	dir := withSmall(t)
	for _, set := range []string{"TERM=dumb", "CI=true"} {
		t.Run(set, func(t *testing.T) {
			name, value, _ := strings.Cut(set, "=")
			t.Setenv(name, value)
			for _, c := range []struct {
				want string
				code int
				args []string
			}{
				{"Compression Ratio", exitOK, []string{"--no-tui", "-f", "-m", "none", "small.txt"}},
				{"does not exist", exitFailed, []string{"-m", "none", "missing.txt"}},
				{"zip-9", exitOK, []string{"race", "small.txt", "-m", "none,zip-9"}},
				{"bits", exitOK, []string{"inspect", "-m", "none", "small.txt"}},
				{"BPC", exitOK, []string{"estimate", "-m", "none", "small.txt"}},
				{"nothing to do", exitUsage, nil},
			} {
				out, code := onTerminal(t, dir, "in out err", c.args...)
				if code != c.code || strings.Contains(out, "\x1b") || !strings.Contains(out, c.want) {
					t.Errorf("%v: exit code %d, %q", c.args, code, out)
				}
			}
		})
	}
	t.Setenv("NO_COLOR", "1")
	x := openTTY(t, dir, 80, 24, color.Black, "-f", "-m", "none", "small.txt")
	x.ends(exitOK)
	x.mu.Lock()
	defer x.mu.Unlock()
	if colours := regexp.MustCompile(`\x1b\[[0-9;]*(3[0-7]|9[0-7]|38;[25])[0-9;]*m`); colours.MatchString(x.written.String()) || !strings.Contains(x.written.String(), "\x1b[") {
		t.Errorf("colours in spite of NO_COLOR, or no view: %q", x.written.String())
	}
}

// A download that breaks off at times: pause, stop, and on to the end.
func TestScreenOfADownload(t *testing.T) {
	data, _ := models.BundledFile("gru")
	h := &slowHub{data: data, etag: fmt.Sprintf("%x", sha256.Sum256(data)), rate: len(data) / 3, drop: len(data) / 4}
	s := httptest.NewServer(h)
	defer s.Close()
	t.Setenv("HF_ENDPOINT", s.URL)
	dir := t.TempDir()
	x := openTTY(t, dir, 80, 24, color.Black, "models", "pull", pulledModel)
	x.shows("[1-9][0-9]%")
	x.types("p")
	x.shows("paused")
	x.types("p")
	x.shows("[3-9][0-9]%")
	x.types("<ctrl+c>")
	if out := x.ends(exitInterrupted); !strings.Contains(out, "goes on from there") {
		t.Errorf("no word about going on:\n%s", out)
	}
	x = openTTY(t, dir, 80, 24, color.Black, "models", "pull", pulledModel)
	x.shows("resumed at")
	x.ends(exitOK)
	if !filejob.Exists(filepath.Join(dir, ".data/models", pulledModel+".gguf")) {
		t.Error("no model")
	}
}

// slowHub serves one file for every name, slowly, and breaks every other answer off.
type slowHub struct {
	data       []byte
	etag       string
	rate, drop int // bytes a second, and to an answer that breaks off
	answers    atomic.Int32
}

func (h *slowHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, ".gguf") {
		http.NotFound(w, r)
		return
	}
	from, n := 0, len(h.data)
	w.Header().Set("X-Linked-Etag", `"`+h.etag+`"`)
	w.Header().Set("X-Linked-Size", strconv.Itoa(n))
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && from < n {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, n-1, n))
	}
	w.Header().Set("Content-Length", strconv.Itoa(n-from))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	if r.Method == http.MethodHead {
		return
	}
	end := n
	if h.answers.Add(1)%2 == 1 {
		end = min(n, from+h.drop)
	}
	const steps = 20 // a second
	for from < end && r.Context().Err() == nil {
		to := min(end, from+max(1, h.rate/steps))
		if _, err := w.Write(h.data[from:to]); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		from = to
		time.Sleep(time.Second / steps)
	}
	if end < n {
		panic(http.ErrAbortHandler)
	}
}
