package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/llmz/llmz/engine/block"
	"github.com/llmz/llmz/engine/predict"
)

// compress returns the archive of data.
func compress(t testing.TB, data []byte, o Options) ([]byte, Result) {
	t.Helper()
	var out bytes.Buffer
	res, err := Compress(context.Background(), &out, bytes.NewReader(data), o)
	if err != nil {
		t.Fatalf("compress %d bytes: %v", len(data), err)
	}
	if res.OriginalBytes != int64(len(data)) || res.CompressedBytes != int64(out.Len()) {
		t.Fatalf("result says %d -> %d, is %d -> %d", res.OriginalBytes, res.CompressedBytes, len(data), out.Len())
	}
	return out.Bytes(), res
}

func decompress(ar []byte, o ReadOptions) ([]byte, Result, error) {
	var out bytes.Buffer
	res, err := Decompress(context.Background(), &out, bytes.NewReader(ar), o)
	return out.Bytes(), res, err
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func randomBytes(n int) []byte {
	r := rand.New(rand.NewPCG(11, uint64(n)))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

func inputs(t testing.TB) map[string][]byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return map[string][]byte{
		"empty":         {},
		"one byte":      {'x'},
		"two bytes":     {0, 255},
		"zeros":         make([]byte, 64<<10),
		"random":        randomBytes(100_000),
		"all values":    all,
		"invalid UTF-8": bytes.Repeat([]byte("a\xff\xc3(\xe2\x82 \xf0\x9f\x98"), 500),
		"text":          readFile(t, "canterbury_small.bin"),
	}
}

// setups are the ways to code that differ.
func setups() map[string]Options {
	return map[string]Options{
		"mixed":      {Model: newFakeModel("a")},
		"lean":       {Model: lean(newFakeModel("a"))},
		"bare":       {Model: newFakeModel("a"), NoMix: true},
		"mixer only": {NoModel: true},
		"tokens":     {Model: newFakeTokenModel()},
		"raw tokens": {Model: newFakeTokenModel(), NoMix: true},
		"helped":     {Model: newFakeTokenModel(), NoMix: true, Lanes: block.BareLanes},
		"five lanes": {Model: newFakeModel("a"), Lanes: 5, NoMix: true},
	}
}

func resolver() fakeResolver {
	return fakeResolver{newFakeModel("a"), newFakeModel("b"), newFakeTokenModel(), newReader()}
}

func TestRoundTrip(t *testing.T) {
	for setup, o := range setups() {
		for name, data := range inputs(t) {
			for _, block := range []int{0, 40_000} {
				t.Run(fmt.Sprintf("%s/%s/%d", setup, name, block), func(t *testing.T) {
					o.BlockSize = block
					ar, res := compress(t, data, o)
					if limit := len(data) + len(data)/1000 + 256; len(ar) > limit {
						t.Errorf("%d bytes became %d, above %d", len(data), len(ar), limit)
					}
					got, back, err := decompress(ar, ReadOptions{Models: resolver()})
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(got, data) {
						t.Fatalf("%d bytes came back as %d others", len(data), len(got))
					}
					if back.OriginalBytes != res.OriginalBytes || back.CompressedBytes != res.CompressedBytes ||
						back.Blocks != res.Blocks || back.StoredBlocks != res.StoredBlocks || back.Symbols != res.Symbols {
						t.Errorf("results differ:\n%+v\n%+v", res, back)
					}
				})
			}
		}
	}
}

func TestThreadsDoNotChangeTheOutput(t *testing.T) {
	data := readFile(t, "alice29.txt")[:12_000]
	for _, lanes := range []int{1, 7, 8, 33} {
		for _, noMix := range []bool{false, true} {
			var want []byte
			for _, threads := range []int{1, 2, 3, 16} {
				o := Options{Model: newFakeModel("a"), Lanes: lanes, NoMix: noMix, Threads: threads, BlockSize: 5_000}
				ar, _ := compress(t, data, o)
				if want == nil {
					want = ar
				}
				if !bytes.Equal(ar, want) {
					t.Errorf("%d lanes, noMix %v: %d threads give another archive than 1", lanes, noMix, threads)
				}
				got, _, err := decompress(want, ReadOptions{Models: resolver(), Threads: threads})
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d lanes, noMix %v, decoding with %d threads: %v", lanes, noMix, threads, err)
				}
			}
		}
	}
}

