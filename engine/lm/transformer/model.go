package transformer

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/llmz/llmz/engine/lm/bpe"
	"github.com/llmz/llmz/engine/lm/freq"
	"github.com/llmz/llmz/engine/lm/start"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/cpu"
	"github.com/llmz/llmz/ggml/gguf"
)

// Numerics is the number of the arithmetic contract.
const Numerics = 2

// Options are the options of Open.
type Options struct {
	// Path is the GGUF file of Open, Digest its SHA-256, which the caller has computed.
	Path   string
	Digest []byte
	// Bundled says that it is part of the program.
	Bundled bool
	// Name is recorded in archives; empty for the file's base name.
	Name string
	// Runtime, if not nil, holds an archive's settings, none or all of them, which must be
	// reproduced.
	Runtime map[string]string
	// Backend computes, and is closed with the model; nil for the CPU.
	Backend ggml.Backend
}

// A Model is a language model that is ready to predict. It may be shared by
// goroutines.
type Model struct {
	info     predict.Info
	config   Config
	set      settings
	backend  ggml.Backend
	network  *network
	rotation *ggml.Rotation
	tok      *bpe.Tokenizer
	start    start.Symbol
}

var _ predict.TokenModel = (*Model)(nil)

// Open loads a model, quantising its weights. Errors wrap ErrUnsupported for files
// that need another runtime, ErrModel, gguf.ErrFormat, bpe.ErrVocabulary or
// predict.ErrMismatch.
func Open(ctx context.Context, o Options) (*Model, error) {
	f, err := gguf.Open(o.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := load(ctx, f, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Path, err)
	}
	return m, nil
}

// Load is Open for a GGUF file in memory, of which nothing is kept.
func Load(ctx context.Context, data []byte, o Options) (*Model, error) {
	f, err := gguf.Parse(data)
	if err != nil {
		return nil, err
	}
	return load(ctx, f, o)
}

func load(ctx context.Context, f *gguf.File, o Options) (*Model, error) {
	m := &Model{backend: o.Backend}
	var err error
	if m.config, err = ReadConfig(f); err != nil {
		return nil, err
	}
	if o.Runtime == nil {
		m.set, err = defaults(&m.config), m.config.Check(f)
	} else {
		// What an archive was made with is computed as it was then.
		m.set, err = parseSettings(o.Runtime, &m.config)
	}
	if err != nil {
		return nil, err
	}
	if m.tok, err = bpe.New(f); err != nil {
		return nil, err
	}
	if m.tok.Tokens() != m.config.Vocab || m.config.Vocab > freq.MaxTokens {
		return nil, fmt.Errorf("%w: %d tokens in its vocabulary, %d in its head", ErrModel, m.tok.Tokens(), m.config.Vocab)
	}
	var ok bool
	if m.start, ok = start.Read(f, m.config.Vocab); !ok {
		return nil, fmt.Errorf("%w: its vocabulary has no start symbol", ErrModel)
	}
	if m.backend == nil {
		if m.backend, err = cpu.New(""); err != nil {
			return nil, err
		}
	}
	l := loader{ctx: ctx, f: f, c: &m.config, backend: m.backend}
	if m.network, err = l.load(m.set.ctx); err != nil {
		return nil, err
	}
	m.rotation = rotation(&m.config, m.set.ctx)
	name := o.Name
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(o.Path), ".gguf")
	}
	m.info = predict.Info{
		Ref: predict.Ref{
			Name: name, Digest: o.Digest, Numerics: Numerics, Portability: predict.Portable, Runtime: o.Runtime,
		},
		Parameters: m.config.Parameters(m.network.tied),
		Bundled:    o.Bundled,
		Kind:       predict.Tokens,
		Alphabet:   m.config.Vocab,
		Device:     m.backend.Name(),
		Kernel:     m.backend.Kernel(),
	}
	return m, nil
}

// Info describes the model.
func (m *Model) Info() predict.Info {
	i := m.info
	i.Digest, i.Runtime = append([]byte(nil), i.Digest...), maps.Clone(i.Runtime)
	return i
}

// Config returns the hyper-parameters.
func (m *Model) Config() Config { return m.config }

// The number of lanes grows with the block: each lane starts without context, which
// costs bits, and each shares the reading of the weights, which pays where the
// processor's caches do not hold them. See the README.
const (
	laneTokens  = 1024
	maxLanes    = 32
	cacheBudget = 640 << 20
	// Models whose weights are at most so many stay in the caches, and gain little by lanes.
	smallModel = 24 << 20
	fewLanes   = 4
	longLane   = 16384
)

// Lanes returns the number of lanes for n tokens.
func (m *Model) Lanes(n int) int {
	c := &m.config
	perLane := 2 * m.set.ctx * c.Layers * c.KVHeads * (c.HeadDim + 4)
	lanes := min(n/laneTokens, maxLanes, cacheBudget/perLane)
	if m.info.Parameters <= smallModel {
		lanes = min(lanes, fewLanes, n/longLane)
	}
	if lanes >= 8 {
		lanes -= lanes % 4
	}
	return max(1, lanes)
}

// MemoryBytes estimates the peak memory of a session with that many lanes, the
// weights included.
func (m *Model) MemoryBytes(lanes int) int64 {
	lanes = max(lanes, 1)
	n, err := m.backend.Memory(m.graph(columns(lanes), lanes).Graph, ggml.CompileOptions{Threads: runtime.GOMAXPROCS(0), Ahead: true})
	if err != nil {
		return 0 // no session will start either
	}
	return n.Weights + n.Program + 1<<20
}

// Preferences says how sessions run best. Blocks are the smaller, down to 1 MiB, the
// larger the model is, so that one takes minutes; past some threads, several blocks side
// by side gain more.
func (m *Model) Preferences(int) predict.Preferences {
	const work = 1 << 47 // weights times bytes: about five minutes on two cores
	size := 16 << 20
	for size > 1<<20 && int64(size) > work/max(m.info.Parameters, 1) {
		size /= 2
	}
	// Files are read a row at a time; the tokenizer and what was read are left behind.
	return predict.Preferences{BlockSize: size, Threads: 8, LoadBytes: m.MemoryBytes(1) / 4}
}

// Tokenize cuts block into tokens whose bytes, joined, are block.
func (m *Model) Tokenize(ctx context.Context, block []byte) ([]int32, error) {
	return m.tok.Tokenize(ctx, block)
}

// TokenBytes returns the bytes of a token, none for control tokens.
func (m *Model) TokenBytes(id int32) []byte { return m.tok.TokenBytes(id) }

// NewSession starts the state of the lanes of a block.
func (m *Model) NewSession(ctx context.Context, o predict.SessionOptions) (predict.Session, error) {
	return m.newSession(ctx, o)
}

// Close lets go of the weights.
func (m *Model) Close() error { return m.backend.Close() }
