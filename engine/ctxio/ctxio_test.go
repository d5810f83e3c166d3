package ctxio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestReader(t *testing.T) {
	// Everything comes through.
	r := Reader(t.Context(), iotestOneByte{strings.NewReader("some bytes")})
	if b, err := io.ReadAll(r); err != nil || string(b) != "some bytes" {
		t.Errorf("%q, %v", b, err)
	}
	// A read that blocks for ever ends with the context.
	ctx, cancel := context.WithCancel(t.Context())
	block, w := io.Pipe()
	defer w.Close()
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := Reader(ctx, block).Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	text := bytes.Repeat([]byte("some bytes"), chunk/4)
	if n, err := Writer(t.Context(), &b).Write(text); n != len(text) || err != nil || !bytes.Equal(b.Bytes(), text) {
		t.Errorf("%d bytes, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, block := io.Pipe()
	defer r.Close()
	time.AfterFunc(10*time.Millisecond, cancel)
	if n, err := Writer(ctx, block).Write(text); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// iotestOneByte reads one byte at a time.
type iotestOneByte struct{ r io.Reader }

func (o iotestOneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }
