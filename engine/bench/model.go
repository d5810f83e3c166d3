package bench

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/predict"
)

// NoModel is the name of the case that codes with the context mixer alone.
const NoModel = "none"

// Loaded is a model that is ready, with the size of its file.
type Loaded struct {
	Model predict.Model
	Bytes int64
}

// OpenModels returns the Opener of llmz's own models, which load finds by name
// for a device. NoModel needs no load.
func OpenModels(load func(ctx context.Context, name, device string) (Loaded, error)) Opener {
	return func(ctx context.Context, c Case) (Subject, Facts, error) {
		s := &modelSubject{
			write: engine.Options{NoMix: c.NoMix, Rich: c.Rich, BlockSize: c.BlockSize, Lanes: c.Lanes, Threads: c.Threads, Meta: c.Data.meta()},
			read:  engine.ReadOptions{Threads: c.Threads},
		}
		if c.Model == NoModel {
			s.write.NoModel = true
			return s, Facts{Device: "cpu", Note: "context mixing alone"}, nil
		}
		l, err := load(ctx, c.Model, c.Device)
		if err != nil {
			return nil, Facts{}, err
		}
		s.write.Model = l.Model
		s.loaded = loadedModels{l.Model}
		if c.Repeats != "" {
			other, err := load(ctx, c.Repeats, c.Device)
			if err != nil {
				s.Close()
				return nil, Facts{}, err
			}
			s.write.ForRepeats = other.Model
			s.loaded = append(s.loaded, other.Model)
		}
		s.read.Models = s.loaded
		info := l.Model.Info()
		return s, Facts{
			ModelSHA256: hex.EncodeToString(info.Digest), Parameters: info.Parameters, ModelBytes: l.Bytes,
			Device: info.Device, Kernel: info.Kernel,
		}, nil
	}
}

// modelSubject compresses with the engine.
type modelSubject struct {
	write  engine.Options
	read   engine.ReadOptions
	loaded loadedModels
}

// curveInterval is the time between samples along a file.
const curveInterval = 5 * time.Millisecond

func (s *modelSubject) Compress(ctx context.Context, dst io.Writer, src io.Reader, size int64, sample func(bytes, compressed int64)) (Outcome, error) {
	o := s.write
	o.Size = size
	if sample != nil {
		o.ProgressInterval = curveInterval
		o.Observer = func(e engine.Event) {
			if p, ok := e.(engine.Progress); ok {
				sample(p.Bytes, p.CompressedBytes)
			}
		}
	}
	r, err := engine.Compress(ctx, dst, src, o)
	return outcome(r), err
}

func (s *modelSubject) Decompress(ctx context.Context, dst io.Writer, src io.Reader) (Outcome, error) {
	r, err := engine.Decompress(ctx, dst, src, s.read)
	return outcome(r), err
}

func (s *modelSubject) Close() error {
	var errs []error
	for _, m := range s.loaded {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

func outcome(r engine.Result) Outcome {
	return Outcome{Symbols: r.Symbols, Blocks: r.Blocks, Lanes: r.Lanes, Threads: r.Threads, Mixer: r.Mixer, Profile: stages(r.Profile, r.Direction)}
}

// stages returns a profile as rows have it: seconds by the stages' names.
func stages(p engine.Profile, dir engine.Direction) map[string]float64 {
	m := make(map[string]float64, engine.NumStages)
	for stage := range engine.NumStages {
		m[stage.Name(dir)] = p[stage].Seconds()
	}
	return m
}

// loadedModels resolve archives to the model that made them, so that a
// decompression is not charged with loading it again.
type loadedModels []predict.Model

func (l loadedModels) Resolve(_ context.Context, ref predict.Ref) (predict.Model, error) {
	for _, m := range l {
		have := m.Info().Digest
		if n := min(len(have), len(ref.Digest)); !bytes.Equal(have[:n], ref.Digest[:n]) {
			continue
		}
		if t, ok := m.(predict.TokenModel); ok {
			return keptTokenModel{t}, nil
		}
		return keptModel{m}, nil
	}
	return nil, fmt.Errorf("%s: %w", ref.Name, predict.ErrMismatch)
}

// keptModel and keptTokenModel stay open when the engine closes them.
type keptModel struct{ predict.Model }

func (keptModel) Close() error { return nil }

type keptTokenModel struct{ predict.TokenModel }

func (keptTokenModel) Close() error { return nil }
