package llamacpp

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/llmz/llmz/engine/ctxio"
)

// InstallOptions are the options of Install.
type InstallOptions struct {
	GPU GPU
	// From is a folder or a .tgz with the libraries; empty to fetch the pinned npm
	// packages.
	From string
	// Force replaces an installation that is there.
	Force bool
	// Log receives a line per step; nil for none.
	Log func(string)
	// Check, if not nil, is called with the folder before it is put in place. It says
	// whether the libraries can be used.
	Check func(dir string) error
}

// ErrInstalled means that there is an installation already.
var ErrInstalled = errors.New("already installed")

// ErrIntegrity means that a download's digest is not the pinned one.
var ErrIntegrity = errors.New("digest differs from the pinned one")

// Install puts the libraries into the user's cache: whole, or not at all.
func Install(ctx context.Context, o InstallOptions) (*Installation, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	dir, err := dirFor(o.GPU)
	if err != nil {
		return nil, err
	}
	if !o.Force && len(missingLibraries(dir)) == 0 {
		return nil, fmt.Errorf("llama.cpp %s (%s) in %s: %w", Version, o.GPU, dir, ErrInstalled)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	alone, err := installAlone(ctx, filepath.Dir(dir))
	if err != nil {
		return nil, err
	}
	defer alone()
	tmp, err := os.MkdirTemp(filepath.Dir(dir), installPrefix)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	libs := filepath.Join(tmp, "lib")
	if err := os.Mkdir(libs, 0o755); err != nil {
		return nil, err
	}
	m := &Manifest{Version: Version, GPU: o.GPU}
	if o.From != "" {
		err = fromPath(o.From, libs, m)
	} else {
		err = fromNPM(ctx, o, tmp, libs, m)
	}
	if err != nil {
		return nil, err
	}
	if err := linkPlainNames(libs); err != nil {
		return nil, err
	}
	if missing := missingLibraries(libs); len(missing) > 0 {
		return nil, fmt.Errorf("%s holds no %s", m.Source, strings.Join(missing, ", "))
	}
	if o.Check != nil {
		if err := o.Check(libs); err != nil {
			return nil, err
		}
	}
	if err := writeManifest(libs, m); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.Rename(libs, dir); err != nil {
		return nil, err
	}
	o.Log("installed in " + dir)
	return &Installation{Dir: dir, GPU: o.GPU, Manifest: m}, nil
}

// installPrefix starts the names of folders in which installations are put together.
const installPrefix = ".install-"

// installAlone waits until no other process installs into root, and removes what killed
// ones left there. The lock's file stays: removing it would let two hold it.
func installAlone(ctx context.Context, root string) (unlock func(), err error) {
	l := flock.New(root+".lock", flock.SetFlag(os.O_CREATE|os.O_RDWR)) // a named pipe of that name holds nobody up so
	if _, err := l.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return nil, err
	}
	dead, _ := filepath.Glob(filepath.Join(root, installPrefix+"*"))
	for _, dir := range dead {
		os.RemoveAll(dir)
	}
	return func() { _ = l.Unlock() }, nil
}

// fromNPM fetches the packages with the npm client, which checks each tarball
// against the registry's metadata, and compares their digests with the pinned
// ones.
func fromNPM(ctx context.Context, o InstallOptions, tmp, libs string, m *Manifest) error {
	pkgs := Packages(o.GPU)
	if len(pkgs) == 0 {
		return fmt.Errorf("no prebuilt llama.cpp %s with %s for %s/%s is known; build it or take a distribution's and name it: %s --from PATH",
			Version, o.GPU, runtime.GOOS, runtime.GOARCH, InstallCommand(o.GPU))
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("the npm client is not on this machine: install it, or get %s elsewhere and run: %s --from FILE.tgz", pkgs[0].Spec(), InstallCommand(o.GPU))
	}
	m.Pinned = true
	var names []string
	for i, p := range pkgs {
		o.Log("fetching " + p.Spec() + " with npm")
		dir := filepath.Join(tmp, fmt.Sprint("pack", i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, npm, "pack", "--silent", "--ignore-scripts", p.Spec())
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("npm pack %s: %w: %s", p.Spec(), err, lastLine(out))
		}
		tgz, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
		if err != nil || len(tgz) != 1 {
			return fmt.Errorf("npm pack %s left no tarball", p.Spec())
		}
		sum, err := integrity(tgz[0])
		if err != nil {
			return err
		}
		if p.Integrity == "" {
			m.Pinned = false
			o.Log("no digest of " + p.Spec() + " is pinned in this program; npm's own check stands alone")
		} else if sum != p.Integrity {
			return fmt.Errorf("%s: %w: %s, pinned %s", p.Spec(), ErrIntegrity, sum, p.Integrity)
		}
		if err := unpackTarball(tgz[0], libs); err != nil {
			return fmt.Errorf("%s: %w", p.Spec(), err)
		}
		names = append(names, p.Spec())
		m.Integrity = append(m.Integrity, sum)
	}
	m.Source = strings.Join(names, " ")
	return nil
}

func fromPath(path, libs string, m *Manifest) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	m.Source = abs
	if st.IsDir() {
		return copyLibraries(path, libs)
	}
	sum, err := integrity(path)
	if err != nil {
		return err
	}
	m.Integrity = []string{sum}
	for _, g := range []GPU{CPU, CUDA, Vulkan, Metal} {
		for _, p := range Packages(g) {
			m.Pinned = m.Pinned || p.Integrity == sum
		}
	}
	return unpackTarball(path, libs)
}

func writeManifest(dir string, m *Manifest) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	m.Files = make(map[string]string, len(entries))
	for _, e := range entries {
		if e.Type()&os.ModeSymlink != 0 {
			continue
		}
		if m.Files[e.Name()], err = fileDigest(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestName), append(b, '\n'), 0o644)
}

func integrity(path string) (string, error) {
	f, err := ctxio.OpenRegular(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha512.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return "sha512-" + base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// fileDigest returns the SHA-256 of a library as manifests have it.
func fileDigest(path string) (string, error) {
	sum, err := ctxio.FileSHA256(context.Background(), path)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(sum[:]), nil
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// Remove deletes the installation of a build. It is no error if there is none.
func Remove(gpu GPU) error {
	dir, err := dirFor(gpu)
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
