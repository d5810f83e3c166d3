package estimate

// What a byte costs the mixer depends above all on what it has seen before: after
// how long a context, how often the same byte followed, and whether it follows
// again. walk tells that for each byte of a block at some MB/s, so that the costs
// of such bytes in a sample say what all the others are going to cost, those
// included that repeat something far away.

// state says how well the byte to come is known from what came before. It is 0
// for a byte whose context is new, else one of:
//
//	knownAt + 4k + n  the last 2, 3, 4 or 6 bytes (k = 0 to 3) have been seen, and
//	                  the same byte followed n+1 times, or more for n = 3
//	matchAt + n       at least 12 bytes have been followed, the more, the higher n
type state uint8

const (
	knownAt   = 1
	matchAt   = knownAt + 16
	numStates = matchAt + numLengths

	numLengths = 6
	leastMatch = 12 // bytes of a match that is relied on
	foundMatch = 8  // bytes that a match begins with
	sureMatch  = 20 // from here on, what follows is no news to the contexts
)

// matchState returns the state of a match of n bytes.
func matchState(n int) state {
	for i, least := range [numLengths - 1]int{16, 32, 64, 128, 400} {
		if n < least {
			return matchAt + state(i)
		}
	}
	return matchAt + numLengths - 1
}

// A follower is what followed a context: the byte, how often in a row, and a
// check of the context that it belongs to. Zero is none.
type follower uint32

func (f follower) seen(check uint32) bool { return f&0xff != 0 && uint32(f>>16) == check }
func (f follower) byte() byte             { return byte(f >> 8) }
func (f follower) times() int             { return int(f & 0xff) }

// then returns f after it was followed by c.
func (f follower) then(check uint32, c byte) follower {
	switch n := f & 0xff; {
	case f.seen(check) && f.byte() == c:
		return f + follower(min(1, 255-n))
	case f.seen(check) && n > 2:
		return f - n + n/2
	}
	return follower(check<<16 | uint32(c)<<8 | 1)
}

// golden spreads hashes: 2^64 over the golden ratio.
const golden = 0x9e3779b97f4a7c15

// walk calls visit for each byte of data, with its state and whether it was the
// one that was expected.
func walk(data []byte, visit func(i int, s state, hit bool)) {
	bits := 16
	for bits < 22 && 1<<bits < 2*len(data) {
		bits++
	}
	shift := 64 - bits
	orders := [3]struct {
		mask uint64
		tab  []follower
	}{{mask: 1<<48 - 1}, {mask: 1<<32 - 1}, {mask: 1<<24 - 1}}
	for k := range orders {
		orders[k].tab = make([]follower, 1<<bits)
	}
	two := make([]follower, 1<<16)
	heads := make([]uint32, 1<<bits) // hash of foundMatch bytes -> position after them
	var last uint64                  // the last eight bytes
	from, length := 0, 0             // the match: what comes next, and how many bytes came
	for i, c := range data {
		var s state
		hit := length > 0 && data[from] == c
		if length >= leastMatch {
			s = matchState(length)
		}
		if length < sureMatch || !hit {
			// Only the longest context that is known learns, and those above it.
			k := 0
			for ; k < len(orders); k++ {
				o := &orders[k]
				h := (last&o.mask + uint64(k)) * golden
				p, check := &o.tab[h>>shift], uint32(h>>8)&0xffff
				old := *p
				*p = old.then(check, c)
				if old.seen(check) {
					s = s.orKnown(len(orders)-k, old, c, &hit)
					break
				}
			}
			if k == len(orders) {
				p := &two[last&0xffff]
				if old := *p; old != 0 {
					s = s.orKnown(0, old, c, &hit)
				}
				*p = p.then(0, c)
			}
		}
		visit(i, s, hit && s != 0)
		last = last<<8 | uint64(c)
		if length > 0 && data[from] == c {
			length++
			from++
		} else {
			length = 0
		}
		if i+1 >= foundMatch && length < matchHeads {
			head := &heads[last*golden>>shift]
			if length == 0 && *head > 0 {
				if n := common(data, int(*head), i+1); n >= foundMatch {
					from, length = int(*head), n
				}
			}
			*head = uint32(i + 1)
		}
	}
}

// matchHeads is the length of a match from which its places need no noting: they
// are noted where it comes from.
const matchHeads = 32

// orKnown returns s, or where that is no match the state of a context of the k-th
// order that f followed, and sets hit to whether c is what was expected.
func (s state) orKnown(k int, f follower, c byte, hit *bool) state {
	if s != 0 {
		return s
	}
	*hit = f.byte() == c
	return knownAt + state(4*k+min(f.times(), 4)-1)
}

// common returns how many bytes before a and b are equal, at most matchHeads.
func common(data []byte, a, b int) int {
	n := 0
	for n < matchHeads && n < a && data[a-1-n] == data[b-1-n] {
		n++
	}
	return n
}
