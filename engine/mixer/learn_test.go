package mixer

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/rnn"
)

// useCoder adds up the ideal cost and counts which weights are used.
type useCoder struct {
	costCoder
	x          *Mixer
	use, final []float64
}

func (c *useCoder) Bit(p1 uint32, bit int) int {
	for _, o := range c.x.main.off {
		c.use[o/numInputs]++
	}
	c.final[c.x.main.bits]++
	return c.costCoder.Bit(p1, bit)
}

// learner collects a warm start: averages of the weights, moving slowly from file
// to file, and the probabilities as the last file left them.
type learner struct {
	weights [numSets][numInputs]float64
	final   [numSets]float64
	last    *Mixer
}

// start returns a mixer that goes on from what has been learned.
func (le *learner) start(t *testing.T, data []byte, v int, w *warm) *Mixer {
	t.Helper()
	le.store(v, w)
	x, err := New(Config{BlockLen: len(data), Lanes: 1, Kind: Detect(data), Model: v == 1})
	if err != nil {
		t.Fatal(err)
	}
	x.adopt(w, 0)
	if le.last != nil {
		x.own[0].sm = le.last.own[0].sm
		for k := range x.matches {
			x.matches[k].conf = le.last.matches[k].conf
		}
	}
	return x
}

// take moves the averages towards the weights of c.x, each vector counting as often
// as it was used, by the share a.
func (le *learner) take(c *useCoder, a float64) {
	for k, size := range setSize {
		var sum [numInputs]float64
		var uses float64
		for j := range size {
			vec := int(c.x.base[k]) + j
			uses += c.use[vec]
			for i := range sum {
				sum[i] += c.use[vec] * float64(c.x.own[0].weights[vec*numInputs+i]) / (weightOne / 4096)
			}
		}
		for i := range sum {
			le.weights[k][i] += a * (sum[i]/uses - le.weights[k][i])
		}
	}
	var sum [numSets]float64
	var uses float64
	for i, u := range c.final {
		uses += u
		for k := range sum {
			sum[k] += u * float64(c.x.own[0].byBits[i][k]) / (weightOne / 4096)
		}
	}
	for k := range sum {
		le.final[k] += a * (sum[k]/uses - le.final[k])
	}
	le.last = c.x
}

// load takes the weights of w to begin with.
func (le *learner) load(v int, w *warm) {
	for k := range numSets {
		for i := range numInputs {
			le.weights[k][i] = float64(w.Weights[v][k][i])
		}
		le.final[k] = float64(w.Final[v][k])
	}
}

// store writes what has been learned to w.
func (le *learner) store(v int, w *warm) {
	for k := range numSets {
		for i := range numInputs {
			w.Weights[v][k][i] = int16(max(min(le.weights[k][i], 32767), -32767))
		}
		w.Final[v][k] = int16(le.final[k])
	}
	if le.last == nil {
		return
	}
	for m := range modes {
		for i := range numCtx {
			for s := range 256 {
				w.SM[v][m][i][s] = uint16(le.last.own[0].sm[m][i][s].P())
			}
		}
	}
	for k := range numMatch {
		for i := range w.Conf[v][k] {
			w.Conf[v][k][i] = uint16(le.last.matches[k].conf[0][i].P())
		}
	}
}

// TestLearnWarmStart writes warm.bin. LLMZ_WARM_FILES matches the files to learn
// from, pieces of 10 to 20 kB of many kinds, and LLMZ_WARM_MODEL is a byte model's
// GGUF file:
//
//	LLMZ_WARM_FILES='pieces/*' LLMZ_WARM_MODEL=gru.gguf go test -run TestLearnWarmStart -timeout 2h ./engine/mixer
func TestLearnWarmStart(t *testing.T) {
	files := namedFiles(t, "LLMZ_WARM_FILES")
	gguf, err := os.ReadFile(os.Getenv("LLMZ_WARM_MODEL"))
	if err != nil {
		t.Fatal(err)
	}
	model, err := rnn.Load(gguf, rnn.Options{Name: "warm"})
	if err != nil {
		t.Fatal(err)
	}
	w := coldStart()
	for v := range 2 {
		var le learner
		le.load(v, w)
		order := rand.New(rand.NewPCG(5, 6))
		for pass, share := range []float64{0.15, 0.15, 0.05} {
			var cost, size float64
			for _, i := range order.Perm(len(files)) {
				data, err := os.ReadFile(files[i])
				if err != nil {
					t.Fatal(err)
				}
				x := le.start(t, data, v, w)
				c := &useCoder{x: x, use: make([]float64, len(x.own[0].weights)/numInputs), final: make([]float64, len(x.own[0].byBits))}
				learnFile(t, c, data, v == 1, model)
				le.take(c, share)
				cost += c.cost
				size += float64(len(data))
			}
			t.Logf("model %v, pass %d: %.4f bits per byte", v == 1, pass, cost/size)
		}
		le.store(v, w)
	}
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, w); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("warm.bin", b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// learnFile codes data with c.x.
func learnFile(t *testing.T, c *useCoder, data []byte, mixed bool, model predict.Model) {
	t.Helper()
	if !mixed {
		for _, b := range data {
			c.x.Code(c, 0, nil, 0, b)
		}
		return
	}
	s, err := model.NewSession(t.Context(), predict.SessionOptions{Lanes: 1, Threads: 1, MaxSteps: len(data)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	prev := []int32{predict.Start}
	for _, b := range data {
		if err := s.Step(prev); err != nil {
			t.Fatal(err)
		}
		freqs, total := s.Freqs(0)
		c.x.Code(c, 0, freqs, total, b)
		prev[0] = int32(b)
	}
}
