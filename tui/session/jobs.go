package session

import (
	"context"
	"path/filepath"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
)

// job is a task in the queue.
type job struct {
	id     int
	task   Task
	size   int64 // bytes, -1 where it is not known
	feed   *feed.Tracker
	cancel context.CancelFunc
	output string
	snap   feed.Snapshot // as of the last look
	quit   bool          // cancelling was asked for
}

func (j *job) name() string { return j.task.name() }

// name is what a task is known by on the screen.
func (t Task) name() string {
	if t.Op == Train {
		return t.Train.Name
	}
	return filepath.Base(t.Path)
}

// queue runs tasks one after the other: a model takes the whole machine. Downloads,
// which take next to nothing of it, have a queue of their own beside them.
type queue struct {
	ctx   context.Context
	run   func(ctx context.Context, t Task, j *feed.Tracker) (Outcome, error)
	clock feed.Clock
	jobs  []*job // in the order they were added
	next  int    // the id of the next one
}

// endMsg says that a job ended; Update starts the next one.
type endMsg struct {
	id      int
	outcome Outcome
	err     error
}

// add puts a task at the end of the queue.
func (q *queue) add(t Task, size int64) *job {
	j := &job{id: q.next, task: t, size: size, feed: feed.New(t.name(), size, q.clock), cancel: func() {}}
	j.snap = j.feed.Snapshot()
	q.next++
	q.jobs = append(q.jobs, j)
	return j
}

// start starts the next waiting download and the next other task, where none runs. A
// task that needs a model waits for the download of it. working is whether it started
// one that needs the machine.
func (q *queue) start() (cmd tea.Cmd, working bool) {
	var downloads, works bool
	coming := map[string]bool{} // models
	for _, j := range q.jobs {
		if j.task.Op == Pull && !j.snap.State.Over() {
			coming[j.task.Path] = true
		}
		switch j.snap.State {
		case feed.Running, feed.Paused:
			downloads = downloads || j.task.Op == Pull
			works = works || j.task.Op != Pull
		}
	}
	var cmds []tea.Cmd
	for _, j := range q.jobs {
		if j.snap.State != feed.Waiting {
			continue
		}
		switch {
		case j.task.Op == Pull && !downloads:
			downloads = true
			cmds = append(cmds, q.begin(j))
		case j.task.Op != Pull && !works && !coming[j.task.needs()]:
			works, working = true, true
			cmds = append(cmds, q.begin(j))
		}
	}
	return tea.Batch(cmds...), working
}

// needs returns the model that must be here before the task can begin.
func (t Task) needs() string {
	if t.After != "" {
		return t.After
	}
	if t.Op == Compress {
		return t.Model
	}
	return t.Train.Init
}

// begin returns the command that runs a job.
func (q *queue) begin(j *job) tea.Cmd {
	ctx, cancel := context.WithCancel(q.ctx)
	j.cancel = cancel
	j.snap.State = feed.Running
	task, id, f, run := j.task, j.id, j.feed, q.run
	return func() tea.Msg {
		defer cancel()
		o, err := run(ctx, task, f)
		f.Finish(o.Result, err)
		return endMsg{id, o, err}
	}
}

// look takes snapshots of the jobs that may have moved.
func (q *queue) look() {
	for _, j := range q.jobs {
		if j.snap.State == feed.Waiting || j.snap.State.Over() {
			continue
		}
		s := j.feed.Snapshot()
		if s.State == feed.Waiting {
			// It has begun, but said nothing yet.
			if s.State = feed.Running; j.feed.Gate().Closed() {
				s.State = feed.Paused
			}
		}
		j.snap = s
	}
}

// end takes the end of a job, and returns it.
func (q *queue) end(m endMsg) *job {
	for _, j := range q.jobs {
		if j.id == m.id {
			j.snap = j.feed.Snapshot()
			j.output = m.outcome.Output
			return j
		}
	}
	return nil
}

// stop cancels a job; one that waits is over at once.
func (q *queue) stop(j *job) {
	j.quit = true
	if j.snap.State == feed.Waiting {
		j.feed.Finish(engine.Result{}, context.Canceled)
		j.snap = j.feed.Snapshot()
	}
	j.cancel()
}

// stopAll cancels all jobs.
func (q *queue) stopAll() {
	for _, j := range q.jobs {
		if !j.snap.State.Over() {
			q.stop(j)
		}
	}
}

// pause pauses a running job or lets it go on.
func (q *queue) pause(j *job) {
	if j.snap.State == feed.Paused {
		j.feed.Resume()
	} else {
		j.feed.Pause()
	}
	q.look()
}

// drop forgets a job.
func (q *queue) drop(j *job) {
	for i := range q.jobs {
		if q.jobs[i] == j {
			q.jobs = append(q.jobs[:i:i], q.jobs[i+1:]...)
			return
		}
	}
}

// clear forgets the jobs that are over.
func (q *queue) clear() {
	var keep []*job
	for _, j := range q.jobs {
		if !j.snap.State.Over() {
			keep = append(keep, j)
		}
	}
	q.jobs = keep
}

// active returns the numbers of jobs that run and that wait.
func (q *queue) active() (running, waiting int) {
	for _, j := range q.jobs {
		switch j.snap.State {
		case feed.Waiting:
			waiting++
		case feed.Running, feed.Paused:
			running++
		}
	}
	return running, waiting
}
