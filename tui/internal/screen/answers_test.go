package screen

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/internal/golden"
)

// brief is a program that ends as soon as it has begun.
type brief struct{ dark chan bool }

func (b brief) Init() tea.Cmd { return tea.Quit }

func (b brief) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if c, ok := msg.(tea.BackgroundColorMsg); ok {
		b.dark <- c.IsDark()
	}
	return b, nil
}

func (b brief) View() tea.View { return tea.NewView("") }

// terminal answers what it is asked, some time later.
type terminal struct {
	mu    sync.Mutex
	asked bytes.Buffer
	keys  *io.PipeWriter
	after time.Duration
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := strings.Count(t.asked.String(), "\x1b[c")
	t.asked.Write(p)
	if t.keys != nil && strings.Count(t.asked.String(), "\x1b[c") > before {
		go func() {
			time.Sleep(t.after)
			io.WriteString(t.keys, "\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;4c")
		}()
	}
	return len(p), nil
}

func (t *terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asked.String()
}

// An answer that comes after the end would be typed into the shell.
func TestAnswersAreAwaited(t *testing.T) {
	in, keys := io.Pipe()
	defer keys.Close()
	term, b := &terminal{keys: keys, after: 100 * time.Millisecond}, brief{make(chan bool, 1)}
	p := Program(b, Options{Theme: golden.Colour, Out: term, In: in, Environ: []string{"TERM=xterm-256color"}})
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	select {
	case dark := <-b.dark:
		if dark {
			t.Error("white is taken for dark")
		}
	default:
		t.Errorf("it ended before the answer; the terminal was asked %q", term)
	}
}

func TestTerminalsThatDoNotAnswer(t *testing.T) {
	term := &terminal{}
	p := Program(brief{make(chan bool, 1)}, Options{Theme: golden.Colour, Out: term, In: new(bytes.Buffer), Environ: []string{"TERM=xterm-256color"}})
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(term.String(), "\x1b]11;?") {
		t.Errorf("not asked for its background: %q", term)
	}
}

// Without keys nobody would read the answers.
func TestNothingIsAskedWithoutKeys(t *testing.T) {
	term := &terminal{}
	p := Program(brief{make(chan bool, 1)}, Options{Theme: golden.Colour, Out: term, Environ: []string{"TERM=xterm-256color"}})
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	for _, question := range []string{"\x1b]11;?", "\x1b[c", "$p"} {
		if strings.Contains(term.String(), question) {
			t.Errorf("%q in %q", question, term)
		}
	}
}
