package rich

// Lanes may take chunks of the block, one after the other: so they stay close together,
// and what comes before a chunk is mostly known. The mixer also codes bytes without the
// model: it tells where a lane's next byte is easy anyway, and whether the model is worth
// its time.

// chunks is the state of what has been coded and what has not.
type chunks struct {
	front int     // all before has been given to lanes
	open  []*span // what is not coded of that, in order

	dense             int    // so many bytes with the model are all judged
	turn              int    // counts the others
	count             int    // bytes judged
	mixed, mixerAlone uint64 // what they have cost either way, in 1/65536 bit

	// Of the decision being coded.
	judged         bool
	less           inputs // without the model
	without        decision
	pMixed, pAlone uint32
}

// span is a part of the block that lies open: bytes pos to end are not coded yet.
type span struct{ start, pos, end int }

const (
	// primeBytes is how far a lane looks back on what comes before its chunk.
	primeBytes = 64
	// judgeEvery is the number of bytes of which one is judged.
	judgeEvery = 8
	// easyCost is the mean cost of bytes, in 1/65536 bit, below which a lane needs no model.
	easyCost = 65536 / 20
	easyRate = 4
)

// claim opens bytes start to end: from the front on, or what is left of a chunk.
func (x *Mixer) claim(start, end int) *span {
	if start < x.front {
		for _, s := range x.open {
			if s.pos == start && s.end == end {
				return s
			}
		}
		panic("mixer: no such chunk") // a caller's error
	}
	s := &span{start, start, end}
	x.front = end
	x.open = append(x.open, s)
	return s
}

// close forgets a span that has been coded.
func (x *Mixer) close(s *span) {
	for i, o := range x.open {
		if o == s {
			x.open = append(x.open[:i], x.open[i+1:]...)
			return
		}
	}
}

// spanAt returns the last open span that starts before or at position p, nil if there is none.
func (x *Mixer) spanAt(p int) *span {
	lo, hi := 0, len(x.open)
	for lo < hi {
		if m := (lo + hi) / 2; x.open[m].start <= p {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo == 0 {
		return nil
	}
	return x.open[lo-1]
}

// written tells whether the byte at position p of the block has been coded.
func (x *Mixer) written(p int) bool {
	if p >= x.front {
		return false
	}
	s := x.spanAt(p)
	return s == nil || p < s.pos || p >= s.end
}

// known returns the position from which on all bytes before p have been coded.
func (x *Mixer) known(p int) int {
	s := x.spanAt(p - 1)
	switch {
	case s == nil:
		return 0
	case p <= s.pos:
		return x.known(s.start)
	}
	return min(p, s.end)
}

// Enter gives bytes start to end of the block to a lane: from the front on, where all before
// has been given to lanes, or what another lane has left.
func (x *Mixer) Enter(lane, start, end int) {
	l := &x.lanes[lane]
	goesOn := l.pos == start && l.span != nil
	l.span = x.claim(start, end)
	l.end = end
	if goesOn {
		if !l.ready {
			x.beginByte(l)
		}
		return
	}
	*l = lane0(l)
	l.from = x.known(start)
	l.pos = max(l.from, start-primeBytes)
	x.enterSegment(l)
	for l.pos < start {
		if l.pos >= l.nextSegment {
			x.enterSegment(l)
		}
		b := x.hist[l.pos]
		l.pos++
		l.see(x, b)
	}
	x.beginByte(l)
}

// Begin gives the bytes from the front up to end, exclusive, to lanes in equal parts: to all of
// them with the model, or to one without.
func (x *Mixer) Begin(end int, model bool) {
	n, lanes := end-x.front, 1
	if model {
		lanes = min(len(x.lanes), max(n, 1))
		x.Judge(0)
	}
	for i := range lanes {
		size := n / lanes
		if i < n%lanes {
			size++
		}
		x.Enter(i, x.front, x.front+size)
	}
}

// lane0 returns what a lane keeps where it goes on at another place.
func lane0(l *lane) lane {
	return lane{
		own: l.own, id: l.id, sets: l.sets, span: l.span, end: l.end,
		c0: 1, node: 1, ease: 1 << 16,
	}
}

// Leave ends a lane's work on its chunk. What is left of it is to be given to a lane later.
func (x *Mixer) Leave(lane int) {
	l := &x.lanes[lane]
	l.end = l.pos
}

// Easy tells whether the model can hardly help with a lane's next byte: the last ones cost
// next to nothing.
func (x *Mixer) Easy(lane int) bool { return x.lanes[lane].ease < easyCost }

// eased takes the cost of a byte into the mean of the lane's last ones.
func (l *lane) eased(spent uint32) {
	l.ease += uint32((int32(min(spent, 1<<20)) - int32(l.ease)) >> easyRate)
}

// Judge begins to add up anew what bytes cost with the model, and what they would cost
// without: of all of the next n, and of one in judgeEvery of those after them.
func (x *Mixer) Judge(n int) {
	x.dense, x.count = n, 0
	x.mixed, x.mixerAlone = 0, 0
}

// Worth returns what bytes coded with the model have cost since Judge, and what the mixer
// alone would have made of them, in 1/65536 bit, and how many they were.
func (x *Mixer) Worth() (mixed, alone uint64) { return x.mixed, x.mixerAlone }

// Fade halves both costs, so that later bytes count more, and counts bytes anew.
func (x *Mixer) Fade() {
	x.count = 0
	x.mixed /= 2
	x.mixerAlone /= 2
}

// judges tells whether the next byte with the model is judged.
func (x *Mixer) judges() bool {
	if x.dense > 0 {
		x.dense--
		x.count++
		return true
	}
	x.turn++
	if x.turn%judgeEvery != 0 {
		return false
	}
	x.count++
	return true
}
