package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/block"
	"github.com/llmz/llmz/engine/predict"
)

// sureModel is as sure of zeros as a model on the bundled graph can be.
type sureModel struct{ *fakeModel }

func newSureModel() *sureModel { return &sureModel{newFakeModel("sure")} }

func (m *sureModel) NewSession(context.Context, predict.SessionOptions) (predict.Session, error) {
	s := &sureSession{freqs: make([]uint32, 256), total: block.FreqsMost + 255}
	for i := range s.freqs {
		s.freqs[i] = 1
	}
	s.freqs[0] = block.FreqsMost
	return s, nil
}

type sureSession struct {
	freqs []uint32
	total uint32
}

func (s *sureSession) Step([]int32) error                { return nil }
func (s *sureSession) Freqs(int) ([]uint32, uint32)      { return s.freqs, s.total }
func (s *sureSession) StageTimes() (infer, update int64) { return 0, 0 }
func (s *sureSession) Close() error                      { return nil }

// TestHonestArchivesOfNothingButZeros compresses what is the most compressible: no archive of
// it may be taken for a forged one, and all decode without a limit being set.
func TestHonestArchivesOfNothingButZeros(t *testing.T) {
	data := make([]byte, 120_000)
	for name, o := range map[string]Options{
		"mixer":      {NoModel: true},
		"small":      {NoModel: true, BlockSize: 10_000},
		"mixed":      {Model: newSureModel(), Lanes: 1},
		"many lanes": {Model: newSureModel(), Lanes: 300},
		"bare":       {Model: newSureModel(), NoMix: true},
		"one block":  {Model: newSureModel(), NoMix: true, BlockSize: 1 << 30},
		"tokens":     {Model: newFakeTokenModel(), BlockSize: 1 << 16},
		"raw tokens": {Model: newFakeTokenModel(), NoMix: true},
	} {
		ar, _ := compress(t, data, o)
		members, err := archive.List(bytes.NewReader(ar), int64(len(ar)))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			for _, b := range m.Blocks {
				if least := block.LeastPayload(m.Header, &b.Block, o.Model); b.Block.Size < least {
					t.Errorf("%s: %d bytes are coded in %d, fewer than the %d that seemed possible", name, b.Length, b.Block.Size, least)
				} else if name == "bare" && least < b.Block.Size*3/4-2 {
					t.Errorf("%s: %d bytes are coded in %d, the least is said to be %d", name, b.Length, b.Block.Size, least)
				}
			}
		}
		var models fakeResolver
		if o.Model != nil {
			models = fakeResolver{o.Model}
		}
		got, _, err := decompress(ar, ReadOptions{Models: models})
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	// Blocks of all sizes that are filled with zeros are within what is allowed.
	h := &archive.Header{Mixer: 1, Model: &archive.Model{Name: "gru", Numerics: 1}}
	for length := 1; length <= archive.MaxBlock; length *= 2 {
		for _, lanes := range []int{1, 8, 32, 1000} {
			b := &archive.Block{Length: length, Lanes: min(lanes, length)}
			b.Size = block.LeastPayload(h, b, nil)
			if err := allow(h, b, nil, 0, 0); err != nil {
				t.Errorf("%d zeros in %d lanes: %v", length, lanes, err)
			}
		}
	}
}

