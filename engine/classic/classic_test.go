package classic

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

func inputs(t testing.TB) map[string][]byte {
	t.Helper()
	alice, err := os.ReadFile("../../testdata/alice29.txt")
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 70_001)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	return map[string][]byte{
		"empty": {}, "one byte": {0}, "zeros": make([]byte, 300_000),
		"noise": noise, "text": alice,
	}
}

func TestRoundTrip(t *testing.T) {
	for name, in := range inputs(t) {
		for _, c := range All() {
			t.Run(c.Name+"/"+name, func(t *testing.T) {
				var packed, out bytes.Buffer
				if err := c.Compress(t.Context(), &packed, bytes.NewReader(in)); err != nil {
					t.Fatal(err)
				}
				if err := c.Decompress(t.Context(), &out, bytes.NewReader(packed.Bytes())); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(out.Bytes(), in) {
					t.Errorf("%d bytes came back as %d other ones", len(in), out.Len())
				}
			})
		}
	}
}

// TestAlice pins how well each codec does on a known text. A library's update
// that changes these figures makes the notes and docs/benchmarks.md wrong.
func TestAlice(t *testing.T) {
	in := inputs(t)["text"]
	most := map[string]float64{ // bits per byte
		"zip-9": 2.87, "gzip-9": 2.87, "bzip2-9": 2.48, "xz-9": 2.84,
		"zstd-3": 2.98, "zstd-best": 2.78, "brotli-11": 2.46,
	}
	for _, c := range All() {
		var packed bytes.Buffer
		if err := c.Compress(t.Context(), &packed, bytes.NewReader(in)); err != nil {
			t.Fatal(err)
		}
		bpc := 8 * float64(packed.Len()) / float64(len(in))
		t.Logf("%-10s %6d bytes %.3f BPC", c.Name, packed.Len(), bpc)
		if limit, ok := most[c.Name]; !ok || bpc > limit || bpc < 0.97*limit {
			t.Errorf("%s: %.3f bits per byte, want %.3f or a little less", c.Name, bpc, limit)
		}
	}
}

func TestDamaged(t *testing.T) {
	in := inputs(t)["text"]
	for _, c := range All() {
		t.Run(c.Name, func(t *testing.T) {
			var packed bytes.Buffer
			if err := c.Compress(t.Context(), &packed, bytes.NewReader(in)); err != nil {
				t.Fatal(err)
			}
			cut := packed.Bytes()[:packed.Len()/2]
			if err := c.Decompress(t.Context(), io.Discard, bytes.NewReader(cut)); err == nil {
				t.Error("half an archive decoded without an error")
			}
		})
	}
}

// endless is an input that never ends and cancels its context after a while.
type endless struct {
	left   int
	cancel context.CancelFunc
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i * 7)
	}
	if e.left -= len(p); e.left < 0 {
		e.cancel()
	}
	return len(p), nil
}

func TestCancel(t *testing.T) {
	for _, c := range All() {
		t.Run(c.Name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			err := c.Compress(ctx, io.Discard, &endless{left: 1 << 20, cancel: cancel})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
		})
	}
}

func TestByName(t *testing.T) {
	for _, c := range All() {
		got, err := ByName(strings.ToUpper(c.Name))
		if err != nil || got.Name != c.Name {
			t.Errorf("ByName(%q) = %q, %v", c.Name, got.Name, err)
		}
	}
	if c, err := ByName("zstd-19"); err != nil || c.Name != "zstd-best" {
		t.Errorf("zstd-19 gives %q, %v", c.Name, err)
	}
	_, err := ByName("lzma-9")
	if !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "xz-9") {
		t.Errorf("unknown name: %v", err)
	}
	if err := (Codec{}).Compress(t.Context(), io.Discard, strings.NewReader("x")); !errors.Is(err, ErrUnknown) {
		t.Errorf("zero codec: %v", err)
	}
}
