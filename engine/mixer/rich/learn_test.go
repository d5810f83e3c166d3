package rich

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/lm/transformer"
	"github.com/llmz/llmz/engine/mixer/tokens"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/rnn"
)

// costCoder adds up the ideal code length in bits.
type costCoder struct{ bits float64 }

func (c *costCoder) Bit(p1 uint32, bit int) int {
	if bit == 0 {
		p1 = 65536 - p1
	}
	c.bits -= math.Log2(float64(p1) / 65536)
	return bit
}

// learner collects a warm start: the averages of weights by how often they are used, and
// what else one brain has learned, which goes on from file to file.
type learner struct {
	costCoder
	kind    content.Kind
	model   bool
	version int                // of the mixer
	vocab   *tokens.Vocabulary // of the model, nil if it is one of bytes
	x       *Mixer
	b       *brain

	use    []float64
	sum    [numSets][numInputs]float64
	uses   [numSets]float64
	final  [numFinal][numSets]float64
	finals float64
	// Of the ends of tokens.
	endSum  [numSets][numInputs]float64
	endUses [numSets]float64
}

// Bit notes which weights are used.
func (le *learner) Bit(p1 uint32, bit int) int {
	for _, o := range le.x.main.off {
		le.use[o/numInputs]++
	}
	if !le.x.atEnd {
		le.finals++
		for k, f := range le.x.main.final {
			for i, w := range f {
				le.final[k][i] += float64(w)
			}
		}
	}
	return le.costCoder.Bit(p1, bit)
}

