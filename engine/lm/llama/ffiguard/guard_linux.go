//go:build !nollama && (amd64 || arm64)

package ffiguard

import (
	"syscall"
	"unsafe"
)

const (
	soname = "libffi.so.8"
	// marker is set in the environment of the second start; its value is what
	// LD_PRELOAD was before.
	marker  = "LLMZ_FFI_STAND_IN"
	preload = "LD_PRELOAD"
)

// Missing reports whether libffi is not on this machine and a stand-in took its
// place.
var Missing bool

func init() {
	if before, again := syscall.Getenv(marker); again {
		Missing = true
		// What this process starts is none of this business.
		syscall.Unsetenv(marker)
		if before == "" {
			syscall.Unsetenv(preload)
		} else {
			syscall.Setenv(preload, before)
		}
		return
	}
	if !present() {
		startAgain()
	}
}

// present looks for the library where the dynamic loader does.
func present() bool {
	if path, ok := syscall.Getenv("LD_LIBRARY_PATH"); ok {
		for start, i := 0, 0; i <= len(path); i++ {
			if i == len(path) || path[i] == ':' {
				if i > start && exists(path[start:i]+"/"+soname) {
					return true
				}
				start = i + 1
			}
		}
	}
	if contains(read("/etc/ld.so.cache", 16<<20), soname+"\x00") {
		return true
	}
	for _, dir := range libraryDirs {
		if exists(dir + soname) {
			return true
		}
	}
	return false
}

func exists(path string) bool {
	var st syscall.Stat_t
	return syscall.Stat(path, &st) == nil
}

// read returns the first bytes of a file, none where it cannot be read.
func read(path string, most int) []byte {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	var all []byte
	buf := make([]byte, 64<<10)
	for len(all) < most {
		n, err := syscall.Read(fd, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		all = append(all, buf[:n]...)
	}
	return all
}

func contains(b []byte, s string) bool {
	for i := 0; i+len(s) <= len(b); i++ {
		if b[i] == s[0] && string(b[i:i+len(s)]) == s {
			return true
		}
	}
	return false
}

// startAgain replaces the process with itself, the stand-in preloaded. If
// anything fails it returns, and the binding's panic says what is missing.
func startAgain() {
	name := []byte("libffi\x00")
	fd, _, errno := syscall.Syscall(memfdCreate, uintptr(unsafe.Pointer(&name[0])), 0, 0)
	if errno != 0 {
		return
	}
	for lib := standIn(); len(lib) > 0; {
		n, err := syscall.Write(int(fd), lib)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return
		}
		lib = lib[n:]
	}
	before, _ := syscall.Getenv(preload)
	var env []string
	for _, e := range syscall.Environ() {
		if len(e) > len(preload) && e[:len(preload)+1] == preload+"=" {
			continue
		}
		env = append(env, e)
	}
	list := "/proc/self/fd/" + decimal(int(fd))
	if before != "" {
		list = before + ":" + list
	}
	env = append(env, preload+"="+list, marker+"="+before)
	var args []string
	line := read("/proc/self/cmdline", 64<<20)
	for start, i := 0, 0; i < len(line); i++ {
		if line[i] == 0 {
			args = append(args, string(line[start:i]))
			start = i + 1
		}
	}
	if len(args) == 0 {
		return
	}
	_ = syscall.Exec("/proc/self/exe", args, env)
}

func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}
