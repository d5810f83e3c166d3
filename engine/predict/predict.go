// Package predict holds the small interfaces between the engine and its
// models. A model predicts the next symbol of several independent streams
// ("lanes") at once, so that one step is one matrix-matrix product; the engine
// turns the predictions into bits.
//
// Determinism class: everything a Session hands out is integers, and a Session
// must be a pure function of its Model, its SessionOptions that are recorded in
// the archive (lanes) and the symbols stepped so far. Threads never change it.
//
// Concurrency: a Model may be shared between goroutines; a Session may not.
package predict

import (
	"context"
	"errors"
)

// Start is the symbol passed to Session.Step for every lane before its first
// real symbol.
const Start int32 = -1

// Errors that resolvers and models return, wrapped with what to do about it.
var (
	// ErrModelMissing means that the model an archive or a user asks for is not on
	// this machine.
	ErrModelMissing = errors.New("model is not installed")
	// ErrRuntimeMissing means that the shared library a model needs is not on this
	// machine.
	ErrRuntimeMissing = errors.New("runtime is not installed")
	// ErrMismatch means that a model or runtime of that name is here, but is not the
	// one the archive was made with.
	ErrMismatch = errors.New("model or runtime differs from the archive's")
	// ErrNoToken means that a model's vocabulary has no token for a byte of the content.
	ErrNoToken = errors.New("the model has no token for a byte")
)

// SymbolKind tells what a model's symbols are.
type SymbolKind uint8

// The kinds of symbols. The values are stored in archives.
const (
	Bytes  SymbolKind = 0 // one symbol per byte, alphabet 256
	Tokens SymbolKind = 1 // tokens of the model's vocabulary
)

// Portability is the promise that comes with an archive made by a model.
type Portability uint8

// The portability classes, from best to worst. The values are stored in archives.
const (
	// Portable archives decode on every machine and system that runs llmz.
	Portable Portability = 0
	// SameRuntime archives need the same runtime version and CPU variant.
	SameRuntime Portability = 1
	// SameDevice archives need the same runtime and the same device model.
	SameDevice Portability = 2
)

// Ref identifies a model, and the runtime and settings it must run with, as
// an archive records it.
type Ref struct {
	// Name is the registered name ("gru") or the base name of a GGUF file.
	Name string
	// Digest is the SHA-256 of the model file, or at least its first 8 bytes.
	Digest []byte
	// Numerics is the number of the arithmetic contract (ggml/NUMERICS.md); 0 for
	// models that run in an external runtime.
	Numerics uint32
	// Portability is the class of archives made with it.
	Portability Portability
	// Runtime holds what an external runtime must reproduce (version, device, CPU
	// variant, context length, window rule, …); empty for bundled models.
	// Encoding: see engine/archive/FORMAT.md, "Runtime settings".
	Runtime map[string]string
}

// Exact reports whether a numbered contract of this program fixes what the model computes,
// bit for bit. A model in an external runtime has none: its archives are verified when
// they are made, and hold what a decoder can notice other numbers by.
func (r Ref) Exact() bool { return r.Numerics != 0 }

// Info describes a loaded model.
type Info struct {
	Ref
	Parameters int64
	Bundled    bool
	Kind       SymbolKind
	// Alphabet is the number of symbols: 256 for byte models, otherwise the
	// vocabulary size.
	Alphabet int
	// Device and Kernel say what computes here ("cpu", "avx512vnni"); they do not
	// influence the output of Portable models.
	Device, Kernel string
}

// SessionOptions are the options of one block's state.
type SessionOptions struct {
	// Lanes is the number of parallel streams, at least 1.
	Lanes int
	// Threads is the number of worker threads to use, at least 1. It never changes
	// the output.
	Threads int
	// MaxSteps is the largest number of symbols that a lane will see; models with a
	// KV cache size it by this. 0: unknown.
	MaxSteps int
}

