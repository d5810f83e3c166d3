package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// nfpm builds .deb and .rpm packages without their distributions' tools. Later
// versions need modules that the module proxy does not have.
const nfpm = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.0"

const (
	homepage    = "https://github.com/llmz/llmz"
	description = "lossless compression with language models"
)

// placeOf returns where a packager's systems look for a file of the archives, empty
// for nowhere.
func placeOf(name, packager string) string {
	dir, base := path.Split(name)
	switch {
	case name == "LICENSE":
		return "/usr/share/doc/llmz/copyright"
	case dir == "man/man1/":
		return "/usr/share/man/man1/" + base + ".gz"
	case base == "llmz.bash":
		return "/usr/share/bash-completion/completions/llmz"
	case base == "_llmz" && packager == "rpm":
		return "/usr/share/zsh/site-functions/_llmz"
	case base == "_llmz":
		return "/usr/share/zsh/vendor-completions/_llmz"
	case base == "llmz.fish":
		return "/usr/share/fish/vendor_completions.d/llmz.fish"
	case dir == "completions/":
		return ""
	}
	return "/usr/share/doc/llmz/" + name
}

// packages builds Linux packages.
func (r *release) packages(arch, program string) error {
	for packager, libc := range map[string]string{"deb": "libc6", "rpm": "glibc"} {
		if err := r.pack(packager, libc, arch, program); err != nil {
			return fmt.Errorf(".%s package: %w", packager, err)
		}
	}
	return nil
}

// pack builds a package. Its configuration is YAML, of which JSON is a part.
func (r *release) pack(packager, libc, arch, program string) error {
	type object = map[string]any
	file := func(from, to string, mode int) object {
		return object{"src": from, "dst": to, "file_info": object{"mode": mode, "mtime": r.time.Format(time.RFC3339)}}
	}
	contents := []object{
		file(program, "/usr/bin/llmz", 0o755),
		{"src": "llmz", "dst": "/usr/bin/unllmz", "type": "symlink"},
		{"src": "llmz", "dst": "/usr/bin/llmzcat", "type": "symlink"},
	}
	for _, m := range r.shared {
		to := placeOf(m.name, packager)
		if to == "" {
			continue
		}
		from := m.from
		if strings.HasSuffix(to, ".gz") {
			var err error
			if from, err = r.gzipped(m.from); err != nil {
				return err
			}
		}
		contents = append(contents, file(from, to, 0o644))
	}
	config := object{
		"name": "llmz", "arch": arch, "platform": "linux", "version": r.version, "version_schema": "semver",
		"section": "utils", "priority": "optional", "maintainer": "The llmz authors <llmz@users.noreply.github.com>",
		"description": description, "homepage": homepage, "license": "MIT", "mtime": r.time.Format(time.RFC3339),
		"contents": contents, "depends": []string{libc},
		"rpm": object{"buildhost": "localhost", "compression": "gzip"}, "deb": object{"compression": "xz"},
	}
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	configuration := filepath.Join(r.tmp, packager+"-"+arch+".yaml")
	if err := os.WriteFile(configuration, text, 0o644); err != nil {
		return err
	}
	c := command("go", "run", nfpm, "package", "--config", configuration, "--packager", packager, "--target", r.out)
	c.Env = r.environ()
	return c.Run()
}

// gzipped compresses a file into the temporary folder, without name and time.
func (r *release) gzipped(from string) (string, error) {
	data, err := os.ReadFile(from)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := z.Write(data); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	to := filepath.Join(r.tmp, filepath.Base(from)+".gz")
	return to, os.WriteFile(to, b.Bytes(), 0o644)
}

// formula writes the Homebrew formula of the archives that were built for macOS and
// Linux.
func (r *release) formula() error {
	var b strings.Builder
	fmt.Fprintf(&b, "class Llmz < Formula\n  desc %q\n  homepage %q\n  version %q\n  license \"MIT\"\n",
		strings.ToUpper(description[:1])+description[1:], homepage, r.version)
	for _, system := range []struct{ brew, goos string }{{"macos", "darwin"}, {"linux", "linux"}} {
		var arches strings.Builder
		for _, arch := range []struct{ brew, goarch string }{{"arm", "arm64"}, {"intel", "amd64"}} {
			name := fmt.Sprintf("llmz-%s-%s-%s.tar.gz", r.version, system.goos, arch.goarch)
			archive, err := os.ReadFile(filepath.Join(r.out, name))
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			url := homepage + "/releases/download/v" + strings.ReplaceAll(r.version, "+", "%2B") + "/" + strings.ReplaceAll(name, "+", "%2B")
			fmt.Fprintf(&arches, "    on_%s do\n      url %q\n      sha256 \"%x\"\n    end\n", arch.brew, url, sha256.Sum256(archive))
		}
		if arches.Len() > 0 {
			fmt.Fprintf(&b, "\n  on_%s do\n%s  end\n", system.brew, &arches)
		}
	}
	b.WriteString(`
  def install
    bin.install "llmz", "unllmz", "llmzcat"
    man1.install Dir["man/man1/*.1"]
    bash_completion.install "completions/llmz.bash" => "llmz"
    zsh_completion.install "completions/_llmz"
    fish_completion.install "completions/llmz.fish"
  end

  test do
    (testpath/"text").write "round and round and round it goes\n" * 20
    system bin/"llmz", "-q", "text"
    assert_equal (testpath/"text").read, shell_output("#{bin}/llmzcat text.llmz")
  end
end
`)
	return os.WriteFile(filepath.Join(r.out, "llmz.rb"), []byte(b.String()), 0o644)
}