// forgedBlock is an archive of one block that says what it likes, with right checksums.
func forgedBlock(t testing.TB, model predict.Model, mixed bool, b archive.Block, payload []byte) []byte {
	t.Helper()
	h := &archive.Header{}
	if mixed {
		h.Mixer = archive.MixerVersion
	}
	if model != nil {
		h.Model = block.Recorded(model.Info())
	}
	b.Whole = true
	var out bytes.Buffer
	w, err := archive.NewWriter(&out, h)
	if err == nil {
		err = w.WriteBlock(&b, payload)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestClaimsTakeNoMemory decodes archives of under 200 bytes that claim to hold much.
func TestClaimsTakeNoMemory(t *testing.T) {
	sure, tokens := newSureModel(), newFakeTokenModel()
	models := fakeResolver{sure, tokens}
	n := 0
	for _, model := range []predict.Model{nil, sure, tokens} {
		for _, mixed := range []bool{true, false} {
			if model == nil && !mixed {
				continue
			}
			for _, length := range []int{archive.MaxBlock, archive.MaxBlock - 1, 100_000_000} {
				for _, lanes := range []int{1, 4096} {
					for _, symbols := range []int{4096, 1 << 20, length} {
						for _, fill := range []byte{0, 0x55, 0xff} {
							for _, size := range []int{0, 8, 100} {
								b := archive.Block{Kind: archive.Coded, Length: length, Lanes: lanes, Sum: 1}
								if model == predict.Model(tokens) {
									b.Symbols = symbols
									if size > 20 {
										continue
									}
								} else if symbols != length {
									continue
								}
								ar := forgedBlock(t, model, mixed, b, bytes.Repeat([]byte{fill}, size))
								what := fmt.Sprintf("model %v, mixed %v, %d bytes, %d lanes, %d symbols, %d times %#x", model != nil, mixed, length, lanes, symbols, size, fill)
								checkCheap(t, what, ar, models)
								n++
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d archives", n)
}

// checkCheap decodes a forged archive in all ways: none may take memory for what it claims.
func checkCheap(t *testing.T, what string, ar []byte, models predict.Resolver) {
	t.Helper()
	o := ReadOptions{Models: models, Threads: 2}
	for way, decode := range map[string]func() error{
		"decompress": func() error { _, _, err := decompress(ar, o); return err },
		"stream": func() error {
			_, err := Decompress(context.Background(), io.Discard, io.MultiReader(bytes.NewReader(ar)), o)
			return err
		},
		"salvage": func() error {
			_, err := Salvage(context.Background(), io.Discard, bytes.NewReader(ar), int64(len(ar)), o)
			return err
		},
		"range": func() error {
			_, err := ReadRange(context.Background(), io.Discard, bytes.NewReader(ar), int64(len(ar)), 5, 6, o)
			return err
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := decode()
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrMemory) && !errors.Is(err, ErrTruncated) {
			t.Fatalf("%s: %s: %v", what, way, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
			t.Fatalf("%s: %s: took %d MiB of memory", what, way, took>>20)
		}
	}
}

// TestMemoryLimitBindsStoredBlocks: they need what they hold.
func TestMemoryLimitBindsStoredBlocks(t *testing.T) {
	data := randomBytes(8 << 20)
	ar, res := compress(t, data, Options{NoModel: true, BlockSize: 8 << 20})
	if res.StoredBlocks != 1 {
		t.Fatal("it is not stored")
	}
	size := int64(len(ar))
	for _, limit := range []int64{1, 1 << 20, ProcessMemory + 15<<20} {
		o := ReadOptions{MemoryLimit: limit}
		var e *MemoryError
		if _, _, err := decompress(ar, o); !errors.As(err, &e) || e.Need <= limit {
			t.Errorf("limit %d: %v", limit, err)
		}
		if _, err := Salvage(t.Context(), io.Discard, bytes.NewReader(ar), size, o); !errors.As(err, &e) {
			t.Errorf("limit %d: salvage: %v", limit, err)
		}
		if _, err := ReadRange(t.Context(), io.Discard, bytes.NewReader(ar), size, 0, 1, o); !errors.As(err, &e) {
			t.Errorf("limit %d: range: %v", limit, err)
		}
	}
	o := ReadOptions{MemoryLimit: ProcessMemory + 17<<20}
	if got, _, err := decompress(ar, o); err != nil || !bytes.Equal(got, data) {
		t.Error(err)
	}
	// A small coded block must not let many large stored ones be read side by side.
	small, _ := compress(t, bytes.Repeat([]byte("small "), 10), Options{NoModel: true})
	many := bytes.Clone(small)
	for range 5 {
		many = append(many, ar...)
	}
	o.Threads = 8
	z, err := NewReader(bytes.NewReader(many), o)
	if err != nil {
		t.Fatal(err)
	}
	var total int64
	buf := make([]byte, 64<<10)
	for {
		n, err := z.Read(buf)
		total += int64(n)
		need := z.d.held + z.d.pipe.Memory()
		for _, b := range z.d.spare {
			need += int64(cap(b))
		}
		if need+ProcessMemory > o.MemoryLimit+8<<20 {
			t.Fatalf("%d MiB at a limit of %d", (need+ProcessMemory)>>20, o.MemoryLimit>>20)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if z.Close(); total != 5*8<<20+60 {
		t.Errorf("%d bytes", total)
	}
}

func TestMaxOutput(t *testing.T) {
	data := bytes.Repeat([]byte("some text, "), 1000)
	ar, _ := compress(t, data, Options{NoModel: true, BlockSize: 1000})
	ar = append(ar, ar...)
	total := int64(2 * len(data))
	for _, limit := range []int64{1, 999, 1000, 1001, total - 1, total, total + 1} {
		o := ReadOptions{MaxOutput: limit, Threads: 4}
		for way, decode := range map[string]func(w io.Writer) error{
			"file": func(w io.Writer) error { _, err := Decompress(t.Context(), w, bytes.NewReader(ar), o); return err },
			"stream": func(w io.Writer) error {
				_, err := Decompress(t.Context(), w, io.MultiReader(bytes.NewReader(ar)), o)
				return err
			},
			"salvage": func(w io.Writer) error {
				_, err := Salvage(t.Context(), w, bytes.NewReader(ar), int64(len(ar)), o)
				return err
			},
			"range": func(w io.Writer) error {
				_, err := ReadRange(t.Context(), w, bytes.NewReader(ar), int64(len(ar)), 0, -1, o)
				return err
			},
		} {
			var out bytes.Buffer
			err := decode(&out)
			var e *OutputError
			if int64(out.Len()) > limit || (limit >= total) != (err == nil) || err != nil && (!errors.As(err, &e) || e.Need <= limit) {
				t.Errorf("%s, limit %d: %d bytes, %v", way, limit, out.Len(), err)
			}
		}
	}
}

// countingResolver counts what it resolves.
type countingResolver struct {
	fakeResolver
	n int
}

func (r *countingResolver) Resolve(ctx context.Context, ref predict.Ref) (predict.Model, error) {
	r.n++
	return r.fakeResolver.Resolve(ctx, ref)
}

// TestOneModelByManyNames joins members that call one model by other names, with more or
// less of its digest: it is loaded once.
func TestOneModelByManyNames(t *testing.T) {
	m := newFakeModel("a")
	data := readFile(t, "canterbury_small.bin")[:1500]
	var all []byte
	for i := range 50 {
		other := newFakeModel("a")
		other.info.Name = fmt.Sprint("name ", i)
		other.info.Bundled = i%2 == 0
		ar, _ := compress(t, data, Options{Model: other, BlockSize: 1000})
		all = append(all, ar...)
	}
	r := &countingResolver{fakeResolver: fakeResolver{m}}
	got, _, err := decompress(all, ReadOptions{Models: r})
	if err != nil || len(got) != 50*len(data) || r.n != 1 {
		t.Errorf("%d bytes, resolved %d times, %v", len(got), r.n, err)
	}
}

// TestWarningOfRatio: what grows out of all proportion is told, once.
func TestWarningOfRatio(t *testing.T) {
	for _, c := range []struct {
		content, coded int64
		want           int
	}{{extremeSize, 100, 1}, {extremeSize - 1, 100, 0}, {1 << 40, 1 << 30, 1}, {extremeSize, extremeSize / 999, 0}, {-1, 100, 0}, {0, 0, 0}} {
		warnings := 0
		j := newTally(Decompressing, 1, func(e Event) {
			if _, ok := e.(Warning); ok {
				warnings++
			}
		}, 0, 0, nil)
		j.warnOfRatio(c.content, c.coded)
		j.warnOfRatio(c.content, c.coded)
		if warnings != c.want {
			t.Errorf("%d bytes from %d: %d warnings", c.content, c.coded, warnings)
		}
	}
}
