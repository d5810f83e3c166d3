package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/tui/text"
)

// settingNames are the flags whose defaults people can set for themselves, in the
// environment (LLMZ_BLOCK_SIZE) and in the configuration file (block-size = 4MiB).
var settingNames = []string{"model", "level", "threads", "block-size", "memory-limit", "color"}

// settingVariable returns the name of a setting's environment variable.
func settingVariable(name string) string {
	return "LLMZ_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// A setting is a default, and where it was found.
type setting struct{ value, origin string }

// settings are the defaults of a person, by name.
type settings struct {
	env, file map[string]setting
}

// configPath returns the path of the configuration file.
func configPath() string {
	if path := os.Getenv("LLMZ_CONFIG"); path != "" {
		return path
	}
	return filepath.Join(xdg.ConfigHome, "llmz", "config")
}

// readSettings reads the environment and the configuration file, if there is one.
func readSettings(ctx context.Context) (settings, error) {
	s := settings{env: map[string]setting{}, file: map[string]setting{}}
	for _, name := range settingNames {
		if v := os.Getenv(settingVariable(name)); v != "" {
			s.env[name] = setting{v, settingVariable(name)}
		}
	}
	path := configPath()
	f, err := ctxio.OpenReader(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer f.Close()
	s.file, err = parseConfig(io.LimitReader(f, 1<<20), path)
	return s, err
}

// parseConfig reads lines such as "model = lstm". A # begins a comment.
func parseConfig(r io.Reader, path string) (map[string]setting, error) {
	found := map[string]setting{}
	lines := bufio.NewScanner(r)
	n := 0
	for lines.Scan() {
		n++
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		at := fmt.Sprintf("%s, line %d", path, n)
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || value == "" {
			return nil, settingError(at, errors.New("a line such as \"model = lstm\" is needed"))
		}
		if !slices.Contains(settingNames, name) {
			text := fmt.Sprintf("there is no setting %q", name)
			if s := closest(name, settingNames); s != "" {
				text += fmt.Sprintf("; did you mean %q?", s)
			}
			return nil, settingError(at, errors.New(text))
		}
		found[name] = setting{value, at}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, settingError(fmt.Sprintf("%s, line %d", path, n+1), errors.New("it is longer than any setting"))
	} else if err != nil {
		return nil, err
	}
	return found, nil
}

func settingError(origin string, err error) error {
	return &usageError{err: fmt.Errorf("%s: %w", origin, err), hint: `"llmz help environment" has the settings`}
}

// get returns a setting; the environment comes first.
func (s *settings) get(name string) (setting, bool) {
	if v, ok := s.env[name]; ok {
		return v, true
	}
	v, ok := s.file[name]
	return v, ok
}

// unset are the commands that settings do not change: those that explain, and those
// that measure, whose results must not depend on them.
var unset = []string{"help", "completion", "version", "bench", "bench-worker", "race", "man", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}

// applySettings gives cmd's flags that were not given the person's defaults.
func (a *app) applySettings(cmd *cobra.Command) error {
	if slices.Contains(unset, cmd.Name()) {
		return nil
	}
	s, err := readSettings(cmd.Context())
	if err != nil {
		return err
	}
	a.settings = s
	for _, name := range settingNames {
		v, ok := s.get(name)
		f := cmd.Flags().Lookup(name)
		if !ok || f == nil || f.Changed || name == "model" {
			continue // the model is the business of commands that choose one
		}
		if err := f.Value.Set(v.value); err != nil {
			return settingError(v.origin, err)
		}
	}
	_, err = a.settings.level()
	return err
}

// level returns the level that was set, 0 for none.
func (s *settings) level() (int, error) {
	v, ok := s.get("level")
	if !ok {
		return 0, nil
	}
	n, err := strconv.Atoi(v.value)
	if err != nil || n < 1 || n > len(levels) {
		return 0, settingError(v.origin, fmt.Errorf("%q is not a level from 1 to %d", v.value, len(levels)))
	}
	return n, nil
}

// model returns the model to use where none is named: that of the environment's
// model or level, then of the file's, then the usual one.
func (s *settings) model() string { return s.modelLevel().model }

// modelLevel returns the level whose models are used where none is named. A model that was
// set is a level of its own.
func (s *settings) modelLevel() level {
	for _, from := range []map[string]setting{s.env, s.file} {
		one := settings{env: from}
		if v, ok := from["model"]; ok {
			return level{model: v.value}
		}
		if n, err := one.level(); err == nil && n > 0 {
			return levels[n-1]
		}
	}
	return levels[defaultLevel-1]
}

// mixerLevel returns the level whose mixer is used where none is named.
func (s *settings) mixerLevel() int {
	if n, err := s.level(); err == nil && n > 0 {
		return n
	}
	return defaultLevel
}

// settingsHelp lists the settings for "llmz help environment".
func settingsHelp() string {
	about := map[string]string{
		"model":        "the model to compress with: NAME or PATH.gguf",
		"level":        "the level, 1 to 9, where there is no model",
		"threads":      "threads, 0 for all cores",
		"block-size":   "size of the independent blocks, e.g. 4MiB",
		"memory-limit": "refuse rather than use more",
		"color":        "auto, always or never",
	}
	s := "Defaults of flags, unless the command line says otherwise\n"
	for _, name := range settingNames {
		s += "  " + text.Fit(settingVariable(name), 18) + " " + about[name] + "\n"
	}
	return s + "  " + text.Fit("LLMZ_CONFIG", 18) + ` the configuration file (default: llmz/config in
                     XDG_CONFIG_HOME), which has them as lines:
                       model = lstm    # a comment
                       threads = 2
Commands that measure (bench, race) take none of them.`
}
