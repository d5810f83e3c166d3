package rich

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/llmz/llmz/engine/content"
)

// allKinds are segments of each kind, with parameters that a damaged archive may have, too.
var allKinds = []content.Segment{
	{Kind: content.Plain}, {Kind: content.Text}, {Kind: content.Table, Step: ','}, {Kind: content.Log},
	{Kind: content.Records, Width: 1}, {Kind: content.Records, Width: content.MaxWidth},
	{Kind: content.Numbers, Step: 4}, {Kind: content.Numbers, Width: 12, Step: 4}, {Kind: content.Numbers, Step: 2}, {Kind: content.Numbers, Width: 1, Step: 8},
	{Kind: content.Image1, Width: 5}, {Kind: content.Image1, Width: 1}, {Kind: content.Image1, Width: content.MaxWidth},
	{Kind: content.Image8, Width: 20}, {Kind: content.Image8, Width: 1}, {Kind: content.Image24, Width: 30, Step: 3},
	{Kind: content.Image24, Width: 1, Step: 4}, {Kind: content.Image24, Width: 7, Step: 3},
	{Kind: content.Audio, Width: 4, Step: 2}, {Kind: content.Audio, Width: 1, Step: 2}, {Kind: content.Audio, Width: 3, Step: 1}, {Kind: content.Audio, Width: 50, Step: 2},
	{Kind: content.X86, Step: 8}, {Kind: content.ARM}, {Kind: content.ARM64, Width: 4000}, {Kind: content.Code, Step: 2},
}

// cycle lays segments of all kinds after one another until n bytes are full.
func cycle(n, each int) (p content.Plan) {
	for i := 0; n > 0; i++ {
		s := allKinds[i%len(allKinds)]
		s.Len = min(each+i%7, n)
		n -= s.Len
		p = append(p, s)
	}
	return p
}

// waves is data that all kinds find something in: numbers that grow, noise, zeros.
func waves(n int) []byte {
	r := rand.New(rand.NewPCG(1, 9))
	var b []byte
	for i := 0; len(b) < n; i++ {
		b = binary.LittleEndian.AppendUint16(b, uint16(3000*math.Sin(float64(i)/9)))
		b = append(b, byte(i>>3), byte(r.IntN(4)), 0)
	}
	return b[:n]
}

func TestKindsRoundTrip(t *testing.T) {
	data := waves(1500)
	for _, s := range allKinds {
		s.Len = len(data)
		roundTrip(t, data, Config{Lanes: 1, Plan: content.Plan{s}})
		roundTrip(t, data, Config{Lanes: 3, Plan: content.Plan{s}, Model: true, Stretches: true})
	}
	roundTrip(t, data, Config{Lanes: 1, Plan: cycle(len(data), 40)})
	roundTrip(t, data, Config{Lanes: 3, Plan: cycle(len(data), 40), Model: true, Stretches: true})
}

// bitCost codes data and adds up what that costs, in bytes.
func bitCost(t *testing.T, data []byte, s content.Segment) float64 {
	t.Helper()
	s.Len = len(data)
	c := &bitTape{}
	runBlock(t, c, Config{BlockLen: len(data), Lanes: 1, Plan: content.Plan{s}}, data)
	sum := 0.0
	for i, p := range c.p {
		q := float64(p) / 65536
		if c.bits[i] == 0 {
			q = 1 - q
		}
		sum -= math.Log2(q)
	}
	return sum / 8
}

// TestKindsPay says how much smaller content gets where its kind is known.
func TestKindsPay(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	page := make([]byte, 100*120)
	for i := range 8 * len(page) {
		x, y := i%800, i/800
		if dx, dy := x%190-95+r.IntN(2), y%130-65; dx*dx+2*dy*dy > 2500 && dx*dx+2*dy*dy < 3600 {
			page[i/8] |= 0x80 >> (i & 7)
		}
	}
	var grey, colours, sound, floats []byte
	for i := range 9000 {
		x, y := float64(i%100), float64(i/100)
		v := 120 + 60*math.Sin(x/13)*math.Cos(y/7) + 2*r.NormFloat64()
		grey = append(grey, byte(v))
		colours = append(colours, byte(v), byte(v/2+40), byte(250-v))
		a := 9000*math.Sin(float64(i)/7) + 3000*math.Sin(float64(i)/3.3)
		sound = binary.BigEndian.AppendUint16(sound, uint16(int16(a+8*r.NormFloat64())))
		sound = binary.BigEndian.AppendUint16(sound, uint16(int16(a/2+8*r.NormFloat64())))
		floats = binary.BigEndian.AppendUint32(floats, math.Float32bits(float32(a+100*r.NormFloat64()))&^0xff)
	}
	for _, c := range []struct {
		name string
		data []byte
		s    content.Segment
		part float64 // of the size with nothing known
	}{
		{"page", page, content.Segment{Kind: content.Image1, Width: 100}, 0.8},
		{"grey", grey, content.Segment{Kind: content.Image8, Width: 100}, 0.92},
		{"colours", colours[:12000], content.Segment{Kind: content.Image24, Width: 300, Step: 3}, 0.92},
		{"sound", sound[:16000], content.Segment{Kind: content.Audio, Width: 4, Step: 2}, 0.88},
		{"floats", floats[:12000], content.Segment{Kind: content.Numbers, Step: 4, BigEndian: true}, 0.97},
	} {
		plain, known := bitCost(t, c.data, content.Segment{}), bitCost(t, c.data, c.s)
		t.Logf("%s: %d bytes, %.0f where nothing is known, %.0f as %v", c.name, len(c.data), plain, known, c.s.Kind)
		if known > plain*c.part {
			t.Errorf("%s: %.0f bytes as %v, want at most %.2f of %.0f", c.name, known, c.s.Kind, c.part, plain)
		}
	}
}

// TestForecasts is about what no context has seen before: counters, and records with them.
func TestForecasts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	var counters, tagged []byte
	for i := range 700 {
		counters = binary.LittleEndian.AppendUint16(counters, uint16(500+37*i))
		counters = binary.BigEndian.AppendUint16(counters, uint16(100+11*i))
		counters = append(counters, 1, 0, 0, byte(r.IntN(3)))
	}
	for i := range 600 {
		for col, size := range []int{10, 14, 6} {
			tagged = binary.LittleEndian.AppendUint16(tagged, uint16(0x27e+col))
			tagged = binary.LittleEndian.AppendUint16(tagged, uint16(size))
			rec := make([]byte, size)
			binary.LittleEndian.PutUint16(rec, uint16(i))
			binary.LittleEndian.PutUint16(rec[2:], uint16(col))
			binary.LittleEndian.PutUint16(rec[4:], uint16(i*5+700))
			tagged = append(tagged, rec...)
		}
	}
	for name, c := range map[string]struct {
		data []byte
		rows float64
		most float64 // bits a row
	}{
		"counters": {counters, 700, 5}, "tagged records": {tagged, 600, 5},
	} {
		if got := bitCost(t, c.data, content.Segment{}) * 8 / c.rows; got > c.most {
			t.Errorf("%s: %.1f bits a row, want at most %.1f", name, got, c.most)
		} else {
			t.Logf("%s: %.1f bits a row", name, got)
		}
	}
}

func TestSetMemory(t *testing.T) {
	for _, lanes := range []int{1, 4} {
		cfg := Config{BlockLen: 6000, Lanes: lanes, Plan: cycle(6000, 50), History: waves(6000)}
		checkMemory(t, cfg)
	}
}
