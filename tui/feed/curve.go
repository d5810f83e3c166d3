package feed

import "math"

// curveCap is the number of points a curve keeps: more than any screen is wide,
// and little to copy for each redraw.
const curveCap = 512

// Point is a place on the way through a file.
type Point struct {
	Bytes      int64 // original bytes done
	Compressed int64 // bytes on the compressed side
}

// Curve is the way of a job so far, in fixed memory: when it is full every
// second point goes and from then on half as many are taken.
type Curve struct {
	points []Point
	every  int64 // smallest distance in bytes between two points
}

// Add appends a point; points that do not advance are dropped.
func (c *Curve) Add(p Point) {
	if n := len(c.points); n > 0 {
		last := c.points[n-1]
		if p.Bytes < last.Bytes+max(1, c.every) || p.Compressed < last.Compressed {
			return
		}
	}
	if len(c.points) == curveCap {
		for i := range curveCap / 2 {
			c.points[i] = c.points[2*i+1]
		}
		c.points = c.points[:curveCap/2]
		c.every = (p.Bytes - c.points[0].Bytes) / (curveCap / 2)
	}
	c.points = append(c.points, p)
}

// Points returns a copy of the points.
func (c *Curve) Points() []Point { return append([]Point(nil), c.points...) }

// at interpolates the compressed bytes at an offset of the original.
func at(points []Point, end Point, x float64) float64 {
	prev := Point{}
	for _, p := range points {
		if float64(p.Bytes) >= x {
			return between(prev, p, x)
		}
		prev = p
	}
	return between(prev, end, x)
}

func between(a, b Point, x float64) float64 {
	if b.Bytes <= a.Bytes {
		return float64(b.Compressed)
	}
	f := (x - float64(a.Bytes)) / float64(b.Bytes-a.Bytes)
	return float64(a.Compressed) + min(1, f)*float64(b.Compressed-a.Compressed)
}

// end returns where the curve ends. The archive of a finished job has headers
// and an index, which belong to no part of the file: the last stretch is taken
// to have cost what those before it did.
func (s *Snapshot) end() Point {
	e := Point{s.Bytes, s.Compressed}
	if n := len(s.Curve); s.State == Done && n > 1 {
		last := s.Curve[n-1]
		e.Compressed = last.Compressed + (e.Bytes-last.Bytes)*last.Compressed/max(1, last.Bytes)
	}
	return e
}

// Stretches returns the BPC of n equal parts of a file of total bytes; NaN for
// those not reached yet. Where the total is not known (-1), the parts are those
// of what is done so far.
func (s *Snapshot) Stretches(n int) []float64 {
	out := make([]float64, n)
	total := s.Total
	if total <= 0 {
		total = s.Bytes
	}
	end := s.end()
	size := float64(total) / float64(n)
	for i := range out {
		a, b := size*float64(i), size*float64(i+1)
		b = min(b, float64(s.Bytes))
		// A sliver of a part would only show the coder's rounding to bytes.
		if total <= 0 || b-a < size/4 || b-a <= 0 || s.Compressed == 0 {
			out[i] = math.NaN()
			continue
		}
		out[i] = 8 * (at(s.Curve, end, b) - at(s.Curve, end, a)) / (b - a)
	}
	return out
}

// Running returns the BPC of everything up to each of n equal steps through the
// file, with the part of the file done at each (0 to 1); those not reached yet are
// left out.
func (s *Snapshot) Running(n int) (x, y []float64) {
	if s.Total <= 0 || s.Bytes == 0 || s.Compressed == 0 {
		return nil, nil
	}
	end := s.end()
	for i := 1; i <= n; i++ {
		f := float64(i) / float64(n)
		b := f * float64(s.Total)
		if b > float64(s.Bytes) {
			break
		}
		if v := at(s.Curve, end, b); v > 0 {
			x, y = append(x, f), append(y, 8*v/b)
		}
	}
	return x, y
}