// Model is a set of weights that is ready to predict.
type Model interface {
	Info() Info
	// Lanes returns the number of lanes to use for a block of n symbols. It depends
	// on n and the model only, never on the machine.
	Lanes(n int) int
	// MemoryBytes estimates the peak memory of a session with that many lanes,
	// the weights included.
	MemoryBytes(lanes int) int64
	// Preferences says how sessions with that many lanes run best.
	Preferences(lanes int) Preferences
	NewSession(ctx context.Context, o SessionOptions) (Session, error)
	Close() error
}

// Preferences say how a model is run best, where nobody says otherwise. Nothing but the
// model decides on them: neither where its archives decode nor what runs it.
type Preferences struct {
	// BlockSize is the size in bytes of the independent blocks. A block is written when
	// it is complete, and lost if its job is interrupted: it should take minutes.
	BlockSize int
	// Threads is the number of threads that a session makes good use of; 0 for all.
	Threads int
	// FewLanes is the largest number of lanes for content in which much comes again, where lanes
	// cost most; 0 for any.
	FewLanes int
	// Lean tells that the lean mixer, which takes longer than the fast one and makes less of the
	// same content, costs little beside the model. It is for models of bytes.
	Lean bool
	// LoadBytes is the memory that loading the model leaves behind, beside what
	// MemoryBytes says.
	LoadBytes int64
}

// Session is the state of the lanes of one block.
type Session interface {
	// Step feeds prev[i], the symbol just coded in lane i, or Start, and computes the
	// prediction for the symbol after it. len(prev) is the number of lanes still
	// active: always the first ones, and never more than in the step before.
	Step(prev []int32) error
	// Freqs returns lane's integer frequencies for its next symbol: one entry, at
	// least 1, per symbol of the alphabet, and their sum. The slice is valid until
	// the next Step and must not be changed. Calls for different lanes may run at the
	// same time.
	Freqs(lane int) (freqs []uint32, total uint32)
	// StageTimes returns the time spent so far on inference and on updating the
	// state, in nanoseconds.
	StageTimes() (infer, update int64)
	Close() error
}

// Foreseer is implemented by sessions that gain by knowing the symbols beforehand, as the
// encoder does: they can evaluate several at once, and the next ones while the last are
// coded.
type Foreseer interface {
	// Foresee tells which symbols will be fed to each lane after Start, the last one of
	// a lane included, which only is coded. It is called once, before the first Step,
	// and known says the same until the session is closed. Steps go on as without it, and
	// give exactly the same.
	Foresee(known Known)
}

// Known gives the symbols of lanes: the i-th of a lane, counted from 0, or -1 past its
// end. Lanes differ in length by at most one, longer ones first.
type Known func(lane, i int) int32

// KnownLanes returns symbols as Known.
func KnownLanes[T int32 | byte](lanes [][]T) Known {
	return func(lane, i int) int32 {
		if i < len(lanes[lane]) {
			return int32(lanes[lane][i])
		}
		return -1
	}
}

// Active returns the number of the first lanes, n at most, that have an i-th symbol.
func (k Known) Active(n, i int) int {
	for n > 0 && k(n-1, i) < 0 {
		n--
	}
	return n
}

// TokenModel is implemented by models whose symbols are tokens.
type TokenModel interface {
	Model
	// Tokenize cuts block into tokens whose bytes, joined, are exactly block. Its errors
	// wrap ErrNoToken where that cannot be.
	Tokenize(ctx context.Context, block []byte) ([]int32, error)
	// TokenBytes returns the bytes of a token; the caller must not change them. Every
	// symbol of the alphabet has a (possibly empty) byte string.
	TokenBytes(id int32) []byte
}

// Resolver finds the model that an archive refers to. Errors wrap
// ErrModelMissing, ErrRuntimeMissing or ErrMismatch where they apply.
type Resolver interface {
	Resolve(ctx context.Context, ref Ref) (Model, error)
}
