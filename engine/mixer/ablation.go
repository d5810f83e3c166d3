package mixer

// parts names what the mixer consists of, for measuring what each part is worth.
// Contexts are parts 0 to numCtx-1.
type parts uint64

const (
	partMatchShort parts = 1 << (numCtx + iota)
	partMatchLong
	partOrders
	partAPM
	partModelAPM
	partLinear
	partSets
)

// dropContexts makes the contexts that are switched off look new.
func (x *Mixer) dropContexts(l *lane) {
	for i := range l.slots {
		if x.drop>>i&1 != 0 {
			x.dead[i] = slot{}
			l.slots[i] = &x.dead[i]
		}
	}
}

// dropInputs silences the inputs of the parts that are switched off.
func (x *Mixer) dropInputs() {
	in := &x.x
	for i := range numCtx {
		if x.drop&partLinear != 0 {
			in[2*i+1] = 0
		}
	}
	if x.drop&partOrders != 0 {
		clear(in[inOrder:inMatch])
	}
	if x.drop&partMatchShort != 0 {
		clear(in[inMatch : inMatch+2])
	}
	if x.drop&partMatchLong != 0 {
		clear(in[inMatch+2 : inMatch+4])
	}
	if x.drop&partModelAPM != 0 {
		clear(in[inModel+2 : inModel+4])
	}
	if x.drop&partSets != 0 {
		for k := range x.main.off {
			x.main.off[k] = x.base[k] * numInputs
		}
	}
}
