// Package hf turns Hugging Face folders with language models of GPT-2's and Llama's
// families into GGUF files that llama.cpp loads, too. The same input gives the same
// bytes on every machine.
package hf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/models/convert/checkpoint"
)

// Options are the options of Convert.
type Options struct {
	// Type is the type of the matrices: ggml.F32, ggml.F16 or ggml.Q8_0. Norms,
	// biases and positions are always F32.
	Type ggml.Type
	// Name is recorded in the file; empty for the folder's.
	Name string
	// Progress, if not nil, is called after each tensor.
	Progress func(done, total int)
}

// A plan says what becomes of a folder: it is what an architecture makes of
// config.json.
type plan struct {
	arch string
	// prefix is before the names of all tensors but the output matrix's, unless the
	// checkpoint was saved without the head that it stands for.
	prefix string
	embed  string // the embedding's name without prefix
	vocab  int
	embd   int

	tensors []tensor
	tied    bool // the output matrix is the embedding
	// tiedIfSame says that it is, too, where there is no output matrix or one that
	// holds the same.
	tiedIfSame bool
	// ignored, if not nil, says which tensors may be left out; others must be known.
	ignored func(name string) bool

	metadata  func(w *gguf.Writer)
	readVocab func(dir string, size int) (*vocabulary, error)
	bos, eos  *tokenID
}

// A tensor is one that is taken over.
type tensor struct {
	from, to  string
	typ       ggml.Type // the zero value is F32
	shape     []int     // what it must be, if given
	transpose bool
	// head, if not 0, is the number of rows that are put from halves to neighbouring
	// pairs at a time; shape must be given.
	head int
}

func (p *plan) add(t tensor) { p.tensors = append(p.tensors, t) }

// architectures are the plans for config.json's model types.
var architectures = map[string]func(dir string, typ ggml.Type) (*plan, error){
	"gpt2":  planGPT2,
	"llama": func(dir string, typ ggml.Type) (*plan, error) { return planLlama(dir, typ, "llama") },
	"qwen2": func(dir string, typ ggml.Type) (*plan, error) { return planLlama(dir, typ, "qwen2") },
}

// tokenID is a token in config.json: a number, or several of which the first counts.
type tokenID int

func (id *tokenID) UnmarshalJSON(b []byte) error {
	var n int
	if err := json.Unmarshal(b, &n); err == nil {
		*id = tokenID(n)
		return nil
	}
	var all []int
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	if *id = -1; len(all) > 0 {
		*id = tokenID(all[0])
	}
	return nil
}

func readConfig(dir string, v any) error {
	err := checkpoint.ReadJSON(filepath.Join(dir, "config.json"), v)
	if errors.Is(err, os.ErrNotExist) {
		return formatf("%s has no config.json", dir)
	}
	return err
}

// checkSizes checks the sizes that a config.json gives.
func checkSizes(vocab int, others ...int) error {
	if vocab > maxVocab {
		return formatf("config.json has a vocabulary of %d tokens", vocab)
	}
	for _, n := range append(others, vocab) {
		if n < 1 || n > 1<<24 {
			return formatf("config.json has a size of %d", n)
		}
	}
	return nil
}

// Convert converts a Hugging Face folder with a model whose type is gpt2, llama or
// qwen2 (config.json; model.safetensors or pytorch_model.bin, whole or in shards; the
// vocabulary) and writes a GGUF file that llama.cpp loads. Errors wrap ErrFormat where
// the folder is at fault.
func Convert(ctx context.Context, dst io.Writer, dir string, o Options) error {
	if o.Type != ggml.F32 && o.Type != ggml.F16 && o.Type != ggml.Q8_0 {
		return fmt.Errorf("convert to %v: only F32, F16 and Q8_0", o.Type)
	}
	var c struct {
		ModelType string `json:"model_type"`
	}
	if err := readConfig(dir, &c); err != nil {
		return err
	}
	architecture, ok := architectures[c.ModelType]
	if !ok {
		return formatf("config.json is of model type %q; gpt2, llama and qwen2 can be converted", c.ModelType)
	}
	p, err := architecture(dir, o.Type)
	if err != nil {
		return err
	}
	vocab, err := p.readVocab(dir, p.vocab)
	if err != nil {
		return err
	}
	ck, err := checkpoint.OpenFolder(dir)
	if err != nil {
		return err
	}
	defer ck.Close()

	if _, ok := ck.Tensors[p.prefix+p.embed]; !ok {
		p.prefix = ""
	}
	if o.Name == "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		o.Name = filepath.Base(abs)
	}
	g := &writer{ctx: ctx, ck: ck, plan: p, o: o}
	if err := g.addTensors(); err != nil {
		return err
	}
	g.addMetadata(vocab)
	_, err = g.w.WriteTo(dst)
	return err
}

// ErrFormat means that an input file is damaged or not of a kind that can be
// converted.
var ErrFormat = checkpoint.ErrFormat

func formatf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

type writer struct {
	*plan
	ctx         context.Context
	w           gguf.Writer
	ck          *checkpoint.Checkpoint
	o           Options
	done, total int
}

