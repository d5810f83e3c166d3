package session

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/tui/feed"
)

// A Record is a finished job of the history. As JSON, one object a line, it is
// kept from session to session.
type Record struct {
	When       time.Time `json:"when"`
	Op         Op        `json:"op"`
	Path       string    `json:"path"`
	Output     string    `json:"output,omitempty"`
	Model      string    `json:"model,omitempty"`
	Original   int64     `json:"original_bytes"`
	Compressed int64     `json:"compressed_bytes"`
	Seconds    float64   `json:"seconds"`
	Error      string    `json:"error,omitempty"`
	Remedy     Remedy    `json:"remedy,omitempty"` // of the error
	Needs      string    `json:"needs,omitempty"`  // the model that was missing
}

func newRecord(t Task, s feed.Snapshot, output string, when time.Time) Record {
	r := Record{When: when, Op: t.Op, Path: t.Path, Output: output, Model: s.Model.Name,
		Original: s.Bytes, Compressed: s.Compressed, Seconds: s.Elapsed.Seconds()}
	if t.Op == Train {
		r.Model = t.Train.Name
	}
	if r.Model == "" && t.Op == Compress {
		r.Model = t.Model // of no model at all the events tell no name
	}
	if s.Err != nil {
		r.Error = s.Err.Error()
		r.Remedy, r.Needs = cure(s.Err)
	}
	return r
}

// BPC returns the bits of archive per byte, 0 where there is nothing to tell.
func (r Record) BPC() float64 {
	if r.Compressed == 0 || r.Original == 0 || r.Error != "" {
		return 0
	}
	return 8 * float64(r.Compressed) / float64(r.Original)
}

// Ratio returns how many times smaller the archive is.
func (r Record) Ratio() float64 {
	if r.Compressed == 0 || r.Error != "" {
		return 0
	}
	return float64(r.Original) / float64(r.Compressed)
}

// Speed returns original bytes per second.
func (r Record) Speed() float64 {
	if r.Seconds <= 0 || r.Error != "" {
		return 0
	}
	return float64(r.Original) / r.Seconds
}

// maxRecords bounds the history that is read back.
const maxRecords = 1000

// loadHistory reads the records of earlier sessions; lines that are no records
// are skipped. A missing file is an empty history.
func loadHistory(path string) ([]Record, error) {
	f, err := ctxio.OpenRegular(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []Record
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var r Record
		if json.Unmarshal(sc.Bytes(), &r) == nil && r.Op != "" {
			if len(out) == 2*maxRecords {
				out = append(out[:0], out[maxRecords:]...)
			}
			out = append(out, r)
		}
	}
	return out[max(0, len(out)-maxRecords):], sc.Err()
}

// saveRecord appends a record to the file.
func saveRecord(path string, r Record) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep the history: %w", err)
	}
	if fi, err := os.Stat(path); err == nil && !fi.Mode().IsRegular() { // opening a named pipe would wait
		return fmt.Errorf("keep the history: %s: %w", path, ctxio.ErrNotRegular)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep the history: %w", err)
	}
	line, err := json.Marshal(r)
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("keep the history: %w", err)
	}
	return nil
}

// column is what the history can be sorted by.
type column int

const (
	byWhen column = iota
	byFile
	byModel
	byOriginal
	byRatio
	bySpeed
	numColumns
)

func (c column) String() string {
	return [...]string{"date", "file", "model", "size", "ratio", "speed"}[c]
}

// sortRecords sorts by a column: newest, largest, best first, names from a to z.
func sortRecords(list []Record, c column, reverse bool) {
	less := func(a, b Record) bool {
		switch c {
		case byFile:
			return filepath.Base(a.Path) < filepath.Base(b.Path)
		case byModel:
			return a.Model < b.Model
		case byOriginal:
			return a.Original > b.Original
		case byRatio:
			return a.Ratio() > b.Ratio()
		case bySpeed:
			return a.Speed() > b.Speed()
		}
		return a.When.After(b.When)
	}
	sort.SliceStable(list, func(i, j int) bool {
		if reverse {
			return less(list[j], list[i])
		}
		return less(list[i], list[j])
	})
}
