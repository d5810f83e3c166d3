package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// thousands writes n with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// perSecond writes a speed as a plain number: nothing was measured to hundredths of a
// byte per second.
func perSecond(x float64) string {
	if x < 100 {
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}

// grouped returns a whole number with commas, and everything else as it is.
func grouped(s string) string {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return thousands(n)
	}
	return s
}

// size writes a number of bytes for people: "84.2 MB".
func size(n int64) string {
	switch {
	case n <= 0:
		return "-"
	case n < 1e6:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}

// seconds writes a time for people, with three significant digits.
func seconds(s float64) string {
	switch {
	case s <= 0:
		return "-"
	case s < 1e-3:
		return digits(s*1e6) + " µs"
	case s < 1:
		return digits(s*1e3) + " ms"
	}
	return digits(s) + " s"
}

// digits writes x > 0 with three significant digits and no exponent.
func digits(x float64) string {
	switch {
	case x >= 99.95:
		return fmt.Sprintf("%.0f", x)
	case x >= 9.995:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// spread writes a summary as hyperfine does: mean ± deviation.
func spread(s Summary) string {
	switch s.Runs {
	case 0:
		return "-"
	case 1:
		return seconds(s.Mean) + " (1 run)"
	}
	out := fmt.Sprintf("%s ± %s (%d)", seconds(s.Mean), strings.Replace(seconds(s.SD), "-", "0 s", 1), s.Runs)
	if s.Outliers > 0 {
		out += " !"
	}
	return out
}

// speed writes a speed for people, with three significant digits: "51.9 kB/s".
func speed(bytesPerSecond float64) string {
	if bytesPerSecond <= 0 {
		return "-"
	}
	units := []string{"B/s", "kB/s", "MB/s", "GB/s"}
	i := 0
	for bytesPerSecond >= 999.5 && i < len(units)-1 {
		bytesPerSecond, i = bytesPerSecond/1e3, i+1
	}
	return digits(bytesPerSecond) + " " + units[i]
}
