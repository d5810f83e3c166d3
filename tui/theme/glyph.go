package theme

// Level is a step of the ladder of characters that a terminal's font has.
type Level int

// The levels. ASCII is the zero value: it works everywhere.
const (
	ASCII   Level = iota
	Block         // block elements and box drawing, as in most console fonts
	Braille       // braille patterns too: curves with 2 × 4 dots a cell
)

// Glyphs are the characters that the views draw with.
type Glyphs struct {
	Level      Level
	Full       string   // a filled cell of a bar
	Empty      string   // an empty cell of a bar
	Length     string   // of lines that compare sizes
	Parts      []string // a cell filled by 1/n, 2/n, … from the left
	Spark      []string // a cell filled from below, lowest first
	Stages     []string // cells of stages, in bars that must do without colours
	Marks      []string // points of series
	Horizontal string
	Vertical   string
	Corner     string // of the two axes
	Tick       string // on the vertical axis
	Cursor     string
	Selected   string
	Unselected string
	Done       string
	Failed     string
	Waiting    string
	Paused     string
	Missing    string
	Arrow      string
	Dot        string // between facts on a line
	Medals     []string
	Newline    string // a line end in the heat-map
	Control    string // an unprintable byte there
}

var glyphs = [...]Glyphs{
	ASCII: {
		Level: ASCII, Full: "#", Empty: ".", Length: "=", Spark: []string{"_", ".", "-", "=", "+", "*", "#"},
		Stages:     []string{"i", "u", "m", "c", "t", "r", "w", "o"},
		Marks:      []string{"*", "+", "o", "x", "%", "@", "=", "&"},
		Horizontal: "-", Vertical: "|", Corner: "+", Tick: "+", Cursor: ">",
		Selected: "[x]", Unselected: "[ ]", Done: "ok", Failed: "!!", Waiting: "..", Paused: "||", Missing: "??",
		Arrow: "->", Dot: "-", Medals: []string{"1st", "2nd", "3rd"}, Newline: "$", Control: ".",
	},
	Block: {
		Level: Block, Full: "█", Empty: "░", Length: "■", Parts: []string{"▌"}, Spark: []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
		Stages:     []string{"█", "▓", "▒", "░", "=", "+", "-", "."},
		Marks:      []string{"■", "▲", "●", "♦", "+", "x", "o", "*"},
		Horizontal: "─", Vertical: "│", Corner: "└", Tick: "┤", Cursor: "►",
		Selected: "[√]", Unselected: "[ ]", Done: "√", Failed: "×", Waiting: "·", Paused: "║", Missing: "?",
		Arrow: "→", Dot: "·", Medals: []string{"1st", "2nd", "3rd"}, Newline: "¶", Control: "·",
	},
	Braille: {
		Level: Braille, Full: "█", Empty: "░", Length: "━", Parts: []string{"▏", "▎", "▍", "▌", "▋", "▊", "▉"},
		Spark:      []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
		Stages:     []string{"█", "▓", "▒", "░", "▚", "▞", "▖", "·"},
		Marks:      []string{"●", "▲", "■", "◆", "○", "△", "□", "◇"},
		Horizontal: "─", Vertical: "│", Corner: "└", Tick: "┤", Cursor: "▸",
		Selected: "◉", Unselected: "○", Done: "✓", Failed: "✗", Waiting: "·", Paused: "║", Missing: "?",
		Arrow: "→", Dot: "·", Medals: []string{"1st", "2nd", "3rd"}, Newline: "↵", Control: "·",
	},
}
