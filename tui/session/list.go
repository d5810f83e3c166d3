package session

// list is a cursor over n lines with a window of them on the screen.
type list struct{ n, cursor, top, height int }

// resize says how many lines there are and how many of them can be seen.
func (l *list) resize(n, height int) {
	l.n, l.height = n, max(1, height)
	l.move(0)
}

// move moves the cursor by d lines.
func (l *list) move(d int) { l.to(l.cursor + d) }

// to puts the cursor on line i, and the window around it.
func (l *list) to(i int) {
	l.cursor = max(0, min(l.n-1, i))
	l.top = min(l.top, l.cursor)
	l.top = max(l.top, l.cursor-l.height+1)
	l.top = max(0, min(l.top, l.n-l.height))
}

// window returns the lines to draw.
func (l *list) window() (from, to int) { return l.top, min(l.n, l.top+l.height) }

// key moves the cursor for the keys that all lists share, and tells whether it
// was one.
func (l *list) key(k string) bool {
	switch k {
	case "up", "k":
		l.move(-1)
	case "down", "j":
		l.move(1)
	case "pgup", "ctrl+b":
		l.move(-l.height)
	case "pgdown", "ctrl+f":
		l.move(l.height)
	case "home", "g":
		l.to(0)
	case "end", "G":
		l.to(l.n - 1)
	default:
		return false
	}
	return true
}

// click returns the line at row y of the list's part of the screen, -1 for none.
func (l *list) click(y int) int {
	if i := l.top + y; y >= 0 && y < l.height && i < l.n {
		return i
	}
	return -1
}
