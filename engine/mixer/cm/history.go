package cm

// A bit history is one byte: what has been seen in a context so far, as a state
// of a finite machine. A state stands for the numbers of zeros and ones seen
// (n0, n1), bounded and with old opposing evidence discounted, the exact order of
// the first three bits and the last bit afterwards. State 0 is "nothing seen".
//
// States are numbered by n0+n1, so a smaller number means less evidence: the hash
// table replaces small ones first.

// History is the meaning of a state.
type History struct {
	N0, N1 int // zeros and ones seen
	// last holds the last bits seen, the newest lowest: all of them while
	// N0+N1 <= exactBits, otherwise only the last one.
	last int
}

const exactBits = 4

var (
	// NextState[s][y] follows state s when bit y is seen.
	NextState [256][2]uint8
	// States describes each state; numStates are in use.
	States    [256]History
	numStates int
)

// historyBound returns the largest count allowed beside an opposing count of m.
func historyBound(m int) int {
	switch m {
	case 0:
		return 40
	case 1:
		return 20
	case 2:
		return 10
	case 3:
		return 6
	case 4:
		return 5
	}
	return 0
}

// historyDiscount returns what is left of n opposing observations.
func historyDiscount(n int) int {
	switch {
	case n <= 2:
		return n
	case n <= 3:
		return 2
	case n <= 6:
		return 3
	case n <= 12:
		return 4
	case n <= 24:
		return 5
	}
	return 6
}

func historyAllowed(n0, n1 int) bool {
	return max(n0, n1) <= historyBound(min(n0, n1))
}

// historyNext computes the state that follows s when y is seen.
func historyNext(s History, y int) History {
	total := s.N0 + s.N1
	if total < exactBits {
		n := History{s.N0, s.N1, s.last<<1 | y}
		if y == 0 {
			n.N0++
		} else {
			n.N1++
		}
		return n
	}
	same, other := s.N0, s.N1
	if y == 1 {
		same, other = other, same
	}
	same++
	other = historyDiscount(other)
	for !historyAllowed(same, other) {
		if same > other {
			same--
		} else {
			other--
		}
	}
	n := History{same, other, y}
	if y == 1 {
		n.N0, n.N1 = other, same
	}
	if n.N0+n.N1 <= exactBits {
		// A discount brought the counts back into the exact range: order them with the
		// newest evidence last.
		n.last = 0
		for range n.N1 {
			n.last = n.last<<1 | 1
		}
		if y == 0 {
			n.last <<= n.N0
		} // y == 1: the zeros come first, which are leading zeros
	}
	return n
}

func init() {
	// All reachable states, breadth first, then ordered by evidence.
	seen := map[History]bool{}
	var all []History
	add := func(s History) {
		if !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	add(History{})
	for i := 0; i < len(all); i++ {
		add(historyNext(all[i], 0))
		add(historyNext(all[i], 1))
	}
	if len(all) > 256 {
		panic("cm: too many bit history states") // a broken table, caught by every test
	}
	for i := 1; i < len(all); i++ { // stable insertion sort by n0+n1
		for j := i; j > 0 && all[j].N0+all[j].N1 < all[j-1].N0+all[j-1].N1; j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
	number := map[History]uint8{}
	for i, s := range all {
		number[s] = uint8(i)
		States[i] = s
	}
	numStates = len(all)
	for i, s := range all {
		NextState[i] = [2]uint8{number[historyNext(s, 0)], number[historyNext(s, 1)]}
	}
}
