package bench

import (
	"context"
	"fmt"
	"io"

	"github.com/llmz/llmz/engine/classic"
)

// OpenClassic is the Opener of the classic compressors.
func OpenClassic(_ context.Context, c Case) (Subject, Facts, error) {
	codec, err := classic.ByName(c.Model)
	if err != nil {
		return nil, Facts{}, err
	}
	note := fmt.Sprintf("%s, %s", codec.Library, codec.Setting)
	if codec.Note != "" {
		note += ": " + codec.Note
	}
	return classicSubject{codec}, Facts{Device: "cpu", Note: note}, nil
}

type classicSubject struct{ codec classic.Codec }

func (s classicSubject) Compress(ctx context.Context, dst io.Writer, src io.Reader, _ int64, _ func(int64, int64)) (Outcome, error) {
	return Outcome{Threads: 1}, s.codec.Compress(ctx, dst, src)
}

func (s classicSubject) Decompress(ctx context.Context, dst io.Writer, src io.Reader) (Outcome, error) {
	return Outcome{Threads: 1}, s.codec.Decompress(ctx, dst, src)
}

func (classicSubject) Close() error { return nil }
