package session

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// An Entry is a file or directory of the picker.
type Entry struct {
	Name string
	Dir  bool
	Size int64
	Time time.Time
}

// archive is whether the name is an archive's.
func (e Entry) archive() bool { return !e.Dir && strings.HasSuffix(e.Name, ".llmz") }

// readDir lists a directory; links are followed, what cannot be read is left
// out.
func readDir(path string) ([]Entry, error) {
	list, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, d := range list {
		fi, err := os.Stat(filepath.Join(path, d.Name()))
		if err != nil || !fi.IsDir() && !fi.Mode().IsRegular() {
			continue
		}
		out = append(out, Entry{Name: d.Name(), Dir: fi.IsDir(), Size: fi.Size(), Time: fi.ModTime()})
	}
	return out, nil
}

// order is how the picker sorts.
type order int

const (
	byName order = iota
	bySize
	byTime
	numOrders
)

func (o order) String() string { return [...]string{"name", "size", "date"}[o] }

// arrange sorts entries, directories first, and keeps those that match the
// filter (all of its words, anywhere, in any case).
func arrange(list []Entry, o order, filter string, hidden bool) []Entry {
	words := strings.Fields(strings.ToLower(filter))
	var out []Entry
next:
	for _, e := range list {
		if !hidden && strings.HasPrefix(e.Name, ".") {
			continue
		}
		name := strings.ToLower(e.Name)
		for _, w := range words {
			if !strings.Contains(name, w) {
				continue next
			}
		}
		out = append(out, e)
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Dir != b.Dir {
			return a.Dir
		}
		switch {
		case o == bySize && a.Size != b.Size:
			return a.Size > b.Size
		case o == byTime && !a.Time.Equal(b.Time):
			return a.Time.After(b.Time)
		}
		return strings.ToLower(a.Name) < strings.ToLower(b.Name)
	})
	return out
}

// shortPath writes the home directory as "~".
func shortPath(path string) string {
	home, err := os.UserHomeDir()
	if err != nil || home == "" || home == string(filepath.Separator) {
		return path
	}
	if path == home {
		return "~"
	}
	if rest, ok := strings.CutPrefix(path, home+string(filepath.Separator)); ok {
		return "~" + string(filepath.Separator) + rest
	}
	return path
}

// expandPath is the reverse, for what a user types or pastes; quotes and escaped
// spaces, as terminals paste dropped files, are undone.
func expandPath(path, base string) string {
	path = strings.TrimSpace(path)
	if n := len(path); n >= 2 && (path[0] == '\'' || path[0] == '"') && path[n-1] == path[0] {
		path = path[1 : n-1]
	} else if filepath.Separator == '/' {
		path = strings.ReplaceAll(path, `\ `, " ")
	}
	path = strings.TrimPrefix(path, "file://")
	if path == "~" || strings.HasPrefix(path, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, path[1:])
		}
	}
	if path != "" && !filepath.IsAbs(path) {
		path = filepath.Join(base, path)
	}
	return filepath.Clean(path)
}
