package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/llmz/llmz/engine/filejob"
)

// An inputFile is a file to work on, and the folder that its output goes to, empty
// for the one it is in.
type inputFile struct{ path, dir string }

// inputs returns the files that the arguments stand for: with -r also those in
// directories, where links, devices and what is in no need of the work are passed over. The errors
// of places that cannot be read are printed; failed says that there were some.
func (o *codecOptions) inputs(a *app, args []string) (files []inputFile, failed bool, err error) {
	for _, arg := range args {
		fi, statErr := os.Stat(arg)
		if !o.recursive || arg == filejob.Stdio || statErr != nil || !fi.IsDir() {
			files = append(files, inputFile{arg, o.outputDir})
			continue
		}
		walkErr := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				a.printError(filejob.PathError(path, err))
				failed = true
				if d != nil && d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if !d.Type().IsRegular() || !o.concerns(d.Name()) {
				return nil
			}
			dir := o.outputDir
			if dir != "" {
				dir = filepath.Join(dir, treeDir(arg, path))
			}
			files = append(files, inputFile{path, dir})
			return nil
		})
		if walkErr != nil {
			return nil, failed, walkErr
		}
	}
	return files, failed, o.collisions(files)
}

// treeDir returns the folder below --output-dir for a file that was found in root: the
// part of its way from root's name on.
func treeDir(root, path string) string {
	rel, err := filepath.Rel(root, filepath.Dir(path))
	if err != nil {
		return ""
	}
	name := filepath.Base(filepath.Clean(root))
	if name == "." || name == ".." || name == string(filepath.Separator) {
		name = ""
	}
	return filepath.Join(name, rel)
}

// concerns tells whether a file in a directory is to be worked on: archives are
// unpacked, everything else is packed.
func (o *codecOptions) concerns(name string) bool {
	archive := strings.HasSuffix(strings.ToLower(name), filejob.Suffix)
	if o.mode != filejob.Compress {
		return archive
	}
	return !archive && !strings.HasSuffix(name, filejob.Suffix+filejob.PartSuffix) && !strings.HasPrefix(name, filejob.Suffix+"-")
}

// collisions refuses files whose outputs would be the same one in --output-dir.
func (o *codecOptions) collisions(files []inputFile) error {
	if o.outputDir == "" {
		return nil
	}
	seen := map[string]string{}
	for _, f := range files {
		to := filepath.Join(f.dir, filepath.Base(f.path))
		if other, ok := seen[to]; ok && other != f.path {
			return usagef("%s and %s would have the same name in %s", filejob.DisplayName(other), filejob.DisplayName(f.path), filejob.DisplayName(f.dir))
		}
		seen[to] = f.path
	}
	return nil
}

// makeDirs makes the folders that outputs go to.
func makeDirs(files []inputFile) error {
	made := map[string]bool{"": true}
	for _, f := range files {
		if !made[f.dir] {
			if err := os.MkdirAll(f.dir, 0o755); err != nil {
				return filejob.PathError(f.dir, err)
			}
			made[f.dir] = true
		}
	}
	return nil
}
