package content

// A Run is a part of a block that is of one kind in the main.
type Run struct {
	Kind Kind
	End  int // where it ends in the block
}

// leastRun is the shortest run that begins where another kind does.
const leastRun = 4 << 10

// Runs returns the runs that the block is made of: neighbouring segments of one kind are one,
// and less than leastRun bytes of another kind are a part of the run before them, or of the one after
// them at the beginning of the block.
func (p Plan) Runs() []Run {
	var all []Run
	at := 0
	for i := 0; i < len(p); {
		kind, start := p[i].Kind, at
		for i < len(p) && p[i].Kind == kind {
			at += p[i].Len
			i++
		}
		k := len(all) - 1
		switch {
		case k >= 0 && (at-start < leastRun || all[k].Kind == kind):
			all[k].End = at
		case k == 0 && all[0].End < leastRun:
			all[0] = Run{kind, at}
		default:
			all = append(all, Run{kind, at})
		}
	}
	return all
}
