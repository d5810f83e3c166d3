package cm

import "testing"

func TestHistoryStates(t *testing.T) {
	if numStates < 100 || numStates > 256 {
		t.Fatalf("%d states", numStates)
	}
	for i := range numStates {
		for y := range 2 {
			n := NextState[i][y]
			if int(n) >= numStates || n == 0 {
				t.Errorf("state %d leads to %d", i, n)
			}
		}
		if i > 0 && States[i].N0+States[i].N1 < States[i-1].N0+States[i-1].N1 {
			t.Errorf("state %d has less evidence than the one before", i)
		}
	}
	s := uint8(0)
	for range 100 {
		s = NextState[s][1]
	}
	if States[s].N0 != 0 || States[s].N1 != historyBound(0) {
		t.Errorf("a hundred ones lead to %+v", States[s])
	}
	if s = NextState[s][0]; States[s].N1 >= 10 {
		t.Errorf("a zero after a hundred ones leads to %+v", States[s])
	}
}
