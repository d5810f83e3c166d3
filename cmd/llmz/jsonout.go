package main

import (
	"encoding/hex"
	"encoding/json"
	"io"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/bench"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/models"
)

// A resultObject is the JSON form of a finished job. Its fields are a contract:
// add, never rename. Times are in seconds, sizes in bytes.
type resultObject struct {
	Op              string             `json:"op"`
	File            string             `json:"file"`
	Output          string             `json:"output,omitempty"`
	Model           string             `json:"model"`
	ModelSHA256     string             `json:"model_sha256"`
	ModelBundled    bool               `json:"model_bundled"`
	ModelPath       string             `json:"model_path,omitempty"` // decoding needs this file
	Device          string             `json:"device"`
	Kernel          string             `json:"kernel"`
	OriginalBytes   int64              `json:"original_bytes"`
	CompressedBytes int64              `json:"compressed_bytes"`
	Ratio           float64            `json:"ratio"`
	BPC             float64            `json:"bpc"`
	Seconds         float64            `json:"seconds"`
	BytesPerSecond  float64            `json:"bytes_per_second"`
	Symbols         int64              `json:"symbols"`
	Blocks          int                `json:"blocks"`
	StoredBlocks    int                `json:"stored_blocks"`
	Lanes           int                `json:"lanes"`
	Threads         int                `json:"threads"`
	Mixed           bool               `json:"mixed"`
	PeakRSSBytes    int64              `json:"peak_rss_bytes"`
	Verified        bool               `json:"verified"`
	Removed         bool               `json:"removed,omitempty"`
	ResumedBytes    int64              `json:"resumed_bytes,omitempty"`
	Part            int                `json:"part,omitempty"`  // of so many:
	Parts           int                `json:"parts,omitempty"` // also those that were joined
	Damaged         []damageObject     `json:"damaged,omitempty"`
	Profile         map[string]float64 `json:"profile"`
	Error           string             `json:"error,omitempty"`
	ExitCode        int                `json:"exit_code,omitempty"`
}

// A damageObject is a range that --salvage could not restore; -1 is unknown.
type damageObject struct {
	Block  int    `json:"block"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	Error  string `json:"error"`
}

// An errorObject is the JSON form of a job that failed before it had a result.
type errorObject struct {
	Op       string `json:"op"`
	File     string `json:"file"`
	Error    string `json:"error"`
	ExitCode int    `json:"exit_code"`
}

// newResultObject turns a result into its JSON form.
func newResultObject(r filejob.Result) resultObject {
	profile := make(map[string]float64, engine.NumStages)
	for s := range engine.NumStages {
		profile[s.Name(r.Direction)] = r.Profile[s].Seconds()
	}
	o := resultObject{
		Op: string(r.Op), File: r.Input, Output: r.Output,
		Model: modelName(r.Model), ModelSHA256: hex.EncodeToString(r.Model.Digest), ModelBundled: r.Model.Bundled, Device: r.Model.Device, Kernel: r.Model.Kernel,
		OriginalBytes: r.OriginalBytes, CompressedBytes: r.CompressedBytes, Ratio: r.Ratio(), BPC: r.BPC(),
		Seconds: r.Elapsed.Seconds(), BytesPerSecond: r.BytesPerSecond(), Symbols: r.Symbols,
		Blocks: r.Blocks, StoredBlocks: r.StoredBlocks, Lanes: r.Lanes, Threads: r.Threads, Mixed: r.Mixed,
		PeakRSSBytes: bench.PeakRSS(), Verified: r.Verified, Removed: r.Removed, ResumedBytes: r.Resumed, Profile: profile,
	}
	if r.Part != nil {
		o.Part, o.Parts = r.Part.Number, r.Part.Of
	}
	for _, d := range r.Damaged {
		text := ""
		if d.Err != nil {
			text = d.Err.Error()
		}
		o.Damaged = append(o.Damaged, damageObject{d.Block, d.Offset, d.Length, text})
	}
	return o
}

// A jsonReporter prints a result object per job and, if events is set, an object
// with a "type" per event.
type jsonReporter struct {
	w      io.Writer
	events bool
	models *models.Registry
	job    filejob.Job
}

func (j *jsonReporter) print(v any) { _ = json.NewEncoder(j.w).Encode(v) }

func (j *jsonReporter) begin(job filejob.Job) { j.job = job }

func (j *jsonReporter) observe(e engine.Event) {
	if !j.events {
		return
	}
	switch e := e.(type) {
	case engine.Started:
		j.print(map[string]any{
			"type": "started", "file": j.job.Input, "direction": directionName(e.Direction), "model": modelName(e.Model),
			"total_bytes": e.TotalBytes, "lanes": e.Lanes, "threads": e.Threads, "mixed": e.Mixed,
		})
	case engine.Progress:
		j.print(map[string]any{
			"type": "progress", "file": j.job.Input, "bytes": e.Bytes, "total_bytes": e.TotalBytes,
			"compressed_bytes": e.CompressedBytes, "symbols": e.Symbols, "block": e.Block, "bpc": e.BPC(), "seconds": e.Elapsed.Seconds(),
		})
	case engine.BlockDone:
		j.print(map[string]any{
			"type": "block", "file": j.job.Input, "block": e.Block, "stored": e.Stored, "lanes": e.Lanes,
			"original_bytes": e.OriginalBytes, "compressed_bytes": e.CompressedBytes,
		})
	case engine.Warning:
		j.print(map[string]any{"type": "warning", "file": j.job.Input, "message": e.Message})
	}
}

func (j *jsonReporter) end(r filejob.Result, err error) {
	switch {
	case err != nil && r.Op == "":
		j.print(errorObject{string(j.job.Op), j.job.Input, err.Error(), exitCode(err)})
	default:
		o := newResultObject(r)
		if r.NeedsModel {
			o.ModelPath = j.models.OriginOf(r.Model).Path
		}
		if err != nil {
			o.Error, o.ExitCode = err.Error(), exitCode(err)
		}
		j.print(o)
	}
}

func directionName(d engine.Direction) string {
	if d == engine.Compressing {
		return string(filejob.Compress)
	}
	return string(filejob.Decompress)
}