func (g *writer) addMetadata(v *vocabulary) {
	w := &g.w
	fileType := map[ggml.Type]uint32{ggml.F32: 0, ggml.F16: 1, ggml.Q8_0: 7}[g.o.Type]
	w.Set("general.architecture", g.arch)
	w.Set("general.name", g.o.Name)
	w.Set("general.file_type", fileType)
	w.Set("general.quantization_version", uint32(2))
	g.metadata(w)
	v.write(w)
	id := func(p *tokenID) (uint32, bool) {
		switch {
		case p != nil && *p >= 0 && int(*p) < g.vocab:
			return uint32(*p), true
		case v.eot >= 0:
			return uint32(v.eot), true
		}
		return 0, false
	}
	if n, ok := id(g.bos); ok {
		w.Set("tokenizer.ggml.bos_token_id", n)
	}
	if n, ok := id(g.eos); ok {
		w.Set("tokenizer.ggml.eos_token_id", n)
	}
}

func (g *writer) addTensors() error {
	g.total = len(g.tensors)
	known := map[string]bool{headName: true}
	for _, t := range g.tensors {
		t.from = g.prefix + t.from
		known[t.from] = true
		if err := g.declare(t); err != nil {
			return err
		}
	}
	if g.ignored != nil {
		for _, name := range slices.Sorted(maps.Keys(g.ck.Tensors)) {
			if !known[name] && !g.ignored(name) {
				return formatf("there is a tensor %q, which config.json does not account for", name)
			}
		}
	}
	return g.addHead()
}

const headName = "lm_head.weight"

// addHead adds the output matrix where it is not the embedding.
func (g *writer) addHead() error {
	if g.tied {
		return nil
	}
	if g.tiedIfSame {
		head, embed := g.ck.Tensors[headName], g.ck.Tensors[g.prefix+g.embed]
		if head == nil || head.Same(embed) {
			return nil
		}
		if same, err := g.equal(head, embed); err != nil || same {
			return err
		}
	}
	g.total++
	return g.declare(tensor{from: headName, to: "output.weight", typ: g.o.Type, shape: []int{g.vocab, g.embd}})
}

// declare adds a tensor to the file. Its data is read when the file is written, so that one
// tensor at a time is in memory.
func (g *writer) declare(x tensor) error {
	t, ok := g.ck.Tensors[x.from]
	if !ok {
		return formatf("there is no tensor %q", x.from)
	}
	if x.shape != nil && !slices.Equal(x.shape, t.Shape) {
		return formatf("%s is %v, config.json says %v", x.from, t.Shape, x.shape)
	}
	if len(t.Shape) < 1 || len(t.Shape) > 2 || x.transpose && len(t.Shape) != 2 || t.Elements() == 0 {
		return formatf("%s has shape %v", x.from, t.Shape)
	}
	if x.transpose {
		t = t.Transposed()
	}
	ne := slices.Clone(t.Shape)
	slices.Reverse(ne) // ggml counts the fastest dimension first
	if x.typ == ggml.Q8_0 && ne[0]%ggml.QK8_0 != 0 {
		x.typ = ggml.F16 // rows that do not divide into blocks
	}
	g.w.AddTensorFunc(x.to, x.typ, ne, func(w io.Writer) error {
		err := g.rows(t, max(1, x.head), func(v []float32) error {
			if x.head > 0 {
				v = pairs(v, ne[0], x.head)
			}
			return writeFloats(w, x.typ, v)
		})
		if err != nil {
			if g.ctx.Err() == nil {
				err = fmt.Errorf("%s: %w", x.from, err)
			}
			return err
		}
		g.done++
		if g.o.Progress != nil {
			g.o.Progress(g.done, g.total)
		}
		return nil
	})
	return nil
}

// atOnce is about the number of elements that are in memory at a time.
const atOnce = 4 << 20

// rows hands on the rows of a matrix, or the elements of a vector, some at a time: a
// multiple of unit, which divides them.
func (g *writer) rows(t *checkpoint.Tensor, unit int, use func([]float32) error) error {
	n, cols := t.Shape[0], 1
	if len(t.Shape) == 2 {
		cols = t.Shape[1]
	}
	step := max(1, atOnce/cols/unit) * unit
	buf := make([]float32, min(step, n)*cols)
	for first := 0; first < n; first += step {
		if err := g.ctx.Err(); err != nil {
			return err
		}
		v := buf[:min(step, n-first)*cols]
		if err := t.Read(v, first); err != nil {
			return err
		}
		if err := use(v); err != nil {
			return err
		}
	}
	return nil
}

// equal reports whether two matrices hold the same.
func (g *writer) equal(a, b *checkpoint.Tensor) (bool, error) {
	if !slices.Equal(a.Shape, b.Shape) || len(a.Shape) != 2 {
		return false, nil
	}
	same, at := true, 0
	var other []float32
	err := g.rows(a, 1, func(v []float32) error {
		if !same {
			return nil
		}
		other = slices.Grow(other[:0], len(v))[:len(v)]
		if err := b.Read(other, at); err != nil {
			return err
		}
		at += len(v) / a.Shape[1]
		same = slices.Equal(v, other)
		return nil
	})
	return same, err
}
