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
	feed   *feed.Job
	verify *feed.Job // the events after the main work's end
	cancel context.CancelFunc
	output string
	snap   feed.Snapshot  // as of the last look
	check  *feed.Snapshot // while verifying
	quit   bool           // cancelling was asked for
}

func (j *job) name() string { return filepath.Base(j.task.Path) }

// queue runs tasks one after the other: a model takes the whole machine.
type queue struct {
	ctx   context.Context
	run   func(ctx context.Context, t Task, observe engine.Observer) (Outcome, error)
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
	ctx, cancel := context.WithCancel(q.ctx)
	j := &job{id: q.next, task: t, feed: feed.New(ctx, filepath.Base(t.Path), size, q.clock), cancel: cancel}
	j.snap = j.feed.Snapshot()
	q.next++
	q.jobs = append(q.jobs, j)
	return j
}

// start starts the next waiting task, if none runs.
func (q *queue) start() tea.Cmd {
	for _, j := range q.jobs {
		switch j.snap.State {
		case feed.Running, feed.Paused:
			return nil
		}
	}
	for _, j := range q.jobs {
		if j.snap.State != feed.Waiting {
			continue
		}
		ctx, cancel := context.WithCancel(q.ctx)
		f := feed.New(ctx, j.name(), j.snap.Total, q.clock)
		check := feed.New(ctx, j.name(), j.snap.Total, q.clock)
		j.feed, j.verify, j.cancel = f, check, cancel
		j.snap.State = feed.Running
		task, id, run := j.task, j.id, q.run
		return func() tea.Msg {
			defer cancel()
			// Verifying comes as a second run of events, in the other direction.
			to := f
			o, err := run(ctx, task, func(e engine.Event) {
				switch e.(type) {
				case engine.Finished:
					to = check
				case engine.Warning:
					f.Observe(e)
				default:
					to.Observe(e)
				}
			})
			f.Finish(o.Result, err)
			return endMsg{id, o, err}
		}
	}
	return nil
}

// look takes snapshots of the jobs that may have moved.
func (q *queue) look() {
	for _, j := range q.jobs {
		if j.snap.State == feed.Waiting || j.snap.State.Over() {
			continue
		}
		s := j.feed.Snapshot()
		if s.State == feed.Waiting {
			s.State = feed.Running // it has begun, but said nothing yet
		}
		j.snap, j.check = s, nil
		if c := j.verify.Snapshot(); c.State != feed.Waiting {
			j.check = &c
		}
	}
}

// end takes the end of a job, and returns it.
func (q *queue) end(m endMsg) *job {
	for _, j := range q.jobs {
		if j.id == m.id {
			j.snap, j.check = j.feed.Snapshot(), nil
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
	} else if j.check == nil {
		j.feed.Pause()
	}
	q.look()
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
