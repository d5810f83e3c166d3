// Package session is what llmz shows when it is started alone on a terminal:
// files to choose, models to choose from, jobs at work, and a history of results.
//
// The session knows nothing of archives and models. What it can do is in its
// Backend: functions that the command fills in, and that tests replace. It draws
// what the engine's events say.
//
// Layout of the package: one root model (Session), one struct for each screen,
// dialogs over them. Screens are plain structs; nothing does input or output in
// Update, only in commands.
package session

import (
	"context"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/race"
)

// Op is what a job does to a file.
type Op string

// The operations.
const (
	Compress   Op = "compress"
	Decompress Op = "decompress"
	Test       Op = "test"
	Train      Op = "train"
	Pull       Op = "pull"
)

// Settings are what the user may choose for jobs; the zero values are good.
type Settings struct {
	Model     string
	BlockSize int // bytes, 0: the default
	Lanes     int // 0: chosen from the block's length
	Threads   int // 0: all cores
	NoMix     bool
	Verify    bool
	Remove    bool
	Force     bool
}

// A Task is one file to work on.
type Task struct {
	Op   Op
	Path string // the file; for Pull, the model's name
	// More are further files, for Train.
	More  []string
	Train TrainPlan
	// After is a model whose download the task waits for, if there is one.
	After string
	// Salvage lets Decompress restore what is intact of a damaged archive.
	Salvage bool
	Settings
}

// A TrainPlan says what kind of model to train.
type TrainPlan struct {
	Name string // of the new model
	// Arch is "lstm" or "gru" for a model from scratch; Init is the model to adapt
	// instead.
	Arch, Init string
	Minutes    float64
	// Resume goes on from the checkpoint of an interrupted training; without it that
	// is thrown away.
	Resume bool
}

// A TrainTarget is what is known about a name for a new model.
type TrainTarget struct {
	Problem     string // why it cannot be used
	Exists      bool   // there is such a model, which would be replaced
	Interrupted bool   // there is a checkpoint of an interrupted training
}

// An Outcome is what a task left.
type Outcome struct {
	engine.Result
	Output string // the path written, empty where there is none
}

// Where says where a model is.
type Where int

// The places of models.
const (
	Bundled   Where = iota // part of the program
	Installed              // on this machine
	Available              // can be pulled
	Broken                 // here, but not usable
)

// A Model is a line of the models' screen.
type Model struct {
	Name       string
	About      string
	Where      Where
	Problem    string // why it is Broken
	Kind       string // "GRU", "GPT-2"
	Parameters int64
	Bytes      int64 // on the disk, or to download
	// Speed is in bytes per second and BPC in bits per byte, on this machine, where
	// the session has found out; 0 where nothing is known.
	Speed, BPC float64
	// Get is the command that installs it ("llmz models pull gpt2").
	Get string
}

// An Estimate is what a file would become with a model, judged by samples.
type Estimate struct {
	Model    string
	Original int64
	Bytes    int64 // compressed
	Time     time.Duration
	Exact    bool // all of the file was coded to find out
	Err      error
}

// BPC returns the bits per byte, 0 where there is nothing to tell.
func (e Estimate) BPC() float64 {
	if e.Original == 0 {
		return 0
	}
	return 8 * float64(e.Bytes) / float64(e.Original)
}

// Speed returns bytes per second, 0 where it is not known.
func (e Estimate) Speed() float64 {
	if e.Time <= 0 {
		return 0
	}
	return float64(e.Original) / e.Time.Seconds()
}

// Backend is what the session can do. Functions that are nil are not offered.
type Backend struct {
	Models func(ctx context.Context) ([]Model, error)
	// Run does a task, tells the job how far it is, and waits at its gate.
	// It may be called for a Pull beside another task. Errors may be a *Failure.
	Run func(ctx context.Context, t Task, j *feed.Tracker) (Outcome, error)
	// Estimate judges by samples what a file would become with the settings' model.
	Estimate func(ctx context.Context, path string, x Settings) (Estimate, error)
	Entrants func(ctx context.Context) ([]race.Entrant, error)
	Inspect  func(ctx context.Context, path, model string, observe engine.Observer) (*engine.Inspection, error)
	// Info returns what is known about an archive, a line each.
	Info func(ctx context.Context, path string) ([]string, error)
	// TrainTarget looks at a name for a new model; nil where Run does not train.
	TrainTarget func(name string) TrainTarget
	Pull        bool // whether Run takes this operation
	// Remember keeps the settings that the session ended with; nil for nobody.
	Remember func(x Settings)
	// Space says how many bytes are free where models go, and where that is; nil
	// where it cannot be told.
	Space func() (free int64, place string, err error)
	// History is the file that keeps the results; empty for none.
	History string
	// ReadDir lists a directory; nil for the real one.
	ReadDir func(path string) ([]Entry, error)
}
