package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// folderName is a folder in the house's table.
var folderName = regexp.MustCompile("`([a-z/.]+)`")

// TestHouse: packages import what docs/house.md says they may, and nothing else; each has
// a row, and each row a package.
func TestHouse(t *testing.T) {
	if testing.Short() {
		t.Skip("goes through all packages")
	}
	const module = "github.com/llmz/llmz/"
	may := map[string][]string{}
	for _, line := range strings.Split(readPage(t, "../../docs/house.md"), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(line, "| `") {
			continue
		}
		var allowed []string
		for _, m := range folderName.FindAllStringSubmatch(cells[3], -1) {
			allowed = append(allowed, m[1])
		}
		if len(allowed) == 0 && strings.TrimSpace(cells[3]) != "-" {
			t.Errorf("neither folders nor -: %s", line)
		}
		for _, m := range folderName.FindAllStringSubmatch(cells[1], -1) {
			may[m[1]] = allowed
		}
	}
	if len(may) < 20 {
		t.Fatalf("only %d rows", len(may))
	}
	below := func(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }
	// row returns the row that holds for a package.
	row := func(path string) (folder string) {
		for f := range may {
			if below(path, f) && len(f) > len(folder) {
				folder = f
			}
		}
		return folder
	}
	used := map[string]bool{"testdata": true, "docs": true, "examples": true}
	for _, system := range []string{"linux", "windows", "darwin"} {
		cmd := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")
		cmd.Dir = "../.."
		cmd.Env = append(cmd.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
			fields := strings.Fields(line)
			path := strings.TrimPrefix(fields[0], module)
			own := row(path)
			if own == "" {
				t.Errorf("%s has no row in docs/house.md", path)
				continue
			}
			used[own] = true
			for _, i := range fields[1:] {
				to, ours := strings.CutPrefix(i, module)
				ok := !ours || row(to) == own
				for _, f := range may[own] {
					ok = ok || below(to, f)
				}
				if !ok {
					t.Errorf("%s: %s imports %s, which docs/house.md does not allow %s", system, path, to, own)
				}
			}
		}
	}
	for f := range may {
		if !used[f] {
			t.Errorf("docs/house.md has a row for %s, where there is no package", f)
		}
	}
}
