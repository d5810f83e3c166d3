package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/llmz/llmz/engine/gate"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/predict"
)

// InspectOptions are the options of Inspect; the fields that Options has too
// mean the same.
type InspectOptions struct {
	// Model predicts; nil for the context mixer alone, which has no guesses.
	Model     predict.Model
	NoMix     bool
	BlockSize int
	Lanes     int
	Threads   int
	// Observer receives Started, Progress and Finished events.
	Observer         Observer
	ProgressInterval time.Duration
	// Gate is as in Options.
	Gate *gate.Gate
}

// NumGuesses is the number of most likely symbols that an Inspection keeps.
const NumGuesses = 5

// A Guess is a symbol that a model expected, with its probability (0 to 1).
type Guess struct {
	Symbol int32
	P      float32
}

// SymbolCost says what one symbol of the content cost, and what the model
// thought of it.
type SymbolCost struct {
	// Offset and Length are the symbol's bytes in the content.
	Offset int64
	Length int32
	// Rank is the symbol's place among the model's guesses, 1 for the most likely; 0
	// without a model.
	Rank int32
	// Bits is what the symbol cost; ModelBits what it would have cost with the bare
	// model, 0 without one.
	Bits, ModelBits float32
	// Guesses are the model's most likely symbols, best first; unused ones at the
	// end have P 0.
	Guesses [NumGuesses]Guess
}

// P returns the probability that the symbol was coded with.
func (s *SymbolCost) P() float64 { return math.Exp2(-float64(s.Bits)) }

// An Inspection tells where the bits of an archive of some content would go.
type Inspection struct {
	Model   predict.Info
	Mixed   bool
	Lanes   int // of the first block
	Content []byte
	// Symbols are in the order of the content, without gaps.
	Symbols []SymbolCost
	// Bits is the sum over all symbols: the archive less its headers.
	Bits float64

	tokens predict.TokenModel
}

// Bytes returns the bytes that a guessed symbol stands for.
func (x *Inspection) Bytes(g Guess) []byte {
	if x.tokens != nil {
		return x.tokens.TokenBytes(g.Symbol)
	}
	return []byte{byte(g.Symbol)}
}

// Inspect runs the model over content as a compressor would, with the same
// blocks and lanes, and keeps the cost of each symbol instead of coding it. It
// takes some 80 bytes of memory a symbol.
func Inspect(ctx context.Context, content []byte, o InspectOptions) (x *Inspection, err error) {
	start := time.Now()
	x = &Inspection{Content: content}
	w := &inspector{x: x, o: o, start: start, last: start, held: o.Gate.Held()}
	defer func() {
		r := Result{Model: x.Model, Mixed: x.Mixed, OriginalBytes: int64(len(content)), CompressedBytes: int64(math.Ceil(x.Bits / 8)),
			Symbols: int64(len(x.Symbols)), Lanes: x.Lanes, Threads: o.Threads, Elapsed: w.elapsed(time.Now()), Profile: w.profile}
		w.tell(Finished{Result: r, Err: err})
	}()
	if o.Model == nil && o.NoMix {
		return x, errors.New("inspect: neither a model nor the mixer to predict with")
	}
	if o.Model != nil {
		x.Model = o.Model.Info()
		if t, ok := o.Model.(predict.TokenModel); ok && x.Model.Kind == predict.Tokens {
			x.tokens = t
		}
	}
	x.Mixed = !o.NoMix
	size := o.BlockSize
	if size <= 0 {
		size = BlockSizeFor(o.Model)
	}
	if len(content) == 0 {
		w.tell(Started{Model: x.Model, Mixed: x.Mixed})
	}
	for at := 0; at < len(content); at += size {
		block := content[at:min(len(content), at+size)]
		if err := w.block(ctx, block, int64(at)); err != nil {
			return x, fmt.Errorf("inspect the block at offset %d: %w", at, err)
		}
	}
	return x, nil
}

type inspector struct {
	x           *Inspection
	o           InspectOptions
	start, last time.Time
	held        time.Duration // by the gate, before the start
	profile     Profile
	done        int64            // bytes of all lanes
	spent       [2]time.Duration // by sessions that have ended

	vocabularies vocabularies
}

func (w *inspector) tell(e Event) {
	if w.o.Observer != nil {
		w.o.Observer(e)
	}
}

// block works through one block, whose symbols it appends to the inspection.
func (w *inspector) block(ctx context.Context, block []byte, base int64) error {
	x := w.x
	first := len(x.Symbols)
	var symbols []int32
	if x.tokens != nil {
		var err error
		if symbols, err = x.tokens.Tokenize(ctx, block); err != nil {
			return err
		}
	} else {
		symbols = make([]int32, len(block))
		for i, b := range block {
			symbols[i] = int32(b)
		}
	}
	at := base
	for _, s := range symbols {
		n := int32(1)
		if x.tokens != nil {
			n = int32(len(x.tokens.TokenBytes(s)))
		}
		x.Symbols = append(x.Symbols, SymbolCost{Offset: at, Length: n})
		at += int64(n)
	}
	lanes := w.o.Lanes
	if lanes == 0 {
		lanes = defaultLanes(w.o.Model, x.Mixed, len(symbols))
	}
	lanes = max(1, min(lanes, len(symbols)))
	if base == 0 {
		x.Lanes = lanes
		w.tell(Started{Model: x.Model, TotalBytes: int64(len(x.Content)), Lanes: lanes, Threads: w.o.Threads, Mixed: x.Mixed})
	}
	stretches := x.Mixed && x.tokens == nil && w.o.Model != nil && stretched(mixerVersion, archiveModel(x.Model), lanes)
	var mix *mixer.Mixer
	if x.Mixed {
		var err error
		kind := mixer.Detect(block)
		if x.tokens != nil {
			m := &meter{}
			mix, err = w.vocabularies.newTokenMixer(m, mixer.Config{BlockLen: len(block), Lanes: lanes, Kind: kind}, x.tokens, symbols)
			x.Bits += m.bits
		} else {
			mix, err = newMixer(mixer.Config{Lanes: lanes, Kind: kind, Model: w.o.Model != nil, Stretches: stretches, History: block})
		}
		if err != nil {
			return err
		}
	}
	costs := x.Symbols[first:]
	if !stretches {
		return w.stretch(ctx, symbols, costs, lanes, w.o.Model, mix)
	}
	plan := stretchPlan{lanes: lanes, left: len(symbols)}
	for done := 0; plan.left > 0; {
		n, on := plan.next(mix.Worth())
		mix.Begin(done+n, on)
		var err error
		if on {
			err = w.stretch(ctx, symbols[done:done+n], costs[done:], min(lanes, n), w.o.Model, mix)
		} else {
			err = w.stretch(ctx, symbols[done:done+n], costs[done:], 1, nil, mix)
		}
		if err != nil {
			return err
		}
		done += n
	}
	return nil
}

