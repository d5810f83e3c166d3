package text

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Count returns n with a comma between groups of three digits.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Bytes returns n with three significant digits and a decimal unit ("10.8 kB").
func Bytes(n int64) string {
	if n < 0 {
		return "-" + Bytes(-n)
	}
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return scaled(float64(n), "B")
}

// Binary returns n with a binary unit ("16 MiB"), for what comes in powers of two:
// memory and blocks.
func Binary(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 || v == float64(int64(v)) {
		return fmt.Sprintf("%.0f %s", v, units[i])
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// Rate returns bytes per second in the same way ("24.1 kB/s").
func Rate(bps float64) string {
	switch {
	case math.IsNaN(bps) || math.IsInf(bps, 0) || bps <= 0:
		return "-"
	case bps < 9.95:
		return strconv.FormatFloat(bps, 'f', 1, 64) + " B/s"
	case bps < 999.5:
		return strconv.FormatFloat(bps, 'f', 0, 64) + " B/s"
	}
	return scaled(bps, "B/s")
}

func scaled(v float64, unit string) string {
	prefix := []string{"", "k", "M", "G", "T", "P", "E"}
	i := 0
	// 999.5 would be rounded up to four digits.
	for v >= 999.5 && i < len(prefix)-1 {
		v /= 1000
		i++
	}
	digits := 2
	switch {
	case v >= 99.95:
		digits = 0
	case v >= 9.995:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + prefix[i] + unit
}

// Params returns a number of parameters ("4.30 M").
func Params(n int64) string {
	if n <= 0 {
		return "-"
	}
	if n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	s := scaled(float64(n), "")
	return s
}

// Clock returns a duration as a clock shows it: "0:07", "12:04", "3:05:09".
func Clock(d time.Duration) string {
	if d < 0 {
		return "-:--"
	}
	s := int64(d.Round(time.Second) / time.Second)
	h, m := s/3600, s/60%60
	if h >= 100 {
		return fmt.Sprintf("%dd%02dh", h/24, h%24)
	}
	if h > 0 {
		return fmt.Sprintf("%d:%02d:%02d", h, m, s%60)
	}
	return fmt.Sprintf("%d:%02d", m, s%60)
}

// Seconds returns a duration for a result: "2 ms", "0.21 s", "14.2 s", "3:05".
func Seconds(d time.Duration) string {
	s := d.Seconds()
	switch {
	case s < 0:
		return "-"
	case s > 0 && s < 0.0995:
		return strconv.FormatFloat(max(1, s*1000), 'f', 0, 64) + " ms"
	case s < 9.995:
		return strconv.FormatFloat(s, 'f', 2, 64) + " s"
	case s < 99.95:
		return strconv.FormatFloat(s, 'f', 1, 64) + " s"
	}
	return Clock(d)
}

// Fixed returns v with the given number of decimals, "-" for what is not a
// number or is not known yet (0).
func Fixed(v float64, decimals int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) || v <= 0 {
		return "-"
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// Ratio returns a compression ratio ("4.10x").
func Ratio(v float64) string {
	if s := Fixed(v, 2); s != "-" {
		return s + "x"
	}
	return "-"
}

// Percent returns a fraction as a whole percentage; 100% only when nothing is
// left to do.
func Percent(f float64) string {
	if math.IsNaN(f) || f < 0 {
		return "-"
	}
	if f >= 1 {
		return "100%"
	}
	return strconv.Itoa(min(99, int(f*100))) + "%"
}

// Shares returns values as percentages in tenths of a percent that add up to
// exactly 1000, by giving what rounding left over to the largest remainders. All
// are 0 where the sum is.
func Shares(values []float64) []int { return Apportion(values, 1000) }

// Apportion divides total among values in proportion to them, in whole parts
// that add up to it.
func Apportion(values []float64, total int) []int {
	out := make([]int, len(values))
	sum := 0.0
	for _, v := range values {
		if v > 0 {
			sum += v
		}
	}
	if sum <= 0 || total <= 0 {
		return out
	}
	rem := make([]float64, len(values))
	left := total
	for i, v := range values {
		if v <= 0 {
			rem[i] = -1
			continue
		}
		x := v / sum * float64(total)
		out[i] = int(x)
		rem[i] = x - float64(out[i])
		left -= out[i]
	}
	for ; left > 0; left-- {
		best := 0
		for i := range rem {
			if rem[i] > rem[best] {
				best = i
			}
		}
		out[best]++
		rem[best] = -0.5
	}
	return out
}
