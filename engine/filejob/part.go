package filejob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/llmz/llmz/engine"
)

// name returns the name of an output for a part of it; name itself for none. Such names
// sort in the order of the parts.
func (p *Part) name(name string) string {
	if p == nil || name == "" {
		return name
	}
	end := ""
	if hasSuffix(name) {
		end = name[len(name)-len(Suffix):]
	}
	digits := len(fmt.Sprint(p.Of))
	return fmt.Sprintf("%s.part-%0*d-of-%d%s", strings.TrimSuffix(name, end), digits, p.Number, p.Of, end)
}

// takePart restricts the job to its part of the input.
func (r *runner) takePart(ctx context.Context, in *input) error {
	size := in.size()
	if size < 0 {
		return errors.New("only regular files can be taken in parts")
	}
	if r.Op != Compress {
		start, end, err := engine.PartRange(ctx, in.file, size, r.Part.Number, r.Part.Of)
		r.Range = &Range{start, end}
		return err
	}
	var err error
	if r.Write, err = r.Write.Settle(in.file, size); err != nil { // the first block of all parts decides
		return err
	}
	r.Write.Part = engine.PartOf(r.Write, size, r.Part.Number, r.Part.Of)
	from, to := r.Write.Part.Range()
	in.part = &Range{from, to}
	in.r = in.original()
	return nil
}

// length returns the number of bytes that are compressed, -1 where it is not known.
func (in *input) length() int64 {
	if in.part != nil {
		return in.part.To - in.part.From
	}
	return in.size()
}

// original returns what is compressed of a file, from its start; nil if it cannot be read
// again.
func (in *input) original() io.Reader {
	switch {
	case in.file == nil || in.size() < 0:
		return nil
	case in.part != nil:
		return io.NewSectionReader(in.file, in.part.From, in.part.To-in.part.From)
	}
	return io.NewSectionReader(in.file, 0, math.MaxInt64)
}
