package main

import (
	"maps"
	"testing"
)

func TestLabels(t *testing.T) {
	for _, tc := range []struct {
		names []string
		want  map[string]string
	}{
		{nil, map[string]string{}},
		{[]string{"gru", "none", "xz-9"}, map[string]string{"gru": "gru", "none": "none", "xz-9": "xz-9"}},
		{[]string{"/long/way/to/tiny.gguf", "gru"}, map[string]string{"/long/way/to/tiny.gguf": "tiny", "gru": "gru"}},
		{[]string{"a/m.gguf", "b/m.gguf", "c/n.gguf"}, map[string]string{"a/m.gguf": "a/m.gguf", "b/m.gguf": "b/m.gguf", "c/n.gguf": "n"}},
		{[]string{"mine/gru.gguf", "gru"}, map[string]string{"mine/gru.gguf": "mine/gru.gguf", "gru": "gru"}},
		{[]string{"m.gguf", "m.gguf"}, map[string]string{"m.gguf": "m"}},
	} {
		if got := labels(tc.names); !maps.Equal(got, tc.want) {
			t.Errorf("%v: %v, want %v", tc.names, got, tc.want)
		}
	}
}
