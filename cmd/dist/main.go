// Command dist builds what is released: for each platform an archive with the
// program, its manual pages and completions, for Linux .deb and .rpm packages, a
// Homebrew formula, a bill of materials, and checksums of all of it. The same commit
// gives the same bytes.
//
//	go run ./cmd/dist [-o DIR] [-only OS/ARCH,...]
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// platforms are those that llmz is released for.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

func main() {
	out := flag.String("o", "dist", "the folder to write to; what it holds is removed")
	only := flag.String("only", strings.Join(platforms, ","), "the platforms to build for")
	packages := flag.Bool("packages", true, "build .deb and .rpm packages, too")
	flag.Parse()
	if err := run(*out, strings.Split(*only, ","), *packages); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// A release is what is being built.
type release struct {
	version  string
	revision string
	time     time.Time // of everything in it
	out      string
	tmp      string
	shared   []member // what is in every archive besides the program
}

func run(out string, only []string, packages bool) error {
	for _, p := range only {
		if !slices.Contains(platforms, p) {
			return fmt.Errorf("%q is none of %s", p, strings.Join(platforms, ", "))
		}
	}
	r := release{out: out}
	var err error
	if r.version, err = version(); err != nil {
		return err
	}
	if r.revision, err = output("git", "rev-parse", "HEAD"); err != nil {
		return err
	}
	if r.time, err = commitTime(); err != nil {
		return err
	}
	if r.tmp, err = os.MkdirTemp("", "llmz-dist-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.tmp)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, func() {
		os.RemoveAll(r.tmp)
		os.Exit(130)
	})()
	if err := errors.Join(os.RemoveAll(out), os.MkdirAll(out, 0o755)); err != nil {
		return err
	}
	if err := r.gather(); err != nil {
		return err
	}
	for _, p := range only {
		if err := r.platform(p, packages); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	if err := r.formula(); err != nil {
		return err
	}
	return r.checksums()
}

// version returns the commit's tag without its v, or what comes before the next one.
func version() (string, error) {
	if tag, err := output("git", "describe", "--tags", "--exact-match", "--match", "v[0-9]*"); err == nil {
		return strings.TrimPrefix(tag, "v"), nil
	}
	commit, err := output("git", "rev-parse", "--short=12", "HEAD")
	return "0.1.0-dev+g" + commit, err
}

// commitTime returns the time that all files get: SOURCE_DATE_EPOCH, or the commit's.
func commitTime() (time.Time, error) {
	s := os.Getenv("SOURCE_DATE_EPOCH")
	if s == "" {
		var err error
		if s, err = output("git", "log", "-1", "--format=%ct"); err != nil {
			return time.Time{}, err
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0).UTC(), err
}

// gather collects what every archive holds: documents, manual pages, completions.
func (r *release) gather() error {
	host := filepath.Join(r.tmp, "host")
	if err := r.build(host, "", "", "-tags", "manpages"); err != nil {
		return err
	}
	pages := filepath.Join(r.tmp, "man")
	man := command(host, "man", pages)
	man.Env = r.environ()
	if err := man.Run(); err != nil {
		return fmt.Errorf("manual pages: %w", err)
	}
	found, err := filepath.Glob(filepath.Join(pages, "*.1"))
	if err != nil || len(found) == 0 {
		return errors.Join(errors.New("no manual pages"), err)
	}
	for _, page := range found {
		r.shared = append(r.shared, member{from: page, name: "man/man1/" + filepath.Base(page)})
	}
	for shell, name := range completions {
		script, err := command(host, "completion", shell).Output()
		if err != nil {
			return fmt.Errorf("completion of %s: %w", shell, err)
		}
		path := filepath.Join(r.tmp, "completion-"+shell)
		if err := os.WriteFile(path, script, 0o644); err != nil {
			return err
		}
		r.shared = append(r.shared, member{from: path, name: "completions/" + name})
	}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		r.shared = append(r.shared, member{from: name, name: name})
	}
	docs, err := filepath.Glob("docs/*.md")
	if err != nil {
		return err
	}
	for _, name := range append(docs, "docs/llmz.magic") {
		r.shared = append(r.shared, member{from: name, name: filepath.ToSlash(name)})
	}
	slices.SortFunc(r.shared, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return nil
}

// completions names the completion scripts as their shells look for them.
var completions = map[string]string{"bash": "llmz.bash", "zsh": "_llmz", "fish": "llmz.fish", "powershell": "llmz.ps1"}

// platform builds what there is for one platform.
func (r *release) platform(platform string, packages bool) error {
	goos, arch, _ := strings.Cut(platform, "/")
	exe := "llmz"
	if goos == "windows" {
		exe += ".exe"
	}
	program := filepath.Join(r.tmp, goos+"-"+arch, exe)
	if err := r.build(program, goos, arch); err != nil {
		return err
	}
	name := "llmz-" + r.version + "-" + goos + "-" + arch
	members := append([]member{{from: program, name: exe, program: true}}, r.shared...)
	if goos != "windows" {
		members = append(members, member{name: "unllmz", link: exe}, member{name: "llmzcat", link: exe})
	}
	if err := r.archive(name, goos, members); err != nil {
		return err
	}
	if err := r.billOfMaterials(name, program); err != nil {
		return err
	}
	if goos == "linux" && packages {
		return r.packages(arch, program)
	}
	return nil
}

// build compiles the program. goos and arch are empty for this machine.
func (r *release) build(to, goos, arch string, flags ...string) error {
	linked := "-s -w -buildid= -X main.version=" + r.version + " -X main.revision=" + r.revision
	// What git knows is not stamped in: it depends on where the build stands.
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags", linked, "-o", to}, flags...)
	c := command("go", append(args, "./cmd/llmz")...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
	if goos != "" {
		c.Env = append(c.Env, "GOOS="+goos, "GOARCH="+arch)
		fmt.Printf("llmz %s for %s/%s\n", r.version, goos, arch)
	}
	return c.Run()
}

// environ is the environment for programs that write dates.
func (r *release) environ() []string {
	return append(os.Environ(), "GOFLAGS=", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.time.Unix()))
}

// checksums writes the digests of everything, as sha256sum does.
func (r *release) checksums() error {
	var sums strings.Builder
	err := filepath.WalkDir(r.out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(b), filepath.Base(path))
		return err
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

// command prepares a program whose messages are shown.
func command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Stderr = os.Stderr
	return c
}

func output(name string, args ...string) (string, error) {
	b, err := exec.Command(name, args...).Output()
	return strings.TrimSpace(string(b)), err
}
