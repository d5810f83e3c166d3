package session

import (
	"context"
	"path/filepath"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/inspect"
	"github.com/llmz/llmz/tui/internal/screen"
	"github.com/llmz/llmz/tui/race"
	"github.com/llmz/llmz/tui/text"
)

// enqueue adds tasks and starts working.
func (s *Session) enqueue(tasks []Task, sizes []int64) tea.Cmd {
	if s.b.Run == nil || len(tasks) == 0 {
		return nil
	}
	for i, t := range tasks {
		s.queue.add(t, sizes[i])
	}
	s.tab = tabJobs
	s.layout()
	s.jobs.follow(s)
	return s.work()
}

// work starts the next job and the looking at it.
func (s *Session) work() tea.Cmd {
	cmd, working := s.queue.start()
	if working {
		s.stopJudging()
	}
	if s.ticking || cmd == nil {
		return cmd
	}
	s.ticking = true
	return tea.Batch(cmd, tick())
}

func tick() tea.Cmd {
	return tea.Tick(FrameTime, func(time.Time) tea.Msg { return frameMsg{} })
}

// frame looks at the jobs, as long as one runs.
func (s *Session) frame() tea.Cmd {
	s.queue.look()
	s.layout()
	if running, _ := s.queue.active(); running == 0 {
		s.ticking = false
		return nil
	}
	return tick()
}

// ended takes the end of a job: it goes into the history, and the next starts.
func (s *Session) ended(msg endMsg) tea.Cmd {
	j := s.queue.end(msg)
	if j == nil {
		return nil
	}
	watched := s.jobs.current(s) == j
	cmds := []tea.Cmd{s.work()}
	if running, _ := s.queue.active(); watched && running > 0 {
		s.jobs.follow(s)
	}
	switch {
	case j.snap.State == feed.Cancelled:
		s.say(j.name() + ": stopped")
	default:
		if msg.err != nil && (s.tab != tabJobs || s.jobs.current(s) != j) {
			s.complain(msg.err) // else the screen says it already
		}
		if j.task.Op != Pull {
			cmds = append(cmds, s.history.add(s, newRecord(j.task, j.snap, j.output, s.o.Clock())))
		}
	}
	if j.task.Op == Pull || j.task.Op == Train {
		cmds = append(cmds, s.loadModels())
	}
	// What was written shows in the picker.
	cmds = append(cmds, s.readDir(s.files.dir))
	s.layout()
	if running, waiting := s.queue.active(); s.leaving && running+waiting == 0 {
		return tea.Quit
	}
	return tea.Batch(cmds...)
}

// askQuit quits, after a question if something runs.
func (s *Session) askQuit() tea.Cmd {
	running, waiting := s.queue.active()
	if running+waiting == 0 {
		return s.leave()
	}
	s.dialog = &confirm{question: plural(running+waiting, "job") + " not finished. Stop and quit?", yes: (*Session).leave}
	return nil
}

// leave stops all jobs and quits once they have ended.
func (s *Session) leave() tea.Cmd {
	s.leaving = true
	s.dialog = nil
	s.closeView()
	s.queue.stopAll()
	if running, _ := s.queue.active(); running == 0 {
		return tea.Quit
	}
	s.say("stopping, and removing unfinished outputs")
	return nil
}

// open shows a view on the whole screen; stop ends what it does.
func (s *Session) open(f screen.Part, stop func()) tea.Cmd {
	s.full, s.closeFull = f, stop
	f.SetSize(s.w, s.h)
	return f.Init()
}

func (s *Session) closeView() {
	if s.full == nil {
		return
	}
	s.closeFull()
	s.full, s.closeFull = nil, nil
}

// fullKey hands a key to the full view; it decides itself when it is left.
func (s *Session) fullKey(msg tea.KeyPressMsg) tea.Cmd {
	cmd := s.full.Update(msg)
	if s.full.Left() {
		s.closeView()
	}
	return cmd
}

// inspect opens the heat-map of a file.
func (s *Session) inspect(path string, size int64) tea.Cmd {
	if s.b.Inspect == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(s.ctx)
	run, model := s.b.Inspect, s.settings.Model
	m := inspect.New(ctx, filepath.Base(path), size, func(ctx context.Context, observe engine.Observer) (*engine.Inspection, error) {
		return run(ctx, path, model, observe)
	}, s.t)
	return s.open(m, cancel)
}

// raceMsg brings the possible entrants of a race.
type raceMsg struct {
	path     string
	size     int64
	entrants []race.Entrant
	err      error
}

// askRace looks who could race on a file.
func (s *Session) askRace(path string, size int64) tea.Cmd {
	if s.b.Entrants == nil {
		return nil
	}
	ctx, entrants := s.ctx, s.b.Entrants
	s.say("looking who can race")
	return func() tea.Msg {
		list, err := entrants(ctx)
		return raceMsg{path, size, list, err}
	}
}

// usualEntrants are those marked at first.
var usualEntrants = map[string]bool{"lstm": true, "gru": true, "xz-9": true, "zstd-best": true}

// chooseRace asks who shall race.
func (s *Session) chooseRace(msg raceMsg) tea.Cmd {
	s.say("")
	if msg.err != nil {
		s.complain(msg.err)
		return nil
	}
	c := &checklist{asks: "Who races on " + filepath.Base(msg.path) + "?"}
	for _, e := range msg.entrants {
		i := item{name: e.Name, on: e.Missing == "" && usualEntrants[e.Name]}
		if e.Missing != "" {
			i.note = "not here: " + e.Missing
		}
		c.items = append(c.items, i)
	}
	c.list.resize(len(c.items), len(c.items))
	c.done = func(s *Session, on []bool) tea.Cmd {
		var chosen []race.Entrant
		for i, e := range msg.entrants {
			if on[i] {
				chosen = append(chosen, e)
			} else if e.Close != nil {
				e.Close()
			}
		}
		if len(chosen) == 0 {
			return nil
		}
		contest := race.New(filepath.Base(msg.path), msg.size, opener(msg.path), chosen, s.o.Clock)
		m := race.NewModel(s.ctx, contest, s.t, true)
		m.Within = true
		return s.open(m, func() { go m.Stop() })
	}
	s.dialog = c
	return nil
}

// info shows what is known about an archive.
func (s *Session) info(path string) tea.Cmd {
	if s.b.Info == nil {
		return nil
	}
	ctx, info := s.ctx, s.b.Info
	return func() tea.Msg {
		lines, err := info(ctx, path)
		return textMsg{text.Clean(filepath.Base(path)), lines, err}
	}
}
