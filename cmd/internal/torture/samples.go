package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/testdata"
)

// A sample is an archive and what it holds.
type sample struct {
	name             string
	archive, content []byte
	members          []archive.Member
}

// pieces returns the contents of all members, or of all blocks.
func (s *sample) pieces(blocks bool) (all [][]byte) {
	for _, m := range s.members {
		at := m.Content
		if !blocks {
			all = append(all, s.content[at:at+m.Length()])
			continue
		}
		for _, b := range m.Blocks {
			all = append(all, s.content[at+b.Offset:at+b.Offset+int64(b.Length)])
		}
	}
	return all
}

// madeOf reports whether content is some of the pieces one after the other, in any
// order.
func madeOf(content []byte, pieces [][]byte) bool {
	reached := map[int]bool{0: true}
	for at := 0; at < len(content); at++ {
		if !reached[at] {
			continue
		}
		for _, p := range pieces {
			if bytes.HasPrefix(content[at:], p) {
				reached[at+len(p)] = true
			}
		}
	}
	return reached[len(content)]
}

// samples are small archives of all kinds of blocks.
func samples(ctx context.Context) ([]sample, error) {
	text, err := testdata.Samples.ReadFile("canterbury_small.bin")
	if err != nil {
		return nil, err
	}
	text = text[:1200]
	noise := make([]byte, 700)
	rng := rand.New(rand.NewPCG(7, 7))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	lstm, err := models.Bundled(ctx, "lstm")
	if err != nil {
		return nil, err
	}
	mixture := bytes.Join([][]byte{text[:500], noise, text[500:]}, nil)
	var all []sample
	for _, s := range []struct {
		name    string
		content []byte
		o       engine.Options
	}{
		{"alone", text, engine.Options{NoModel: true}},
		{"blocks", mixture, engine.Options{NoModel: true, BlockSize: 500, Meta: engine.Meta{Name: "a name", Mode: 0o644}}},
		{"stored", noise, engine.Options{NoModel: true}},
		{"lanes", mixture, engine.Options{NoModel: true, Lanes: 3}},
		{"empty", nil, engine.Options{NoModel: true}},
		{"model", text[:300], engine.Options{Model: lstm}},
		{"bare", text[:300], engine.Options{Model: lstm, NoMix: true, BlockSize: 150}},
	} {
		var b bytes.Buffer
		if _, err := engine.Compress(ctx, &b, bytes.NewReader(s.content), s.o); err != nil {
			return nil, fmt.Errorf("sample %s: %w", s.name, err)
		}
		all = append(all, sample{name: s.name, archive: b.Bytes(), content: s.content})
	}
	joined := sample{name: "members"}
	for _, s := range all[:3] {
		joined.archive = append(joined.archive, s.archive...)
		joined.content = append(joined.content, s.content...)
	}
	all = append(all, joined)
	for i := range all {
		s := &all[i]
		if s.members, err = archive.List(bytes.NewReader(s.archive), int64(len(s.archive))); err != nil {
			return nil, fmt.Errorf("sample %s: %w", s.name, err)
		}
	}
	return all, nil
}

// resolver has the bundled models.
type resolver struct{ r *models.Registry }

func (r resolver) Resolve(ctx context.Context, ref predict.Ref) (predict.Model, error) {
	return r.r.Resolve(ctx, ref)
}

// decode decodes an archive, in the two ways there are.
func (t *tortured) decode(p []byte, salvage bool) ([]byte, engine.Result, error) {
	var out bytes.Buffer
	o := engine.ReadOptions{Models: resolver{&models.Registry{Dir: t.dir, Device: "cpu"}}, Threads: 1, MemoryLimit: 256 << 20, Salvage: salvage}
	if salvage {
		res, err := engine.Salvage(t.ctx, &out, bytes.NewReader(p), int64(len(p)), o)
		return out.Bytes(), res, err
	}
	res, err := engine.Decompress(t.ctx, limited{&out}, bytes.NewReader(p), o)
	return out.Bytes(), res, err
}

// limited is a writer that no sample fills.
type limited struct{ b *bytes.Buffer }

func (l limited) Write(p []byte) (int, error) {
	if l.b.Len() > 1<<20 {
		return 0, io.ErrShortWrite
	}
	return l.b.Write(p)
}
