package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// fake is a compressor that stores its input behind one byte, and breaks on
// demand.
type fake struct {
	corrupt  bool // decode something else
	short    bool // decode less
	long     bool // decode more
	unstable bool // another archive each time
	failing  bool // refuse to compress
	hang     bool // compress until the context ends
	runs     byte
	closed   *bool
}

func (f *fake) Compress(ctx context.Context, dst io.Writer, src io.Reader, size int64, sample func(int64, int64)) (Outcome, error) {
	if f.failing {
		return Outcome{}, errors.New("no memory for the model")
	}
	if f.hang {
		<-ctx.Done()
		return Outcome{}, ctx.Err()
	}
	if f.unstable {
		f.runs++
	}
	if _, err := dst.Write([]byte{f.runs}); err != nil {
		return Outcome{}, err
	}
	n, err := io.Copy(dst, src)
	for i := int64(1); sample != nil && i <= 200; i++ {
		sample(n*i/200, n*i/200+1)
	}
	return Outcome{Symbols: n, Blocks: 1, Lanes: 4, Threads: 2, Profile: map[string]float64{"model_infer": 3, "mix": 1}}, err
}

func (f *fake) Decompress(_ context.Context, dst io.Writer, src io.Reader) (Outcome, error) {
	b, err := io.ReadAll(src)
	if err != nil {
		return Outcome{}, err
	}
	b = bytes.Clone(b[1:])
	switch {
	case f.corrupt:
		b[len(b)/2] ^= 1
	case f.short:
		b = b[:len(b)-1]
	case f.long:
		b = append(b, 0)
	}
	_, err = dst.Write(b)
	return Outcome{Profile: map[string]float64{"model_infer": 1}}, err
}

func (f *fake) Close() error {
	if f.closed != nil {
		*f.closed = true
	}
	return nil
}

func openFake(f *fake) Opener {
	return func(context.Context, Case) (Subject, Facts, error) {
		return f, Facts{ModelSHA256: "ab", Parameters: 7, ModelBytes: 1000, Device: "cpu", Kernel: "generic"}, nil
	}
}

func sampleFile(t testing.TB, content string) Data {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample.txt")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return Data{Name: "sample.txt", Path: path}
}

// TestMain lets the test binary play the measuring process.
func TestMain(m *testing.M) {
	switch os.Getenv("LLMZ_BENCH_TEST_CHILD") {
	case "":
		os.Exit(m.Run())
	case "crash":
		os.Stderr.WriteString("out of memory\n")
		os.Exit(2)
	case "hang":
		time.Sleep(time.Minute)
	default:
		if err := Work(context.Background(), os.Stdout, os.Stdin, openFake(&fake{})); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
	}
}
