// Package lanes cuts what is coded into lanes: contiguous parts that differ in length
// by at most one, longer ones first, and advance side by side, so that the lanes active
// in a step are always the first ones. It is a part of the format.
package lanes

// A Cut is a number of symbols that are cut into lanes, at least one.
type Cut struct{ Symbols, Lanes int }

// Len returns the number of symbols in a lane.
func (c Cut) Len(lane int) int {
	n := c.Symbols / c.Lanes
	if lane < c.Symbols%c.Lanes {
		n++
	}
	return n
}

// Start returns the number of symbols in the lanes before.
func (c Cut) Start(lane int) int {
	return lane*(c.Symbols/c.Lanes) + min(lane, c.Symbols%c.Lanes)
}

// Steps returns the length of the longest lane.
func (c Cut) Steps() int { return (c.Symbols + c.Lanes - 1) / c.Lanes }

// Active returns the number of lanes that have a symbol in a step before the last.
func (c Cut) Active(step int) int {
	if step < c.Symbols/c.Lanes {
		return c.Lanes
	}
	return c.Symbols % c.Lanes
}

// Split returns the lanes of symbols.
func Split[T any](symbols []T, lanes int) [][]T {
	c := Cut{len(symbols), lanes}
	parts := make([][]T, lanes)
	for i := range parts {
		at := c.Start(i)
		end := at + c.Len(i)
		parts[i] = symbols[at:end:end]
	}
	return parts
}
