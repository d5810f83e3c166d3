package demo

import (
	"context"
	"time"

	"github.com/llmz/llmz/engine"
)

// Live sends events as a job does that runs now, a hundred a second, until ctx is
// done or all bytes are: total bytes within the given time.
func Live(ctx context.Context, m Model, total int64, takes time.Duration, observe func(engine.Event)) {
	observe(engine.Started{Model: m.Info, TotalBytes: total, Lanes: m.Lanes, Threads: 2, Mixed: true})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	start := time.Now()
	compressed, at := 0.0, 0.0
	for at < 1 && ctx.Err() == nil {
		<-tick.C
		passed := time.Since(start)
		next := min(1, passed.Seconds()/takes.Seconds())
		compressed += m.Cost(next) / 8 * float64(total) * (next - at)
		at = next
		done := int64(at * float64(total))
		observe(engine.Progress{Bytes: done, TotalBytes: total, CompressedBytes: int64(compressed), Symbols: done, Elapsed: passed, Profile: Profile(m, passed)})
	}
}
