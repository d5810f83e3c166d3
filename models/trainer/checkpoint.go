package trainer

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// A checkpoint is: magic, length of the header (uint32), the header as JSON, then
// little-endian float32 arrays (weights, both moments, best weights, the state of
// each layer), then the CRC-32 of everything before it.
const checkpointMagic = "llmzckp1"

// checkpointHeader is all of a training's state but the arrays.
type checkpointHeader struct {
	Shape     Shape         `json:"shape"`
	Optimiser string        `json:"optimiser"`
	Streams   int           `json:"streams"`
	Update    int           `json:"update"`
	Bytes     int64         `json:"bytes"`
	Elapsed   float64       `json:"seconds"`
	BPC       float64       `json:"smoothed_bpc"`
	Best      float64       `json:"best_bpc"`
	Stale     int           `json:"validations_without_best"`
	Corpus    int64         `json:"corpus_bytes"`
	Cursor    []streamState `json:"cursors"`
}

// arrays lists what follows the header.
func (t *training) arrays() [][]float32 {
	list := [][]float32{t.p.data, t.m, t.v, t.best}
	for i := range t.n.layers {
		list = append(list, t.n.layers[i].h, t.n.layers[i].c)
	}
	return list
}

// save writes the checkpoint whole or not at all.
func (t *training) save(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".checkpoint-*")
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("save checkpoint: %w", err)
		}
	}()
	head := checkpointHeader{Shape: t.c.Shape, Optimiser: t.c.Optimiser, Streams: t.c.Streams, Update: t.update, Bytes: t.bytes,
		Elapsed: t.elapsed().Seconds(), BPC: t.smoothed, Best: t.bestBPC, Stale: t.stale, Corpus: t.corpus.bytes}
	for _, s := range t.streams {
		head.Cursor = append(head.Cursor, s.state())
	}
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	sum := crc32.NewIEEE()
	buffered := bufio.NewWriterSize(f, 1<<20)
	w := io.MultiWriter(buffered, sum)
	io.WriteString(w, checkpointMagic)
	binary.Write(w, binary.LittleEndian, uint32(len(text)))
	w.Write(text)
	for _, a := range t.arrays() {
		if err := binary.Write(w, binary.LittleEndian, a); err != nil {
			return err
		}
	}
	if err := binary.Write(buffered, binary.LittleEndian, sum.Sum32()); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// load restores a checkpoint of the same shape, streams and corpus.
func (t *training) load(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrCheckpoint, path, fmt.Sprintf(format, args...))
	}
	const fixed = len(checkpointMagic) + 4
	if len(data) < fixed+4 || string(data[:len(checkpointMagic)]) != checkpointMagic {
		return fail("not a checkpoint")
	}
	body := data[:len(data)-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(data[len(body):]) {
		return fail("checksum differs: the file is damaged")
	}
	size := int(binary.LittleEndian.Uint32(body[len(checkpointMagic):]))
	if size > len(body)-fixed {
		return fail("header is cut off")
	}
	var head checkpointHeader
	if err := json.Unmarshal(body[fixed:fixed+size], &head); err != nil {
		return fail("header: %v", err)
	}
	switch {
	case head.Shape != t.c.Shape:
		return fail("it holds %+v, not %+v", head.Shape, t.c.Shape)
	case head.Optimiser != t.c.Optimiser:
		return fail("it was made with the optimiser %q, not %q", head.Optimiser, t.c.Optimiser)
	case head.Streams != t.c.Streams || len(head.Cursor) != t.c.Streams:
		return fail("it has %d streams, not %d", head.Streams, t.c.Streams)
	case head.Corpus != t.corpus.bytes:
		return fail("it was made with %d bytes of corpus, these are %d", head.Corpus, t.corpus.bytes)
	}
	rest := body[fixed+size:]
	for _, a := range t.arrays() {
		if len(rest) < 4*len(a) {
			return fail("arrays are cut off")
		}
		if _, err := binary.Decode(rest, binary.LittleEndian, a); err != nil {
			return fail("%v", err)
		}
		rest = rest[4*len(a):]
	}
	if len(rest) != 0 {
		return fail("%d bytes too many", len(rest))
	}
	for i, s := range t.streams {
		if err := s.restore(head.Cursor[i]); err != nil {
			return err
		}
	}
	t.update, t.bytes, t.smoothed, t.bestBPC, t.stale = head.Update, head.Bytes, head.BPC, head.Best, head.Stale
	t.before = seconds(head.Elapsed)
	return nil
}
