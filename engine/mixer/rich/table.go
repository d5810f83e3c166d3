package rich

import "unsafe"

// bucket is one cache line: three slots, each for the bit histories of one context and
// nibble.
type bucket struct {
	slot  [3][16]uint8 // [1] to [15] are the nodes of the nibble's tree; [0] is how often last has come in a row
	check [3]uint16    // of the context's hash
	last  [3]uint8     // the last byte in the context, where the nibble is the first
	_     [7]uint8
}

// table is the hash table of bit histories that all contexts share.
type table struct {
	buckets []bucket
}

// tableLen returns the number of buckets for a block of n bytes: about 800 bytes of table
// per byte of the block, as far as that goes, and half of that for the lean mixer.
func tableLen(n, version int) int {
	if version == versionLean {
		return min(max(6*n, 1<<10), 3<<20)
	}
	return min(max(12*n, 1<<10), 6<<20)
}

// prefetch brings the buckets at the given indices into the cache.
func (t *table) prefetch(at []uint32) { prefetchLines(unsafe.Pointer(&t.buckets[0]), at) }

// find returns the slot of the context with the given check in bucket at. If it is not
// there, it takes the place of the one with the least evidence.
func (t *table) find(at uint32, check uint16) (*bucket, uint32) {
	b := &t.buckets[at]
	switch check {
	case b.check[0]:
		return b, 0
	case b.check[1]:
		return b, 1
	case b.check[2]:
		return b, 2
	}
	low := uint32(0)
	if b.slot[1][1] < b.slot[low][1] {
		low = 1
	}
	if b.slot[2][1] < b.slot[low][1] {
		low = 2
	}
	b.slot[low] = [16]uint8{}
	b.check[low] = check
	b.last[low] = 0
	return b, low
}