// start makes a mixer for data that goes on with the brain.
func (le *learner) start(t *testing.T, data []byte) {
	t.Helper()
	cfg := Config{Version: le.version, BlockLen: len(data), Lanes: 1, Plan: content.Plan{{Kind: le.kind, Len: len(data)}}, Model: le.model, History: data}
	var x *Mixer
	var err error
	if le.vocab != nil {
		x, err = NewTokens(cfg, le.vocab, &le.costCoder, []int{len(data)})
	} else {
		x, err = New(cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	if le.b == nil {
		le.b = x.lanes[0].brain
		le.use = make([]float64, numVectors)
	}
	le.b.count = 20000 // neither as fast as at first nor as slow as in the end
	le.b.refineWith(x.lanes[0].common.maps)
	x.lanes[0].brain, x.own[0].brains[le.kind] = le.b, le.b
	le.x = x
}

// fold takes in the weights that were used, and lets older ones count less.
func (le *learner) fold() {
	const keep = 0.97
	for k, size := range setSize {
		le.uses[k] *= keep
		le.endUses[k] *= keep
		for i := range le.sum[k] {
			le.sum[k][i] *= keep
			le.endSum[k][i] *= keep
		}
		for v := base[k]; v < base[k]+size; v++ {
			u := le.use[v]
			uses, sum := &le.uses[k], &le.sum[k]
			if isEnd(k, v-base[k]) {
				uses, sum = &le.endUses[k], &le.endSum[k]
			}
			*uses += u
			for i := range sum {
				sum[i] += u * float64(le.b.weights[v*numInputs+uint32(i)])
			}
		}
	}
	clear(le.use)
}

// warm returns what has been learned.
func (le *learner) warm() *warm {
	w := &warm{Kind: uint8(le.kind)}
	if le.model {
		w.Model = 1
	}
	for k := range numSets {
		for i := range numInputs {
			w.Weights[k][i] = short(le.sum[k][i] / le.uses[k])
		}
		for f := range numFinal {
			w.Final[f][k] = short(le.final[f][k] / le.finals)
		}
	}
	for i := range numCtx {
		for s := range w.SM[i] {
			w.SM[i][s] = uint16(le.b.sm[i][s].P())
		}
		for s := range w.Run[i] {
			w.Run[i][s] = uint16(le.b.run[i][s].P())
		}
	}
	for k := range w.Conf {
		for i := range w.Conf[k] {
			w.Conf[k][i] = uint16(le.b.conf[k][i].P())
		}
	}
	for i := range w.Order0 {
		w.Order0[i] = uint16(le.b.order0[i].P())
	}
	return w
}

// short is a weight as warm starts hold it.
func short(v float64) int16 { return int16(max(min(math.Round(v/(1<<14)), 32767), -32767)) }

// warmTokens returns what has been learned with a model of tokens.
func (le *learner) warmTokens() *warmTokens {
	w := &warmTokens{Bytes: *le.warm()}
	for k := range numSets {
		for i := range numInputs {
			w.Weights[k][i] = short(le.endSum[k][i] / le.endUses[k])
		}
	}
	for i := range w.SM {
		for s := range w.SM[i] {
			w.SM[i][s] = uint16(le.b.ends.sm[i][s].P())
		}
	}
	for k := range w.Conf {
		for i := range w.Conf[k] {
			w.Conf[k][i] = uint16(le.b.ends.conf[k][i].P())
		}
	}
	return w
}

// write writes values as a warm start.
func write[T any](t *testing.T, path string, all ...*T) {
	t.Helper()
	var raw, out bytes.Buffer
	for _, w := range all {
		if err := binary.Write(&raw, binary.LittleEndian, w); err != nil {
			t.Fatal(err)
		}
	}
	z, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(raw.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestLearnWarmUnits writes warmunits.bin. LLMZ_WARM_BINARY matches the files to learn from,
// pieces of 10 to 30 kB of many kinds; LLMZ_WARM_MODEL is a byte model's GGUF file. warm.bin,
// of all versions' text and version 3's other content, was learned alike.
//
//	LLMZ_WARM_BINARY='binary/*' LLMZ_WARM_MODEL=gru.gguf go test -run TestLearnWarmUnits -timeout 2h ./engine/mixer/rich
func TestLearnWarmUnits(t *testing.T) {
	if os.Getenv("LLMZ_WARM_BINARY") == "" {
		t.Skip("LLMZ_WARM_BINARY names no files")
	}
	learnBoth(t, "warmunits.bin", learner{kind: content.Plain})
}

// TestLearnWarmLean writes warmlean.bin, from the files that LLMZ_WARM_TEXT matches: which the
// model must not have been trained on, or it is trusted too much.
//
//	LLMZ_WARM_TEXT='text/*' LLMZ_WARM_MODEL=gru.gguf go test -run TestLearnWarmLean -timeout 2h ./engine/mixer/rich
func TestLearnWarmLean(t *testing.T) {
	if os.Getenv("LLMZ_WARM_TEXT") == "" || os.Getenv("LLMZ_WARM_MODEL") == "" {
		t.Skip("LLMZ_WARM_TEXT names no files, or LLMZ_WARM_MODEL no model")
	}
	learnBoth(t, "warmlean.bin", learner{kind: content.Text, version: versionLean})
}

// learnBoth writes the warm starts of learners like le, without a model and with the one that
// LLMZ_WARM_MODEL names.
func learnBoth(t *testing.T, path string, le learner) {
	gguf, err := os.ReadFile(os.Getenv("LLMZ_WARM_MODEL"))
	if err != nil {
		t.Fatal(err)
	}
	model, err := rnn.Load(gguf, rnn.Options{Name: "warm"})
	if err != nil {
		t.Fatal(err)
	}
	with := le
	with.model = true
	learners := []*learner{&le, &with}
	t.Run("", func(t *testing.T) {
		for _, le := range learners {
			t.Run(le.kind.String(), func(t *testing.T) {
				t.Parallel()
				le.learn(t, model)
			})
		}
	})
	var all []*warm
	for _, le := range learners {
		all = append(all, le.warm())
	}
	write(t, path, all...)
}

// TestLearnWarmTokens writes warmtokens.bin, from the files that LLMZ_WARM_TEXT matches, with the
// GGUF file of a model of tokens that LLMZ_WARM_TOKENS names.
//
//	LLMZ_WARM_TEXT='text/*' LLMZ_WARM_TOKENS=gpt.gguf go test -run TestLearnWarmTokens -timeout 2h ./engine/mixer/rich
func TestLearnWarmTokens(t *testing.T) {
	if os.Getenv("LLMZ_WARM_TOKENS") == "" {
		t.Skip("LLMZ_WARM_TOKENS names no model")
	}
	model, err := transformer.Open(t.Context(), transformer.Options{Path: os.Getenv("LLMZ_WARM_TOKENS")})
	if err != nil {
		t.Fatal(err)
	}
	v, err := tokens.NewVocabulary(model.Info().Alphabet, model.TokenBytes)
	if err != nil {
		t.Fatal(err)
	}
	le := &learner{kind: content.Text, model: true, vocab: v}
	le.learn(t, model)
	write(t, "warmtokens.bin", le.warmTokens())
}

// learn goes through all files of the learner's kind.
func (le *learner) learn(t *testing.T, model predict.Model) {
	name := "LLMZ_WARM_TEXT"
	passes := 1
	if le.kind == content.Plain {
		name = "LLMZ_WARM_BINARY"
	}
	files, err := filepath.Glob(os.Getenv(name))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s: %v", name, err)
	}
	if le.model && le.version != versionLean {
		files = slicesEvery(files, 3)
	}
	order := rand.New(rand.NewPCG(5, 6))
	for pass := range passes {
		var size float64
		le.bits = 0
		for _, i := range order.Perm(len(files)) {
			data, err := os.ReadFile(files[i])
			if err != nil {
				t.Fatal(err)
			}
			data = data[:min(len(data), 30000)]
			le.start(t, data)
			le.code(t, data, model)
			le.fold()
			size += float64(len(data))
		}
		t.Logf("%s, model %v, pass %d: %.4f bits per byte", strings.ToLower(le.kind.String()), le.model, pass, le.bits/size)
	}
}

// slicesEvery returns one in n of s.
func slicesEvery(s []string, n int) (some []string) {
	for i := 0; i < len(s); i += n {
		some = append(some, s[i])
	}
	return some
}

// code codes data with the model, where the learner has one.
func (le *learner) code(t *testing.T, data []byte, model predict.Model) {
	if !le.model {
		for _, b := range data {
			le.x.Code(le, 0, nil, 0, b)
		}
		return
	}
	s, err := model.NewSession(t.Context(), predict.SessionOptions{Lanes: 1, Threads: 1, MaxSteps: len(data)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	prev := []int32{predict.Start}
	if tm, ok := model.(predict.TokenModel); ok {
		le.codeTokens(t, data, tm, s)
		return
	}
	for _, b := range data {
		if err := s.Step(prev); err != nil {
			t.Fatal(err)
		}
		freqs, total := s.Freqs(0)
		le.x.Code(le, 0, freqs, total, b)
		prev[0] = int32(b)
	}
}

// codeTokens codes data with a model of tokens.
func (le *learner) codeTokens(t *testing.T, data []byte, model predict.TokenModel, s predict.Session) {
	ids, err := model.Tokenize(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	s.(predict.Foreseer).Foresee(predict.KnownLanes([][]int32{ids}))
	prev := []int32{predict.Start}
	for _, id := range ids {
		if err := s.Step(prev); err != nil {
			t.Fatal(err)
		}
		freqs, _ := s.Freqs(0)
		prev[0] = le.x.CodeToken(le, 0, freqs, id)
	}
}
