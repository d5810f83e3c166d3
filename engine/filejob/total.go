package filejob

import (
	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/archive"
)

// contentSize returns the length of the content of the archive in in, which a
// decoder learns at the end only; -1 where it cannot be known ahead.
func contentSize(in *input) int64 {
	size := in.size()
	if size < 0 {
		return -1
	}
	members, err := archive.List(in.file, size)
	if err != nil {
		return -1
	}
	var n int64
	for i := range members {
		n += members[i].Length()
	}
	return n
}

// withTotal returns an observer that hands events on to o with the total filled
// in where the engine does not know it.
func withTotal(o engine.Observer, total int64) engine.Observer {
	if o == nil || total < 0 {
		return o
	}
	return func(e engine.Event) {
		switch s := e.(type) {
		case engine.Started:
			if s.TotalBytes < 0 {
				s.TotalBytes = total
			}
			e = s
		case engine.Progress:
			if s.TotalBytes < 0 {
				s.TotalBytes = total
			}
			e = s
		}
		o(e)
	}
}
