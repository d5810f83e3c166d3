package transformer

import (
	"fmt"
	"strconv"

	"github.com/llmz/llmz/engine/predict"
)

// The keys of predict.Ref.Runtime: what a decoder must do the same. Archives name them no
// more, as they are always the defaults; early ones do.
const (
	keyContext = "ctx"  // positions of the context window
	keyKeep    = "keep" // tokens kept when the window is full
)

// settings are the decoded keys.
type settings struct{ ctx, keep int }

// maxWindow bounds the window: a longer one costs memory, and time for the attention, and wins
// little. See the README.
const maxWindow = 1024

// defaults returns the settings of an archive that names none, which must stay what they are.
func defaults(c *Config) settings {
	ctx := min(c.Context, maxWindow)
	return settings{ctx: ctx, keep: max(ctx/4, 1)}
}

// parseSettings reads what an archive recorded. Its errors wrap predict.ErrMismatch.
func parseSettings(m map[string]string, c *Config) (s settings, err error) {
	if len(m) == 0 {
		return defaults(c), nil
	}
	for _, e := range []struct {
		key string
		v   *int
	}{{keyContext, &s.ctx}, {keyKeep, &s.keep}} {
		if *e.v, err = strconv.Atoi(m[e.key]); err != nil || *e.v < 1 || *e.v > 1<<20 {
			return s, fmt.Errorf("%w: the archive's setting %s is %q", predict.ErrMismatch, e.key, m[e.key])
		}
	}
	if len(m) != 2 {
		return s, fmt.Errorf("%w: the archive has settings that this program does not know; use a newer one", predict.ErrMismatch)
	}
	if s.ctx < minContext || s.keep >= s.ctx || s.ctx > c.Context {
		return s, fmt.Errorf("%w: the archive has a window of %d keeping %d, the model %d positions", predict.ErrMismatch, s.ctx, s.keep, c.Context)
	}
	return s, nil
}
