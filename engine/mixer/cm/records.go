package cm

// Records finds the period of tables: the distance at which bytes keep recurring.
type Records struct {
	last  [256]int32  // position + 1 of the last occurrence of each byte
	dist  [256]uint16 // its distance from the one before
	votes [recordMax]uint16
	n     uint32
	Len   int // current guess, 0: none
}

const recordMax = 1024

// See takes the byte c at pos.
func (r *Records) See(c uint8, pos int) {
	if p := r.last[c]; p > 0 {
		d := pos + 1 - int(p)
		if d < recordMax && d > 1 {
			if uint16(d) == r.dist[c] {
				r.votes[d] += uint16(min(d, 32))
			}
			r.dist[c] = uint16(d)
		} else if d > 1 {
			r.dist[c] = 0
		}
	}
	r.last[c] = int32(pos + 1)
	r.n++
	if r.n&255 == 0 {
		best, at := uint16(64), 0
		for d := range r.votes {
			v := r.votes[d]
			if d == r.Len {
				v += v >> 2 // stay with the current guess unless another is clearly better
			}
			if v > best {
				best, at = v, d
			}
			r.votes[d] -= r.votes[d] >> 2
		}
		if at > 0 {
			r.Len = at
		}
	}
}
