package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/session"
)

// trainOptions turns what was chosen in a session into those of "llmz train".
func (b *sessionBackend) trainOptions(t session.Task) *trainOptions {
	o := newTrainOptions()
	o.output = b.modelPath(t.Train.Name)
	o.minutes = t.Train.Minutes
	o.init = t.Train.Init
	if t.Train.Arch != "" {
		o.config.Shape.Arch = t.Train.Arch
	}
	o.threads = threadCount(t.Threads)
	// The user was asked before the task began.
	o.force, o.config.Resume = true, t.Train.Resume
	return &o
}

// train trains a model into the models' directory.
func (b *sessionBackend) train(ctx context.Context, t session.Task, j *feed.Tracker) (session.Outcome, error) {
	o := b.trainOptions(t)
	if err := os.MkdirAll(filepath.Dir(o.output), 0o755); err != nil {
		return session.Outcome{}, err
	}
	if err := o.complete(ctx, b.a, func(string) bool { return false }); err != nil {
		return session.Outcome{}, err
	}
	o.config.Gate = j.Gate()
	done, err := o.train(ctx, nil, append([]string{t.Path}, t.More...), nil, j.Train)
	done.warn(j)
	if err != nil && ctx.Err() != nil {
		err = context.Canceled
	}
	return session.Outcome{Output: done.Output}, err
}

func (b *sessionBackend) modelPath(name string) string {
	return filepath.Join(b.a.models.Dir, name+models.Extension)
}

// trainTarget looks at a name for a new model.
func (b *sessionBackend) trainTarget(name string) session.TrainTarget {
	var t session.TrainTarget
	switch {
	case name == "":
		t.Problem = "a model needs a name"
	case strings.ContainsAny(name, `/\:*?"<>|`) || strings.HasPrefix(name, ".") || strings.HasSuffix(name, models.Extension):
		t.Problem = fmt.Sprintf("%q is no name: use letters, digits, - and _", name)
	case name == noModel:
		t.Problem = name + " stands for no model at all"
	}
	if _, ok := models.BundledFile(name); ok {
		t.Problem = name + " is part of the program: choose another name"
	}
	if t.Problem == "" {
		path := b.modelPath(name)
		t.Exists, t.Interrupted = filejob.Exists(path), filejob.Exists(path+checkpointSuffix)
	}
	return t
}
