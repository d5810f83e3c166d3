package archive

import (
	"bytes"
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

func TestSums(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 4095, 4096, 4097, 100_000} {
		p := make([]byte, size)
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		z, err := newSums(bytes.NewReader(p), int64(size))
		if err != nil {
			t.Fatal(err)
		}
		for range 300 {
			a := r.IntN(size + 1)
			b := a + r.IntN(size-a+1)
			crc := r.Uint32()
			want := crc32.Update(crc, castagnoli, p[a:b])
			if got, err := z.checksum(crc, int64(a), int64(b-a)); err != nil || got != want {
				t.Fatalf("%d to %d of %d: %08x, want %08x (%v)", a, b, size, got, want, err)
			}
			if got, err := z.continued(want, int64(a), int64(b-a)); err != nil || got != crc {
				t.Fatalf("%d to %d of %d: %08x before it, want %08x (%v)", a, b, size, got, crc, err)
			}
			n, end := 1+r.IntN(size/2+1), a
			for left := n; left > 0; end++ {
				if end == size {
					end = -1
					break
				}
				if p[end] < 0x80 {
					left--
				}
			}
			got, ok, err := z.skip(int64(a), int64(n))
			if err != nil || ok != (end >= 0) || ok && got != int64(end) {
				t.Fatalf("%d numbers from %d of %d: %d, %v (%v), want %d", n, a, size, got, ok, err, end)
			}
		}
	}
}
