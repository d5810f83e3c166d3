//go:build !nollama && ((linux && (amd64 || arm64)) || (darwin && (amd64 || arm64)) || (windows && amd64))

package llama

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
	"github.com/hybridgroup/yzma/pkg/loader"
	"github.com/jupiterrider/ffi"
)

// said holds the errors that the library has logged since its last call of consequence.
var said logged

const maxLogged = 8 // lines; the first of them and the last say most

type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) add(line string) {
	if line == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == maxLogged {
		l.lines = l.lines[:maxLogged-1]
	}
	l.lines = append(l.lines, line)
}

func (l *logged) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = l.lines[:0]
}

// first and last return such lines, empty where there are none.
func (l *logged) first() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == 0 {
		return ""
	}
	return l.lines[0]
}

func (l *logged) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == 0 {
		return ""
	}
	return l.lines[len(l.lines)-1]
}

// cause adds what llama.cpp logged last, where it logged an error.
func cause(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if s := said.last(); s != "" {
		err = fmt.Errorf("%w: %s", err, s)
	}
	return err
}

// listen has the library report errors here instead of printing them.
func listen(base loader.Lib) {
	if set, err := base.Prep("ggml_log_set", &ffi.TypeVoid, &ffi.TypePointer, &ffi.TypePointer); err == nil {
		call, data := logCallback(), uintptr(0)
		set.Call(nil, unsafe.Pointer(&call), unsafe.Pointer(&data))
	}
	if set, err := base.Prep("ggml_set_abort_callback", &ffi.TypePointer, &ffi.TypePointer); err == nil {
		var before uintptr
		call := abortCallback()
		set.Call(unsafe.Pointer(&before), unsafe.Pointer(&call))
	}
}

// abortCallback is called by the library before it ends the process.
var abortCallback = sync.OnceValue(func() uintptr {
	return purego.NewCallback(func(text *byte) uintptr {
		if OnAbort != nil {
			OnAbort(newAbortError(said.first(), goString(text)))
		}
		return 0
	})
})
