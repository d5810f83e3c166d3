package mixer

// slot holds the bit histories of one context for one nibble: byte 0 is a check
// of the context's hash, bytes 1 to 15 are the histories of the nodes of the
// nibble's binary tree (1; 2,3; 4..7; 8..15).
type slot [16]uint8

// bucket is one cache line: the slots a context may be in.
type bucket [4]slot

// table is the hash table of bit histories that all contexts share.
type table struct {
	buckets []bucket
	shift   uint // 64 - log2(len(buckets))
}

func newTable(logBuckets uint) table {
	return table{buckets: make([]bucket, 1<<logBuckets), shift: 64 - logBuckets}
}

// find returns the slot of the context with the given check in bucket at. If it
// is not there, it takes the place of the slot with the least evidence.
func (t *table) find(at uint32, check uint8) *slot {
	b := &t.buckets[at]
	if b[0][0] == check {
		return &b[0]
	}
	if b[1][0] == check {
		return &b[1]
	}
	if b[2][0] == check {
		return &b[2]
	}
	if b[3][0] == check {
		return &b[3]
	}
	low := &b[0]
	for i := 1; i < len(b); i++ {
		if b[i][1] < low[1] {
			low = &b[i]
		}
	}
	*low = slot{check}
	return low
}
