package llamacpp

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/llmz/llmz/engine/ctxio"
)

// maxUnpacked bounds what a tarball may unpack to: the CUDA parts are the
// largest, at under a gigabyte.
const maxUnpacked = 4 << 30

// isLibrary tells shared libraries from the rest of a package. Executables,
// scripts and Node.js add-ons are left behind.
func isLibrary(name string) bool {
	name = strings.ToLower(name)
	return libraryName.MatchString(name)
}

var libraryName = regexp.MustCompile(`\.(dll|dylib|metal|metallib)$|\.so(\.[0-9.]+)?$`)

// versioned matches a library that has a build or a version in its name, for which a
// plain name must exist too: libllama.v0.5.0.so, libllama.cuda.v0.5.0.so,
// libllama.0.5.0.dylib, libggml.so.0, llama.v0.5.0.dll.
var versioned = regexp.MustCompile(`^(lib)?(ggml|ggml-base|llama)(?:\.(?:cuda|vulkan|metal))?(?:\.v?[0-9][0-9.]*)?\.(so|dylib|dll)(?:\.[0-9.]+)?$`)

// fallbackFolder holds, in packages, a second build of an accelerator's library for
// older systems, under the same name as the first.
const fallbackFolder = "fallback"

// FallbackSuffix is what Install adds to the name of such a library: libggml-cuda.so is
// for CUDA 13, libggml-cuda-fallback.so for CUDA 12.
const FallbackSuffix = "-fallback"

// unpackedName is the name that a library of a package gets, empty for other files.
func unpackedName(name string) string {
	name = path.Clean("/" + name)
	base := path.Base(name)
	if !isLibrary(base) {
		return ""
	}
	if path.Base(path.Dir(name)) == fallbackFolder {
		if plain, ext, ok := strings.Cut(base, "."); ok {
			return plain + FallbackSuffix + "." + ext
		}
	}
	return base
}

// unpackTarball writes the libraries of a .tgz, whatever folder of it they are
// in, into dir. Names come out without their folders, so nothing can be written
// outside dir.
func unpackTarball(file, dir string) error {
	f, err := ctxio.OpenRegular(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	t := tar.NewReader(io.LimitReader(z, maxUnpacked))
	found := false
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		base := unpackedName(h.Name)
		if h.Typeflag != tar.TypeReg || base == "" {
			continue
		}
		if err := writeLibrary(filepath.Join(dir, base), t); err != nil {
			return err
		}
		found = true
	}
	if !found {
		return fmt.Errorf("%s holds no shared libraries", file)
	}
	return nil
}

// copyLibraries copies the libraries in src, or in its lib or bin folder, into
// dir. Links are followed: what is copied are files.
func copyLibraries(src, dir string) error {
	found := false
	for _, sub := range []string{".", "lib", "bin"} {
		entries, err := os.ReadDir(filepath.Join(src, sub))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := e.Name()
			if !isLibrary(name) || !strings.Contains(name, "ggml") && !strings.Contains(name, "llama") {
				continue
			}
			if err := copyFile(filepath.Join(src, sub, name), filepath.Join(dir, name)); err != nil {
				return err
			}
			found = true
		}
	}
	if !found {
		return fmt.Errorf("%s holds no llama.cpp libraries", src)
	}
	return nil
}

func copyFile(from, to string) error {
	f, err := ctxio.OpenRegular(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return writeLibrary(to, f)
}

func writeLibrary(name string, r io.Reader) error {
	out, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, r); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// linkPlainNames gives every versioned library its plain name as well: the
// libraries ask for each other by the first, the binding by the second. Where
// links cannot be made it copies.
func linkPlainNames(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		m := versioned.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		plain := filepath.Join(dir, LibraryFile(m[2]))
		if _, err := os.Lstat(plain); err == nil {
			continue
		}
		if os.Symlink(e.Name(), plain) == nil {
			continue
		}
		if err := copyFile(filepath.Join(dir, e.Name()), plain); err != nil {
			return err
		}
	}
	return nil
}
