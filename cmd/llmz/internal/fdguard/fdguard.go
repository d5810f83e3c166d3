//go:build unix

// Package fdguard ends the program with a sentence where it may open next to no
// files: the runtime and the foreign-function package would end it with a trace.
//
// It does so before they can. Go initialises packages by import path as soon as their
// imports are, and this one imports syscall only.
package fdguard

import "syscall"

// need is how many descriptors must be free: the runtime's poller takes two, a job an input,
// an output and a folder.
const need = 6

func init() {
	var got [need]int
	for i := range got {
		fd, err := syscall.Dup(0) // open, or the runtime has opened it
		if err == syscall.EMFILE || err == syscall.ENFILE {
			const text = "llmz: too few files may be open at once\nllmz: hint: allow more, for example with \"ulimit -n 256\"\n"
			syscall.Write(2, []byte(text))
			syscall.Exit(1)
		}
		if err != nil {
			return
		}
		got[i] = fd
		defer syscall.Close(fd)
	}
}
