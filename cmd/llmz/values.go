package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/llmz/llmz/models"
)

// jsonMode is the value of --json.
type jsonMode string

const (
	jsonOff     jsonMode = ""
	jsonResults jsonMode = "results"
	jsonEvents  jsonMode = "events"
)

func (m *jsonMode) String() string { return string(*m) }
func (m *jsonMode) Type() string   { return "results|events" }
func (m *jsonMode) Set(s string) error {
	switch jsonMode(s) {
	case jsonResults, jsonEvents:
		*m = jsonMode(s)
		return nil
	}
	return fmt.Errorf("must be results or events")
}

// colorMode is the value of --color.
type colorMode string

const (
	colorAuto   colorMode = "auto"
	colorAlways colorMode = "always"
	colorNever  colorMode = "never"
)

func (m *colorMode) String() string { return string(*m) }
func (m *colorMode) Type() string   { return "auto|always|never" }
func (m *colorMode) Set(s string) error {
	switch colorMode(s) {
	case colorAuto, colorAlways, colorNever:
		*m = colorMode(s)
		return nil
	}
	return fmt.Errorf("must be auto, always or never")
}

// runtimeName is the value of --runtime.
type runtimeName string

func (r *runtimeName) String() string { return string(*r) }
func (r *runtimeName) Type() string   { return strings.Join(runtimeNames, "|") }
func (r *runtimeName) Set(s string) error {
	if !slices.Contains(runtimeNames, s) {
		return fmt.Errorf("must be %s", strings.Join(runtimeNames, " or "))
	}
	*r = runtimeName(s)
	return nil
}

var runtimeNames = []string{models.RuntimeNative, models.RuntimeLlama}

// add declares the flag.
func (r *runtimeName) add(fs *pflag.FlagSet) {
	fs.Var(r, "runtime", "what runs a language model: native, the default where the\narchitecture is known, or llama.cpp")
}

// byteSize is a number of bytes, written like 500MB, 4MiB or 65536. As with dd,
// K, M, G (and KiB, …) are powers of 1024, KB, MB, GB powers of 1000.
type byteSize int64

func (b *byteSize) String() string {
	if *b == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*b), 10)
}
func (b *byteSize) Type() string { return "SIZE" }
func (b *byteSize) Set(s string) error {
	n, err := parseSize(s)
	if err != nil {
		return err
	}
	*b = byteSize(n)
	return nil
}

var sizeUnits = map[string]int64{
	"": 1, "B": 1,
	"K": 1 << 10, "KIB": 1 << 10, "KB": 1e3,
	"M": 1 << 20, "MIB": 1 << 20, "MB": 1e6,
	"G": 1 << 30, "GIB": 1 << 30, "GB": 1e9,
	"T": 1 << 40, "TIB": 1 << 40, "TB": 1e12,
}

func parseSize(s string) (int64, error) {
	bad := fmt.Errorf("%q is not a size such as 500MB or 4MiB", s)
	unit := strings.TrimLeft(strings.TrimSpace(s), "0123456789.")
	number := strings.TrimSuffix(strings.TrimSpace(s), unit)
	factor, ok := sizeUnits[strings.ToUpper(strings.TrimSpace(unit))]
	if !ok {
		return 0, bad
	}
	if strings.Contains(number, ".") {
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || n*float64(factor) >= math.MaxInt64 {
			return 0, bad
		}
		return int64(n * float64(factor)), nil
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/factor {
		return 0, bad
	}
	return n * factor, nil
}

// byteRange is the value of --bytes: the bytes from first to last, both
// included, of which last may be open (-1).
type byteRange struct {
	first, last int64
	set         bool
}

func (r *byteRange) String() string {
	switch {
	case !r.set:
		return ""
	case r.last < 0:
		return fmt.Sprintf("%d-", r.first)
	}
	return fmt.Sprintf("%d-%d", r.first, r.last)
}
func (r *byteRange) Type() string { return "A-B" }
func (r *byteRange) Set(s string) error {
	a, b, ok := strings.Cut(s, "-")
	bad := fmt.Errorf("%q is not a range such as 0-99, 1MiB-2MiB or 500-", s)
	if !ok {
		return bad
	}
	first, err := parseSize(a)
	if err != nil {
		return bad
	}
	last := int64(-1)
	if b != "" {
		if last, err = parseSize(b); err != nil || last < first {
			return bad
		}
	}
	*r = byteRange{first: first, last: last, set: true}
	return nil
}

// maxThreads is the most threads to ask for.
const maxThreads = 1 << 16

// threadCount is the value of -T.
type threadCount int

func (t *threadCount) String() string { return strconv.Itoa(int(*t)) }
func (t *threadCount) Type() string   { return "N" }
func (t *threadCount) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > maxThreads {
		return fmt.Errorf("%q is not a number of threads", s)
	}
	*t = threadCount(n)
	return nil
}

// A setter is a flag without a value that calls a function: the last of several
// that set the same thing wins.
type setter struct {
	f     func()
	isSet bool
}

func (s *setter) String() string { return strconv.FormatBool(s.isSet) }
func (s *setter) Type() string   { return "bool" }
func (s *setter) Set(v string) error {
	on, err := strconv.ParseBool(v)
	if err != nil {
		return fmt.Errorf("takes no value")
	}
	if on {
		s.isSet = true
		s.f()
	}
	return nil
}

// A stringSetter is a flag whose value is handed to a function.
type stringSetter struct {
	f        func(string) error
	typeName string
	value    string
}

func (s *stringSetter) String() string { return s.value }
func (s *stringSetter) Type() string   { return s.typeName }
func (s *stringSetter) Set(v string) error {
	s.value = v
	return s.f(v)
}
