//go:build !nollama && ((linux && (amd64 || arm64)) || (darwin && (amd64 || arm64)) || (windows && amd64))

package llama

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	yzma "github.com/hybridgroup/yzma/pkg/llama"

	"github.com/llmz/llmz/engine/lm/llamacpp"
)

// A Model is a loaded set of weights. Several contexts may use it.
type Model struct {
	m     yzma.Model
	vocab int
}

// ModelOptions are the options of OpenModel.
type ModelOptions struct {
	// Device is the accelerator to run on, nil for the CPU alone.
	Device *Device
	// GPULayers is the number of layers to keep on the accelerator, -1 for all.
	GPULayers int
}

// OpenModel loads the GGUF file at path.
func (l *Library) OpenModel(path string, o ModelOptions) (*Model, error) {
	mu.Lock()
	defer mu.Unlock()
	p := yzma.ModelDefaultParams()
	// Mapped, a file that is cut off by others while it is in use would end the process.
	p.LoadMode = yzma.LoadModeNone
	// Weights rearranged for a CPU would tie the numbers to it.
	p.UseExtraBufts = 0
	if o.Device == nil {
		p.SetCPUOnly()
	} else {
		p.NGpuLayers = int32(o.GPULayers)
		if o.GPULayers < 0 {
			p.NGpuLayers = 1 << 20
		}
		// One device, as the archive names one: of several, even others than those of its
		// kind, the library would share out the layers.
		list := &[2]uintptr{o.Device.handle, 0}
		var pin runtime.Pinner
		pin.Pin(list)
		defer pin.Unpin()
		p.Devices = uintptr(unsafe.Pointer(list))
	}
	said.forget()
	m, err := yzma.ModelLoadFromFile(path, p)
	if err != nil {
		return nil, cause("llama.cpp %s cannot load %s: %w", llamacpp.Version, path, err)
	}
	if !yzma.ModelHasDecoder(m) || yzma.ModelHasEncoder(m) {
		yzma.ModelFree(m)
		return nil, fmt.Errorf("%s is not a causal language model", path)
	}
	users++
	return &Model{m: m, vocab: int(yzma.VocabNTokens(yzma.ModelGetVocab(m)))}, nil
}

// Close frees the weights. All contexts must be closed before.
func (m *Model) Close() error {
	if m.m == 0 {
		return nil
	}
	mu.Lock()
	defer mu.Unlock()
	err := yzma.ModelFree(m.m)
	m.m = 0
	users--
	return err
}

// Vocab returns the number of tokens.
func (m *Model) Vocab() int { return m.vocab }

// Parameters returns the number of weights.
func (m *Model) Parameters() int64 { return int64(yzma.ModelNParams(m.m)) }

// ContextOptions are the options of NewContext.
type ContextOptions struct {
	Sequences int // number of independent sequences
	Positions int // of each sequence; the library may round it up
	Batch     int // most tokens in one Decode, at least Sequences
	Threads   int
	// Poll is how long idle helper threads spin before they sleep, 0 to 100.
	// Negative: no pool; the library starts its threads anew for each step.
	Poll int
	GPU  bool
}

// A Context is the state of several sequences. It may not be used by two
// goroutines at once.
type Context struct {
	m       *Model
	c       yzma.Context
	pool    yzma.Threadpool
	batch   yzma.Batch
	threads int
}

// ErrDecode means that llama.cpp failed to evaluate a batch.
var ErrDecode = errors.New("llama.cpp failed to evaluate a batch")

// NewContext allocates the state, KV cache included.
func (m *Model) NewContext(o ContextOptions) (*Context, error) {
	p := yzma.ContextDefaultParams()
	p.NSeqMax = uint32(o.Sequences)
	p.NCtx = uint32(o.Sequences * o.Positions)
	p.NBatch = uint32(max(o.Batch, o.Sequences))
	p.NUbatch = p.NBatch
	p.NOutputsMax = uint32(o.Sequences)
	p.NThreads = int32(o.Threads)
	p.NThreadsBatch = int32(o.Threads)
	// On the CPU, flash attention may split a row's sum between threads; plain
	// attention never does, so that the number of threads cannot change it.
	p.FlashAttentionType = yzma.FlashAttentionTypeDisabled
	p.KVUnified = 0
	p.NoPerf = 1
	p.Offload_kqv = boolByte(o.GPU)
	p.OpOffload = boolByte(o.GPU)
	p.Embeddings = 0
	said.forget()
	c, err := yzma.InitFromModel(m.m, p)
	if err != nil {
		return nil, &contextError{cause("allocate the context of %d × %d positions: %w", o.Sequences, o.Positions, err)}
	}
	x := &Context{m: m, c: c, threads: o.Threads}
	if o.Poll >= 0 && o.Threads > 1 {
		tp := yzma.ThreadpoolParamsDefault(int32(o.Threads))
		tp.Poll = uint32(o.Poll)
		if x.pool, err = yzma.ThreadpoolNew(&tp); err != nil {
			yzma.Free(c)
			return nil, err
		}
		yzma.AttachThreadpool(c, uintptr(x.pool), uintptr(x.pool))
	}
	x.batch = yzma.BatchInit(int32(p.NBatch), 0, 1)
	return x, nil
}

// SetThreads changes the number of threads, at most the context's.
func (c *Context) SetThreads(n int) {
	if n != c.threads {
		yzma.SetNThreads(c.c, int32(n), int32(n))
		c.threads = n
	}
}

// Clear empties all sequences.
func (c *Context) Clear() error {
	mem, err := yzma.GetMemory(c.c)
	if err != nil {
		return err
	}
	return yzma.MemoryClear(mem, false)
}

// Add puts a token into the batch. Its logits are computed if out is set.
func (c *Context) Add(token, pos int32, seq int, out bool) error {
	return c.batch.Add(yzma.Token(token), yzma.Pos(pos), []yzma.SeqId{yzma.SeqId(seq)}, out)
}

// Decode evaluates the batch and empties it.
func (c *Context) Decode() error {
	said.forget()
	code, err := yzma.Decode(c.c, c.batch)
	n := c.batch.NTokens
	c.batch.Clear()
	if err != nil {
		return err
	}
	if code != 0 {
		return cause("%w of %d tokens (code %d)", ErrDecode, n, code)
	}
	return nil
}

// Logits returns the logits of the i-th token of the batch that was evaluated
// last. They are the library's own memory, valid until the next Decode; the caller may
// write over them.
func (c *Context) Logits(i int) ([]float32, error) {
	l, err := yzma.GetLogitsIth(c.c, int32(i), c.m.vocab)
	if err == nil && l == nil {
		err = fmt.Errorf("%w: token %d has no logits", ErrDecode, i)
	}
	return l, err
}

// Close frees the context.
func (c *Context) Close() error {
	if c.c == 0 {
		return nil
	}
	if c.pool != 0 {
		yzma.DetachThreadpool(c.c)
	}
	err := yzma.Free(c.c)
	if c.pool != 0 {
		yzma.ThreadpoolFree(c.pool)
	}
	yzma.BatchFree(c.batch)
	c.c, c.pool = 0, 0
	return err
}

func boolByte(b bool) uint8 {
	var v uint8
	if b {
		v = 1
	}
	return v
}