func TestPipeOfUnknownLength(t *testing.T) {
	data := bytes.Repeat(readFile(t, "canterbury_small.bin"), 30)
	pr, pw := io.Pipe()
	go func() {
		for i := 0; i < len(data); i += 4093 {
			pw.Write(data[i:min(i+4093, len(data))])
		}
		pw.Close()
	}()
	var ar bytes.Buffer
	o := Options{Model: newFakeModel("a"), NoMix: true, BlockSize: 100_000}
	if _, err := Compress(context.Background(), &ar, pr, o); err != nil {
		t.Fatal(err)
	}
	whole, _ := compress(t, data, o)
	if !bytes.Equal(ar.Bytes(), whole) {
		t.Error("a pipe gives another archive than a file")
	}
	z, err := NewReader(iotest.HalfReader(&ar), ReadOptions{Models: resolver()})
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if err := iotest.TestReader(z, data); err != nil {
		t.Error(err)
	}
}

func TestLongLine(t *testing.T) {
	line := []byte(strings.Repeat("5 MB in one line and no end ", 5_000_000/28))
	ar, _ := compress(t, line, Options{Model: newFakeModel("a"), NoMix: true})
	got, _, err := decompress(ar, ReadOptions{Models: resolver()})
	if err != nil || !bytes.Equal(got, line) {
		t.Errorf("5 MB line: %v", err)
	}
}

func TestWriterLikeGzip(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")
	var ar bytes.Buffer
	z, err := NewWriter(&ar, Options{Model: newFakeModel("a"), BlockSize: 1000, Meta: Meta{Name: "dir/x.txt", Mode: 0o640}})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(data); i += 777 {
		if _, err := z.Write(data[i:min(i+777, len(data))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write([]byte("x")); err == nil {
		t.Error("writing after Close succeeds")
	}
	r, err := NewReader(&ar, ReadOptions{Models: resolver()})
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Meta(); m.Name != "x.txt" || m.Mode != 0o640 {
		t.Errorf("meta is %+v", m)
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if r.Result().Blocks != 11 {
		t.Errorf("%d blocks, want 11", r.Result().Blocks)
	}
}

func TestConcatenation(t *testing.T) {
	var ar, want []byte
	for setup, o := range setups() {
		for name, data := range inputs(t) {
			if len(data) > 20_000 {
				continue
			}
			o.Meta.Name = strings.ReplaceAll(setup+name, " ", "-")
			p, _ := compress(t, data, o)
			ar = append(ar, p...)
			want = append(want, data...)
		}
	}
	got, _, err := decompress(ar, ReadOptions{Models: resolver()})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d of %d bytes, %v", len(got), len(want), err)
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("some text, some text"), uint8(1), uint16(8), uint8(0))
	f.Add([]byte{0, 255, 254}, uint8(3), uint16(1), uint8(2))
	models := []predict.Model{newFakeModel("a"), newFakeTokenModel(), nil}
	f.Fuzz(func(t *testing.T, data []byte, lanes uint8, block uint16, kind uint8) {
		o := Options{Model: models[kind%3], NoModel: kind%3 == 2, Lanes: int(lanes), BlockSize: int(block), NoMix: kind%3 != 2 && kind&8 != 0}
		if block > 0 && len(data)/int(block) > 50 {
			t.Skip("many tiny blocks are slow")
		}
		ar, _ := compress(t, data, o)
		got, _, err := decompress(ar, ReadOptions{Models: resolver()})
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d of %d bytes, %v", len(got), len(data), err)
		}
	})
}
