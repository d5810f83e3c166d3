package engine

import (
	"strings"
	"testing"
)

func TestMemoryErrorText(t *testing.T) {
	for _, c := range []struct {
		limit int64
		want  string
	}{{1, "1 byte allowed"}, {500, "500 bytes allowed"}, {1<<20 - 1, "1048575 bytes allowed"}, {1 << 20, "1 MiB allowed"}, {5<<20 + 9, "5 MiB allowed"}} {
		if got := (&MemoryError{Need: 58<<20 - 1, Limit: c.limit}).Error(); !strings.HasSuffix(got, "about 58 MiB are needed, "+c.want) {
			t.Errorf("limit %d: %q, want %q", c.limit, got, c.want)
		}
	}
}
