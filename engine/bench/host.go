package bench

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"github.com/llmz/llmz/ggml/cpu"
)

// ThisHost describes this machine; version and commit are the program's.
func ThisHost(version, commit string) Host {
	cpu := cpuid.CPU.BrandName
	if cpu == "" {
		cpu = cpuName()
	}
	if cpu == "" {
		cpu = "unknown CPU"
	}
	machine := fmt.Sprintf("%s, %s, %s/%s", strings.Join(strings.Fields(cpu), " "), cores(runtime.NumCPU()), runtime.GOOS, runtime.GOARCH)
	return Host{Machine: machine, Version: version, Commit: commit}
}

func cores(n int) string {
	if n == 1 {
		return "1 logical core"
	}
	return fmt.Sprintf("%d logical cores", n)
}

// cpuName asks the system where the processor does not tell its name.
func cpuName() string {
	switch runtime.GOOS {
	case "linux":
		f, err := os.Open("/proc/cpuinfo")
		if err != nil {
			return ""
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if k, v, ok := strings.Cut(s.Text(), ":"); ok && (strings.HasPrefix(k, "model name") || strings.HasPrefix(k, "Model")) {
				return strings.TrimSpace(v)
			}
		}
	case "darwin":
		out, _ := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output()
		return strings.TrimSpace(string(out))
	case "windows":
		return os.Getenv("PROCESSOR_IDENTIFIER")
	}
	return ""
}

// busyness returns the load average of the last minute per core, 0 where it
// cannot be told.
func busyness() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return load / float64(runtime.NumCPU())
}

// Kernels lists the kernels of the bundled models that this machine can run, the
// best first.
func Kernels() []string { return cpu.Kernels() }
