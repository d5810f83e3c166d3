package predicttest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// faultEnv names the promise that the toy model breaks.
const faultEnv = "PREDICTTEST_FAULT"

// toy predicts from a hash of each lane's symbols.
type toy struct {
	fault, kernel string
	memory        []byte
	shared        atomic.Uint64
}

func (m *toy) Info() predict.Info {
	return predict.Info{Ref: predict.Ref{Name: "toy", Numerics: 1}, Alphabet: 16}
}

func (m *toy) Lanes(n int) int {
	if m.fault == "numbers of lanes" {
		return 1 + n%7
	}
	return min(1+n/1000, 16)
}

func (m *toy) MemoryBytes(lanes int) int64 {
	if m.fault == "memory" {
		return 1 << 20
	}
	return int64(len(m.memory)) + int64(lanes)*1024
}

func (m *toy) Preferences(lanes int) predict.Preferences {
	if m.fault == "numbers of lanes, preferences" {
		return predict.Preferences{Threads: -1}
	}
	return predict.Preferences{Threads: lanes}
}

func (m *toy) Close() error { return nil }

func (m *toy) NewSession(_ context.Context, o predict.SessionOptions) (predict.Session, error) {
	if o.Lanes < 1 {
		return nil, errors.New("no lanes")
	}
	s := &toySession{m: m, o: o, active: o.Lanes, state: make([]uint64, o.Lanes)}
	switch {
	case m.fault == "lanes" && o.Lanes == 2, m.fault == "threads" && o.Threads == 3,
		m.fault == "kernels" && m.kernel == "b", m.fault == "lanes, by steps" && o.MaxSteps > 0:
		s.state[0] = 1
	case m.fault == "sessions":
		s.state[0] = m.shared.Add(1) / 20 // the first twenty are alike
	}
	return s, nil
}

type toySession struct {
	m      *toy
	o      predict.SessionOptions
	active int
	known  bool
	state  []uint64
}

func (s *toySession) Foresee(predict.Known) { s.known = true }

func (s *toySession) Step(prev []int32) error {
	if len(prev) == 0 || len(prev) > s.active {
		return errors.New("a number of lanes")
	}
	for i, v := range prev {
		if (v < -1 || v >= 16) && s.m.fault != "mistakes" {
			return errors.New("no such symbol")
		}
		s.state[i] = s.state[i]*31 + uint64(v+2)
	}
	if s.m.fault == "early ends" && len(prev) < s.active || s.m.fault == "foreseen" && s.known {
		s.state[0]++
	}
	s.active = len(prev)
	return nil
}

func (s *toySession) Freqs(lane int) (freqs []uint32, total uint32) {
	for i := range uint64(16) {
		f := uint32(s.state[lane]>>i%1000) + 1
		freqs, total = append(freqs, f), total+f
	}
	switch s.m.fault {
	case "order of calls":
		s.state[lane]++
	case "frequencies":
		total++
	}
	return freqs, total
}

func (s *toySession) StageTimes() (infer, update int64) { return 0, 0 }
func (s *toySession) Close() error                      { return nil }

// TestToy passes, unless the toy is told to break a promise.
func TestToy(t *testing.T) {
	Run(t, Suite{
		Open: func(_ testing.TB, kernel string) predict.Model {
			return &toy{fault: os.Getenv(faultEnv), kernel: kernel, memory: make([]byte, 4<<20)}
		},
		Kernels: []string{"a", "b"},
	})
}

// TestFaults: a model that breaks a promise fails the test that is about it.
func TestFaults(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range []string{
		"memory", "frequencies", "threads", "kernels", "lanes", "lanes, by steps", "early ends", "order of calls",
		"sessions", "foreseen", "numbers of lanes", "numbers of lanes, preferences", "mistakes",
	} {
		cmd := exec.Command(exe, "-test.run=^TestToy$")
		cmd.Env = append(os.Environ(), faultEnv+"="+fault)
		out, err := cmd.CombinedOutput()
		name, _, _ := strings.Cut(fault, ",")
		failed := regexp.MustCompile(`--- FAIL: TestToy/` + strings.ReplaceAll(name, " ", "_") + ` `)
		if err == nil || !failed.Match(out) {
			t.Errorf("%s: %v\n%s", fault, err, out)
		}
	}
}