// stretch goes through the lanes of a stretch in the coder's order.
func (w *inspector) stretch(ctx context.Context, symbols []int32, costs []SymbolCost, lanes int, model predict.Model, mix *mixer.Mixer) error {
	short, long := len(symbols)/lanes, len(symbols)%lanes
	starts := make([]int, lanes)
	prev := make([]int32, lanes)
	for i := range starts {
		starts[i] = i*short + min(i, long)
		prev[i] = predict.Start
	}
	var session predict.Session
	if model != nil {
		var err error
		session, err = model.NewSession(ctx, predict.SessionOptions{Lanes: lanes, Threads: max(1, w.o.Threads), MaxSteps: (len(symbols) + lanes - 1) / lanes})
		if err != nil {
			return err
		}
		defer func() {
			infer, update := session.StageTimes()
			w.spent[0] += time.Duration(infer)
			w.spent[1] += time.Duration(update)
			session.Close()
		}()
		foresee(session, nil, symbols, lanes)
	}
	m := &meter{}
	for step := 0; ; step++ {
		active := lanes
		if step >= short {
			active = long
		}
		if step > short || active == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.o.Gate.Wait(ctx); err != nil {
			return err
		}
		if session != nil {
			if err := session.Step(prev[:active]); err != nil {
				return err
			}
		}
		for lane := range active {
			i := starts[lane] + step
			c := &costs[i]
			var freqs []uint32
			var total uint32
			if session != nil {
				freqs, total = session.Freqs(lane)
				c.judge(freqs, total, symbols[i])
			}
			if mix != nil {
				m.bits = 0
				if w.x.tokens != nil {
					mix.CodeToken(m, lane, freqs, total, symbols[i])
				} else {
					mix.Code(m, lane, freqs, total, byte(symbols[i]))
				}
				c.Bits = float32(m.bits)
			} else {
				c.Bits = c.ModelBits
			}
			w.x.Bits += float64(c.Bits)
			prev[lane] = symbols[i]
			w.done += int64(c.Length)
		}
		w.progress(session)
	}
}

// elapsed returns the time since the start, pauses left out.
func (w *inspector) elapsed(now time.Time) time.Duration {
	return now.Sub(w.start) - (w.o.Gate.Held() - w.held)
}

func (w *inspector) progress(session predict.Session) {
	interval := w.o.ProgressInterval
	if interval <= 0 {
		interval = 100 * time.Millisecond
	}
	now := time.Now()
	if now.Sub(w.last) < interval {
		return
	}
	w.last = now
	elapsed := w.elapsed(now)
	p := Profile{StageOther: elapsed}
	p[StageInfer], p[StageUpdate] = w.spent[0], w.spent[1]
	if session != nil {
		infer, update := session.StageTimes()
		p[StageInfer] += time.Duration(infer)
		p[StageUpdate] += time.Duration(update)
	}
	p[StageOther] = max(0, elapsed-p[StageInfer]-p[StageUpdate])
	w.profile = p
	w.tell(Progress{Bytes: w.done, TotalBytes: int64(len(w.x.Content)), CompressedBytes: int64(w.x.Bits / 8), Elapsed: elapsed, Profile: p})
}

// judge fills in what the model thought of the symbol that came.
func (c *SymbolCost) judge(freqs []uint32, total uint32, symbol int32) {
	var best [NumGuesses]struct {
		sym  int32
		freq uint32
	}
	own := freqs[symbol]
	rank := int32(1)
	for i, f := range freqs {
		if f > own || f == own && int32(i) < symbol {
			rank++
		}
		if f <= best[NumGuesses-1].freq {
			continue
		}
		j := NumGuesses - 1
		for j > 0 && f > best[j-1].freq {
			best[j] = best[j-1]
			j--
		}
		best[j].sym, best[j].freq = int32(i), f
	}
	c.Rank = rank
	c.ModelBits = float32(math.Log2(float64(total) / float64(own)))
	for i, b := range best {
		c.Guesses[i] = Guess{b.sym, float32(float64(b.freq) / float64(total))}
	}
}

// meter is a coder that only adds up what coding would cost.
type meter struct{ bits float64 }

// Bit implements mixer.BitCoder.
func (m *meter) Bit(p1 uint32, bit int) int {
	p := p1
	if bit == 0 {
		p = 1<<16 - p1
	}
	m.bits += 16 - math.Log2(float64(p))
	return bit
}
