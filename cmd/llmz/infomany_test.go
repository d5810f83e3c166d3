package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/archive"
)

// TestInfoOfManyMembers lists an archive of more members than are kept in memory.
func TestInfoOfManyMembers(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LLMZ_DATA_DIR", dir)
	const members = 3*infoKept + 7
	var b bytes.Buffer
	for i := range members {
		h := &archive.Header{Mixer: 1}
		if i == members-1 {
			h.Model = &archive.Model{Name: "last", Digest: bytes.Repeat([]byte{1}, 32), Numerics: 1}
		}
		w, err := archive.NewWriter(&b, h)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close([32]byte{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "many.llmz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := runCaptured(t, "info", path)
	if n := strings.Count(string(stdout), "Member "); code != 0 || n != infoKept || !strings.Contains(string(stdout), "207 more members") {
		t.Errorf("exit %d, %d members: %s%s", code, n, stdout[max(0, len(stdout)-100):], stderr)
	}
	stdout, _, code = runCaptured(t, "info", "-v", path)
	if n := strings.Count(string(stdout), "Member "); code != 0 || n != members {
		t.Errorf("exit %d, %d members with -v", code, n)
	}
	stdout, _, code = runCaptured(t, "info", "--json", path)
	var o infoObject
	if err := json.Unmarshal(stdout, &o); err != nil || code != 0 {
		t.Fatal(code, err)
	}
	if len(o.Members) != members || o.CompressedBytes != int64(b.Len()) || o.Members[members-1].Model != "last" || o.Members[0].Model != "none" {
		t.Errorf("%d members, the last with model %q", len(o.Members), o.Members[len(o.Members)-1].Model)
	}
	stdout, _, _ = runCaptured(t, "info", path, path)
	if !strings.Contains(string(stdout), "several") || !strings.Contains(string(stdout), "no model") {
		t.Errorf("the table: %s", stdout)
	}
}
