package trainer

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/models/trainer/vocab"
)

// A checkpoint is: magic, length of the header (uint32), the header as JSON, then
// little-endian float32 arrays (weights, both moments, best weights, the state of
// each layer), then the CRC-32 of everything before it.
const checkpointMagic = "llmzckp1"

// maxCheckpoint is the largest that is read.
const maxCheckpoint = 16 << 30

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
	// Vocabulary is a transformer's.
	Vocabulary *vocab.Vocabulary `json:"vocabulary,omitempty"`
}

// A checkpoint is one that has been read: its header, and the arrays that follow it.
type checkpoint struct {
	checkpointHeader
	arrays []byte
}

// arrays lists what follows the header.
func (t *training) arrays() [][]float32 {
	return append([][]float32{t.p.data, t.m, t.v, t.best}, t.arch.state()...)
}

// save writes the checkpoint whole or not at all. It is the user's alone: what was
// learned from a text can tell of it.
func (t *training) save(path string) error {
	// A training that is told to stop saves one first.
	err := outfile.Write(context.Background(), path, outfile.Options{Replace: true}, outfile.Attributes{Perm: 0o600, HasPerm: true}, t.writeCheckpoint)
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}

func (t *training) writeCheckpoint(f io.Writer) error {
	head := checkpointHeader{Shape: t.c.Shape, Optimiser: t.c.Optimiser, Streams: t.c.Streams, Update: t.update, Bytes: t.bytes,
		Elapsed: t.elapsed().Seconds(), BPC: t.smoothed, Best: t.bestBPC, Stale: t.stale, Corpus: t.corpus.bytes, Vocabulary: t.c.Vocabulary}
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
	return buffered.Flush()
}

func (t *training) misfit(format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrCheckpoint, t.c.Checkpoint, fmt.Sprintf(format, args...))
}

// readCheckpoint reads the checkpoint, if there is one, and takes the vocabulary from it.
func (t *training) readCheckpoint() error {
	data, err := ctxio.ReadRegular(t.c.Checkpoint, maxCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	const fixed = len(checkpointMagic) + 4
	if len(data) < fixed+4 || string(data[:len(checkpointMagic)]) != checkpointMagic {
		return t.misfit("not a checkpoint")
	}
	body := data[:len(data)-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(data[len(body):]) {
		return t.misfit("checksum differs: the file is damaged")
	}
	size := int(binary.LittleEndian.Uint32(body[len(checkpointMagic):]))
	if size > len(body)-fixed {
		return t.misfit("header is cut off")
	}
	c := &checkpoint{arrays: body[fixed+size:]}
	if err := json.Unmarshal(body[fixed:fixed+size], &c.checkpointHeader); err != nil {
		return t.misfit("header: %v", err)
	}
	if v := c.Vocabulary; v != nil {
		if err := v.Check(); err != nil {
			return t.misfit("%v", err)
		}
		t.c.Vocabulary = v
	}
	t.resumed = c
	return nil
}

// restore goes on from a checkpoint of the same shape, streams and corpus.
func (t *training) restore(c *checkpoint) error {
	switch {
	case c.Shape != t.c.Shape:
		return t.misfit("it holds %v, not %v", c.Shape, t.c.Shape)
	case c.Optimiser != t.c.Optimiser:
		return t.misfit("it was made with the optimiser %q, not %q", c.Optimiser, t.c.Optimiser)
	case c.Streams != t.c.Streams || len(c.Cursor) != t.c.Streams:
		return t.misfit("it has %d streams, not %d", c.Streams, t.c.Streams)
	case c.Corpus != t.corpus.bytes:
		return t.misfit("it was made with %d bytes of corpus, these are %d", c.Corpus, t.corpus.bytes)
	}
	rest := c.arrays
	for _, a := range t.arrays() {
		if len(rest) < 4*len(a) {
			return t.misfit("arrays are cut off")
		}
		if _, err := binary.Decode(rest, binary.LittleEndian, a); err != nil {
			return t.misfit("%v", err)
		}
		rest = rest[4*len(a):]
	}
	if len(rest) != 0 {
		return t.misfit("%d bytes too many", len(rest))
	}
	for i, s := range t.streams {
		if err := s.restore(c.Cursor[i]); err != nil {
			return err
		}
	}
	t.update, t.bytes, t.smoothed, t.bestBPC, t.stale = c.Update, c.Bytes, c.BPC, c.Best, c.Stale
	t.before = seconds(c.Elapsed)
	return nil
}
