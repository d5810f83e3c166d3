package lm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/lm/llama"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/predict"
)

const (
	tinyDir  = "../../testdata/gpt2-tiny/"
	tinyPath = tinyDir + "gpt2-tiny.gguf"
)

// mustEnv, when set, turns the skipping of tests that need llama.cpp into
// failures ("make test-llama").
const mustEnv = "LLMZ_TEST_LLAMA"

// open opens the test model, or skips the test where there is no runtime.
func open(t testing.TB, o Options) *Model {
	t.Helper()
	needRuntime(t)
	if o.Path == "" {
		o.Path = tinyPath
	}
	m, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func needRuntime(t testing.TB) {
	t.Helper()
	if _, err := llamacpp.Locate(llamacpp.CPU); err != nil {
		if os.Getenv(mustEnv) != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

type reference struct {
	Text   string  `json:"text"`
	Bytes  int     `json:"bytes"`
	Tokens int     `json:"tokens"`
	Ctx    int     `json:"n_ctx"`
	Keep   int     `json:"keep"`
	Bits   float64 `json:"bits"`
	Short  struct {
		Tokens int     `json:"tokens"`
		Bits   float64 `json:"bits"`
	} `json:"short"` // the same over fewer tokens
	Stride int `json:"logits_stride"`
	Logits []struct {
		Position int       `json:"position"`
		Logits   []float64 `json:"logits"`
		Max      float64   `json:"max"`
		Argmax   int       `json:"argmax"`
	} `json:"logits"`
}

func readReference(t testing.TB) (ref reference, text []byte) {
	t.Helper()
	raw, err := os.ReadFile(tinyDir + "reference.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &ref); err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile("../../testdata/" + ref.Text); err != nil {
		t.Fatal(err)
	}
	return ref, text[:ref.Bytes]
}

// TestReference compares logits and cross-entropy with those of another
// implementation, in float64, context refills included. Weights are the same;
// llama.cpp rounds activations to 8 bits, so that logits differ a little.
func TestReference(t *testing.T) {
	m := open(t, Options{})
	ref, text := readReference(t)
	tokens, err := m.Tokenize(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	n, want := ref.Short.Tokens, ref.Short.Bits
	if os.Getenv(mustEnv) != "" {
		n, want = ref.Tokens, ref.Bits
	}
	tokens = tokens[:n]
	if m.set.ctx != ref.Ctx || m.set.keep != ref.Keep {
		t.Fatalf("window %d keeping %d, the reference has %d and %d", m.set.ctx, m.set.keep, ref.Ctx, ref.Keep)
	}
	s, err := m.NewSession(context.Background(), predict.SessionOptions{Lanes: 1, Threads: 1, MaxSteps: len(tokens)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	bits, next := 0.0, 0
	prev := []int32{predict.Start}
	for i, tok := range tokens {
		if err := s.Step(prev); err != nil {
			t.Fatal(err)
		}
		f, total := s.Freqs(0)
		bits -= math.Log2(float64(f[tok]) / float64(total))
		if next < len(ref.Logits) && ref.Logits[next].Position == i {
			row := ref.Logits[next]
			next++
			// Compare probabilities relative to the best token's, as logits.
			for k, w := range row.Logits {
				v := k * ref.Stride
				if w-row.Max < -16 {
					continue
				}
				got := math.Log(float64(f[v]) / float64(f[row.Argmax]))
				if d := got - (w - row.Max); math.Abs(d) > 0.35 {
					t.Errorf("position %d, token %d: logit %.3f below the best, want %.3f", i, v, got, w-row.Max)
				}
			}
		}
		prev[0] = tok
	}
	if next == 0 {
		t.Error("no logits were compared")
	}
	d := bits/want - 1
	t.Logf("%d tokens: %.5f bits each, the reference needs %.5f (%+.4f%%)", n, bits/float64(n), want/float64(n), 100*d)
	if math.Abs(d) > 0.002 {
		t.Error("that is too far from the reference")
	}
}

// resolver finds the one model, opened as an archive needs it.
type resolver struct{ path string }

func (r resolver) Resolve(ctx context.Context, ref predict.Ref) (predict.Model, error) {
	m, err := Open(ctx, Options{Path: r.path, Name: ref.Name, Digest: ref.Digest, Runtime: ref.Runtime})
	if err != nil {
		return nil, err
	}
	return m, nil
}

func compress(t testing.TB, m *Model, data []byte, lanes, threads int) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := engine.Compress(context.Background(), &b, bytes.NewReader(data), engine.Options{Model: m, NoMix: true, Lanes: lanes, Threads: threads}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRoundTrip codes texts and edge cases, one with context refills, and
// compares the archives of one and two threads.
func TestRoundTrip(t *testing.T) {
	m := open(t, Options{})
	small, err := os.ReadFile("../../testdata/canterbury_small.bin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		data  []byte
		lanes int
	}{
		{"empty", nil, 1},
		{"one byte", []byte{0}, 1},
		{"fewer tokens than lanes", []byte("ab"), 5},
		{"several windows", small[:1800], 1},
		{"several windows and lanes", small[:4500], 3},
		{"not UTF-8", []byte("\xff\xfe\x80 caf\xc3 caf\xc3\xa9 \xed\xa0\x80 \x00\x00 \xf0\x9f\x98\x80\xf0\x9f"), 2},
		{"spaces", []byte("a  b   c\t\t\r\n\r\n    d\n \n  \n"), 2},
		{"special", []byte("<|endoftext|> is text <|endoftext|>"), 1},
		{"one line", bytes.Repeat([]byte("na"), 300), 1},
	} {
		one, two := compress(t, m, c.data, c.lanes, 1), compress(t, m, c.data, c.lanes, 2)
		if !bytes.Equal(one, two) {
			t.Errorf("%s: two threads give another archive than one", c.name)
		}
		var back bytes.Buffer
		if _, err := engine.Decompress(context.Background(), &back, bytes.NewReader(one), engine.ReadOptions{Models: resolver{tinyPath}, Threads: 1}); err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !bytes.Equal(back.Bytes(), c.data) {
			t.Errorf("%s: it came back different", c.name)
		}
	}
}

// TestCodeLength compares an archive's payload with the ideal code of the same
// frequencies.
func TestCodeLength(t *testing.T) {
	m := open(t, Options{})
	_, text := readReference(t)
	tokens, err := m.Tokenize(context.Background(), text[:2000])
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.NewSession(context.Background(), predict.SessionOptions{Lanes: 1, Threads: 1, MaxSteps: len(tokens)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	bits := 0.0
	prev := []int32{predict.Start}
	for _, tok := range tokens {
		if err := s.Step(prev); err != nil {
			t.Fatal(err)
		}
		f, total := s.Freqs(0)
		bits -= math.Log2(float64(f[tok]) / float64(total))
		prev[0] = tok
	}
	const container = 400 // bytes of headers, index and checksums, at most
	if got := float64(len(compress(t, m, text[:2000], 1, 1))); got < bits/8 || got > bits/8*1.001+container {
		t.Errorf("an archive of %.0f bytes, the ideal code has %.1f", got, bits/8)
	}
}

// TestOtherSettings decodes with settings changed in the archive's reference.
func TestOtherSettings(t *testing.T) {
	m := open(t, Options{})
	info := m.Info()
	if info.Portability != predict.SameRuntime || info.Runtime[keyDevice] != "cpu" || info.Alphabet != 50257 || info.Kind != predict.Tokens {
		t.Errorf("info %+v", info)
	}
	for name, change := range map[string]func(map[string]string){
		"version":  func(r map[string]string) { r[keyVersion] = "v0.4.0" },
		"schedule": func(r map[string]string) { r[keySchedule] = "2" },
		"variant":  func(r map[string]string) { r[keyVariant] = "neoverse" },
		"build":    func(r map[string]string) { r[keyCPU] = "0000000000000000" },
		"window":   func(r map[string]string) { r[keyContext] = "512" },
		"keep":     func(r map[string]string) { r[keyKeep] = "256" },
		"number":   func(r map[string]string) { r[keyKeep] = "many" },
		"nothing":  func(r map[string]string) { clear(r) },
	} {
		r := clone(info.Runtime)
		change(r)
		if _, err := Open(context.Background(), Options{Path: tinyPath, Runtime: r}); !errors.Is(err, predict.ErrMismatch) {
			t.Errorf("%s: error %v", name, err)
		}
		if len(Differences(info.Runtime, r)) == 0 {
			t.Errorf("%s: no difference found", name)
		}
	}
	r := clone(info.Runtime)
	r[keyDevice] = "cuda"
	if _, err := Open(context.Background(), Options{Path: tinyPath, Runtime: r}); err == nil {
		t.Error("a setting of another device was taken")
	}
	if _, err := Open(context.Background(), Options{Path: tinyPath, Digest: make([]byte, 32)}); !errors.Is(err, predict.ErrMismatch) {
		t.Errorf("another digest: %v", err)
	}
}

// TestVariants decodes with other CPU kernels than the archive's, which the
// probe must notice, wherever both run.
func TestVariants(t *testing.T) {
	needRuntime(t)
	in, err := llamacpp.Locate(llamacpp.CPU)
	if err != nil {
		t.Fatal(err)
	}
	all, err := llama.Variants(in.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 2 || all[1].Score == 0 {
		t.Skip("this machine runs one variant only")
	}
	data := []byte("The same bytes in, and what the kernels make of them.")
	def, err := llama.Choose(all, "")
	if err != nil {
		t.Fatal(err)
	}
	other := all[slices.IndexFunc(all, func(v llama.Variant) bool { return v.Name != def.Name })]
	m, err := Open(context.Background(), Options{Path: tinyPath, Kernel: other.Name})
	if err != nil {
		t.Fatal(err)
	}
	made := compress(t, m, data, 1, 1)
	if m.Info().Runtime[keyVariant] != other.Name {
		t.Errorf("the archive names %q", m.Info().Runtime[keyVariant])
	}
	m.Close()
	// As recorded, it decodes.
	var back bytes.Buffer
	if _, err := engine.Decompress(context.Background(), &back, bytes.NewReader(made), engine.ReadOptions{Models: resolver{tinyPath}}); err != nil || !bytes.Equal(back.Bytes(), data) {
		t.Errorf("with the recorded kernels: %v", err)
	}
	// With other kernels the probe notices, unless the numbers happen to be the same.
	back.Reset()
	_, err = engine.Decompress(context.Background(), &back, bytes.NewReader(made), engine.ReadOptions{Models: wrongVariant{def.Name}})
	if err == nil && bytes.Equal(back.Bytes(), data) {
		t.Logf("the %s and %s kernels agree on this", def.Name, other.Name)
	} else if !errors.Is(err, predict.ErrMismatch) {
		t.Errorf("%s kernels on an archive of the %s ones: %v", def.Name, other.Name, err)
	}
}

// wrongVariant ignores the kernels that the archive names.
type wrongVariant struct{ variant string }

func (w wrongVariant) Resolve(ctx context.Context, ref predict.Ref) (predict.Model, error) {
	m, err := Open(ctx, Options{Path: tinyPath, Kernel: w.variant})
	if err != nil {
		return nil, err
	}
	m.info.Runtime = ref.Runtime // hide it
	return m, nil
}

func TestSessionMisuse(t *testing.T) {
	m := open(t, Options{})
	if _, err := m.NewSession(context.Background(), predict.SessionOptions{Lanes: 0}); err == nil {
		t.Error("no lanes were taken")
	}
	if _, err := m.NewSession(context.Background(), predict.SessionOptions{Lanes: maxSequences + 1}); err == nil {
		t.Error("too many lanes were taken")
	}
	s, err := m.NewSession(context.Background(), predict.SessionOptions{Lanes: 2, Threads: 1, MaxSteps: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, prev := range [][]int32{{50257, 0}, {-2, 0}, {0, 0, 0}} {
		if err := s.Step(prev); err == nil {
			t.Errorf("step %v was taken", prev)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	c, err := m.NewSession(ctx, predict.SessionOptions{Lanes: 1, Threads: 1, MaxSteps: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancel()
	if err := c.Step([]int32{predict.Start}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestLanes(t *testing.T) {
	m := &Model{shape: shape{layers: 12, embd: 768, heads: 12, kvHeads: 12, keyLen: 64, valueLen: 64, ctx: 1024}, set: settings{ctx: 1024}}
	for n, want := range map[int]int{0: 1, 3065: 1, 5000: 1, 7000: 4, 20_000: 8, 28_000: 12, 31_000: 16, 40_000: 16, 1 << 20: 16} {
		if got := m.Lanes(n); got != want {
			t.Errorf("%d lanes for %d tokens, want %d", got, n, want)
		}
	}
	// A cache that leaves room for 13 lanes.
	m.shape.kvHeads = 26
	if got := m.Lanes(1 << 20); got != 12 {
		t.Errorf("%d lanes with a larger cache", got)
	}
	m.shape.layers, m.shape.kvHeads = 80, 64
	if got := m.Lanes(1 << 20); got != 1 {
		t.Errorf("a model with a large cache has %d lanes", got)
	}
}

func TestNoModel(t *testing.T) {
	if _, err := Open(context.Background(), Options{Path: "no/such.gguf"}); !errors.Is(err, predict.ErrModelMissing) {
		t.Errorf("error %v", err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("LocalAppData", t.TempDir())
	t.Setenv(llamacpp.EnvLib, "")
	_, err := Open(context.Background(), Options{Path: tinyPath})
	if !errors.Is(err, predict.ErrRuntimeMissing) {
		t.Fatalf("error %v", err)
	}
	if llamacpp.Supported() && !strings.Contains(err.Error(), "llmz runtime install") {
		t.Errorf("%v does not name the command", err)
	}
}
