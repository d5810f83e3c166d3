package trainer

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/llmz/llmz/ggml/parallel"
	"github.com/llmz/llmz/ggml/sgemm"
	"github.com/llmz/llmz/models/trainer/vec"
	"github.com/llmz/llmz/models/trainer/vocab"
)

// Result is a trained model.
type Result struct {
	Shape      Shape
	Vocabulary *vocab.Vocabulary // of a transformer
	Weights    []Weight
	Updates    int
	Bytes      int64   // trained on
	BPC        float64 // on the held-out data; 0 without any

	held [][]byte // the held-out texts
}

// Weight is a named tensor with the name and layout of PyTorch.
type Weight struct {
	Name  string
	Shape []int // rows and columns, or the length of a bias
	Data  []float32
}

// training is the state of one Train.
type training struct {
	c       Config
	observe func(Event)
	corpus  *corpus
	p       *params
	m, v    []float32 // AdamW's moments; m is the momentum of muons
	muons   []*muon   // matrices that AdamW leaves alone
	best    []float32 // weights of the best validation
	g       []float32 // the gradient
	kernel  *sgemm.Kernel
	arch    architecture
	texts   [][]byte // held out
	streams []*stream

	update   int
	bytes    int64
	smoothed float64
	bestBPC  float64
	stale    int
	total    int // updates; 0: by time
	resumed  *checkpoint

	begun  time.Time
	before time.Duration // elapsed before a resume
	held   time.Duration // by the gate, before the training began
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// elapsed is how long the training has taken, pauses left out.
func (t *training) elapsed() time.Duration {
	return t.before + time.Since(t.begun) - (t.c.Gate.Held() - t.held)
}

// Train trains a model. When ctx is cancelled it saves a checkpoint, if one was
// asked for, and returns the weights so far together with ctx's error. observe may
// be nil.
func Train(ctx context.Context, c Config, observe func(Event)) (*Result, error) {
	t, err := newTraining(ctx, c, observe)
	if err != nil {
		return nil, err
	}
	return t.run(ctx)
}

func newTraining(ctx context.Context, c Config, observe func(Event)) (*training, error) {
	kernel, err := c.complete()
	if err != nil {
		return nil, err
	}
	if observe == nil {
		observe = func(Event) {}
	}
	t := &training{c: c, kernel: kernel, observe: observe, begun: time.Now(), held: c.Gate.Held()}
	if t.corpus, err = newCorpus(c.Sources, c.Validation); err != nil {
		return nil, err
	}
	if t.c.Resume && t.c.Checkpoint != "" {
		if err := t.readCheckpoint(); err != nil {
			return nil, err
		}
	}
	if err := t.vocabulary(ctx); err != nil {
		return nil, err
	}
	t.p = newParams(t.c.Shape)
	if c.Init == nil {
		t.p.init(c.Seed)
	} else if err := t.p.set(c.Init); err != nil {
		return nil, err
	}
	n := len(t.p.data)
	t.g, t.m, t.v = make([]float32, n), make([]float32, n), make([]float32, n)
	if t.c.Optimiser == Muon {
		t.muons = newMuons(t.p)
	}
	t.best = append([]float32(nil), t.p.data...)
	if t.arch, err = newArchitecture(&t.c, t.p, t.kernel); err != nil {
		return nil, err
	}
	t.texts = t.corpus.heldOutTexts(t.arch.heldOut())
	for i := range t.c.Streams {
		s := newStream(t.corpus, t.c.Augment, t.c.Seed, uint64(i))
		s.length = t.arch.textLength()
		t.streams = append(t.streams, s)
	}
	t.total = t.c.Updates
	if t.c.Epochs > 0 {
		t.total = max(1, int(math.Ceil(t.c.Epochs*float64(t.corpus.bytes)/float64(t.arch.chunkBytes()))))
	}
	if t.resumed != nil {
		if err := t.restore(t.resumed); err != nil {
			return nil, err
		}
		t.resumed = nil
	}
	observe(&Started{Shape: t.c.Shape, Parameters: t.c.Shape.Parameters(), Kernel: t.kernel.Name(),
		Threads: t.c.Threads, Bytes: t.corpus.bytes, Resumed: t.update,
		Warning: LittleText(t.corpus.bytes, c.Init != nil)})
	return t, nil
}

// fraction is how much of the schedule is done.
func (t *training) fraction() float64 {
	if t.total > 0 {
		return min(1, float64(t.update)/float64(t.total))
	}
	return min(1, t.elapsed().Seconds()/t.c.For.Seconds())
}

// longestWarmUp is the share of the training after which the warm-up is over in any case.
const longestWarmUp = 0.05

// rate is the learning rate of the next update: a linear warm-up, then a cosine, or
// an even rate that falls to the end.
func (t *training) rate() float64 {
	c := &t.c
	left := 0.5 * (1 + math.Cos(math.Pi*t.fraction()))
	if c.CoolDown > 0 {
		left = min(1, (1-t.fraction())/c.CoolDown)
	}
	return c.Rate * (c.FinalRate + (1-c.FinalRate)*left) * min(1, max(float64(t.update+1)/float64(c.WarmUp), t.fraction()/longestWarmUp))
}

func (t *training) run(ctx context.Context) (*Result, error) {
	var shown, saved, validated = t.begun, t.begun, t.begun
	var took time.Duration // the last validation
	shownBytes := t.bytes
	reason := "done"
	for t.fraction() < 1 {
		if ctx.Err() != nil {
			reason = "interrupted"
			break
		}
		if t.c.Gate.Closed() {
			if err := t.pause(ctx); err != nil {
				return nil, err
			}
			saved, shown, shownBytes = time.Now(), time.Now(), t.bytes
			continue
		}
		rate := t.rate()
		bpc, norm, err := t.step(ctx, rate)
		if err != nil {
			continue // it is seen above
		}
		if math.IsNaN(bpc) || math.IsInf(norm, 0) || math.IsNaN(norm) {
			return nil, fmt.Errorf("%w after %d updates: use a lower learning rate than %g", ErrDiverged, t.update, t.c.Rate)
		}
		now := time.Now()
		if since := now.Sub(shown); since >= 500*time.Millisecond || t.update == t.total {
			f, e := t.fraction(), t.elapsed().Seconds()
			t.observe(&Progress{Update: t.update, Bytes: t.bytes, BPC: t.smoothed, Rate: rate, Norm: norm,
				Speed: float64(t.bytes-shownBytes) / since.Seconds(), Fraction: f, Elapsed: e, ETA: e/max(f, 1e-9) - e})
			shown, shownBytes = now, t.bytes
		}
		due := now.Sub(validated) >= max(t.c.ValidateEvery, validShare*took)
		if t.c.ValidateUpdates > 0 {
			due = t.update%t.c.ValidateUpdates == 0
		}
		if due {
			if t.validate(ctx); t.c.Patience > 0 && t.stale >= t.c.Patience {
				reason = "early"
				break
			}
			validated = time.Now()
			took = validated.Sub(now)
		}
		if t.c.Checkpoint != "" && now.Sub(saved) >= t.c.CheckpointEvery {
			if err := t.checkpoint(); err != nil {
				return nil, err
			}
			saved = time.Now()
		}
	}
	if reason != "interrupted" {
		t.validate(ctx)
	}
	if t.c.Checkpoint != "" {
		if err := t.checkpoint(); err != nil {
			return nil, err
		}
	}
	return t.finish(reason), ctx.Err()
}

// step trains on one chunk and returns its loss and the gradient's norm.
func (t *training) step(ctx context.Context, rate float64) (bpc, length float64, err error) {
	bits, bytes, err := t.arch.step(ctx, t.streams, t.g)
	if err != nil {
		return 0, 0, err
	}
	bpc, length = bits/float64(bytes), gradientNorm(t.g, t.c.Threads)
	t.update++
	t.bytes += int64(bytes)
	if t.smoothed == 0 {
		t.smoothed = bpc
	}
	t.smoothed += (bpc - t.smoothed) * max(0.02, 1/float64(t.update))
	t.optimise(rate, length)
	return bpc, length, nil
}

// optimise applies one step of the optimiser. Only matrices decay.
func (t *training) optimise(rate, norm float64) {
	const beta1 = 0.9
	k := vec.AdamW{GradScale: 1, Beta1: beta1, Beta2: float32(t.c.Beta2), Rate: float32(rate), Epsilon: 1e-8}
	if norm > t.c.Clip {
		k.GradScale = float32(t.c.Clip / norm)
	}
	k.Correct1 = float32(1 / (1 - math.Pow(beta1, float64(t.update))))
	k.Correct2 = float32(1 / math.Sqrt(1-math.Pow(t.c.Beta2, float64(t.update))))
	type part struct {
		from, to int
		decay    bool
	}
	var parts []part
	for _, p := range t.p.list {
		if t.muons != nil && p.parts > 0 {
			continue
		}
		for at := 0; at < p.size(); at += block {
			parts = append(parts, part{p.offset + at, p.offset + min(p.size(), at+block), !p.vector})
		}
	}
	parallel.For(t.c.Threads, len(parts), func(i int) {
		a, k := parts[i], k
		if a.decay {
			k.Decay = float32(t.c.Decay)
		}
		k.Step(t.p.data[a.from:a.to], t.m[a.from:a.to], t.v[a.from:a.to], t.g[a.from:a.to])
	})
	parallel.For(t.c.Threads, len(t.muons), func(i int) {
		t.muons[i].step(t.kernel, t.p.data, t.m, t.g, k.GradScale, k.Rate, float32(t.c.Decay))
	})
}

// pause saves a checkpoint, if one was asked for, and waits until the gate opens.
func (t *training) pause(ctx context.Context) error {
	if t.c.Checkpoint != "" {
		if err := t.checkpoint(); err != nil {
			return err
		}
	}
	_ = t.c.Gate.Wait(ctx) // the loop looks at ctx itself
	return nil
}

func (t *training) checkpoint() error {
	start := time.Now()
	if err := t.save(t.c.Checkpoint); err != nil {
		return err
	}
	t.observe(&Saved{Path: t.c.Checkpoint, Update: t.update, Took: time.Since(start)})
	return nil
}

// finish returns the best weights seen, which are the last ones without held-out
// data.
func (t *training) finish(reason string) *Result {
	r := &Result{Shape: t.c.Shape, Updates: t.update, Bytes: t.bytes, BPC: t.bestBPC, Vocabulary: t.c.Vocabulary, held: t.texts}
	data := t.p.data
	if t.bestBPC > 0 {
		data = t.best
	}
	r.Weights = t.p.weights(data)
	t.observe(&Finished{Update: t.update, Bytes: t.bytes, BPC: t.bestBPC, Elapsed: t.elapsed().Seconds(), Reason: reason})
	return r
}
