package session

import (
	"runtime"
	"strconv"
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	"charm.land/bubbles/v2/viewport"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// A dialog is a box over the screen that takes all keys.
type dialog interface {
	key(s *Session, k tea.KeyPressMsg) tea.Cmd
	paste(content string)
	// lines draws its inside, in lines of at most w cells and h lines.
	lines(t *theme.Theme, w, h int) []string
	title() string
}

// A pointed dialog takes the mouse, too: a click at a cell of its inside, and turns
// of the wheel, n lines down.
type pointed interface {
	click(s *Session, x, y int) tea.Cmd
	wheel(n int)
}

// prompt asks for a line of text.
type prompt struct {
	asks  string
	input textinput.Model
	done  func(s *Session, value string) tea.Cmd
	live  func(value string) // called for each change; may be nil
	first string
}

func newPrompt(title, value string, done func(*Session, string) tea.Cmd) *prompt {
	p := &prompt{asks: title, input: newInput(value), done: done, first: value}
	return p
}

func (p *prompt) title() string { return p.asks }

func (p *prompt) key(s *Session, k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "esc":
		if p.live != nil {
			p.live(p.first)
		}
		s.dialog = nil
		return nil
	case "enter":
		s.dialog = nil
		return p.done(s, p.input.Value())
	}
	p.input, _ = p.input.Update(k)
	if p.live != nil {
		p.live(p.input.Value())
	}
	return nil
}

func (p *prompt) paste(content string) {
	p.input, _ = p.input.Update(tea.PasteMsg{Content: content})
	if p.live != nil {
		p.live(p.input.Value())
	}
}

func (p *prompt) lines(t *theme.Theme, w, _ int) []string {
	return []string{inputLine(&p.input, w), "", t.Muted.Render(text.Cut("enter accepts, esc leaves", w))}
}

// newInput returns a line to type in. Its cursor does not blink: no redraws without a
// reason.
func newInput(value string) textinput.Model {
	input := textinput.New()
	input.Prompt = ""
	input.SetStyles(textinput.Styles{})
	input.SetValue(value)
	input.CursorEnd()
	input.Focus()
	return input
}

// inputLine draws what is typed, with a cursor, in w cells.
func inputLine(input *textinput.Model, w int) string {
	input.SetWidth(max(1, w-1))
	return text.Fit(input.View(), w)
}

// confirm asks a question.
type confirm struct {
	question string
	yes      func(*Session) tea.Cmd
	answers  int // the line they stand in
}

func (c *confirm) title() string { return "" }

func (c *confirm) key(s *Session, k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "y", "enter":
		s.dialog = nil
		return c.yes(s)
	case "n", "esc", "q":
		s.dialog = nil
	}
	return nil
}

func (c *confirm) paste(string) {}

func (c *confirm) click(s *Session, x, y int) tea.Cmd {
	switch {
	case y != c.answers:
		return nil
	case x < len("y yes"):
		return c.key(s, tea.KeyPressMsg{Code: 'y', Text: "y"})
	case x >= len("y yes   ") && x < len("y yes   n no"):
		s.dialog = nil
	}
	return nil
}

func (c *confirm) wheel(int) {}

func (c *confirm) lines(t *theme.Theme, w, _ int) []string {
	out := append(text.Wrap(text.Clean(c.question), w), "")
	c.answers = len(out)
	return append(out, t.Key.Render("y")+t.Muted.Render(" yes   ")+t.Key.Render("n")+t.Muted.Render(" no"))
}

// page shows text, and scrolls where there is more of it than room.
type page struct {
	head string
	body []string
	view viewport.Model
}

func (p *page) title() string { return p.head }

func (p *page) key(s *Session, k tea.KeyPressMsg) tea.Cmd {
	m := p.view.KeyMap
	if key.Matches(k, m.Up, m.Down, m.PageUp, m.PageDown, m.HalfPageUp, m.HalfPageDown) {
		p.view, _ = p.view.Update(k)
		return nil
	}
	s.dialog = nil
	return nil
}

func (p *page) paste(string) {}

func (p *page) click(s *Session, _, _ int) tea.Cmd {
	s.dialog = nil
	return nil
}

func (p *page) wheel(n int) { p.view.SetYOffset(p.view.YOffset() + n) }

func (p *page) lines(t *theme.Theme, w, h int) []string {
	room := max(1, h-2)
	if p.view.Width() != w || p.view.Height() != room {
		at := p.view.YOffset()
		p.view = viewport.New(viewport.WithWidth(w), viewport.WithHeight(room))
		p.view.SoftWrap = true // what has no spaces
		p.view.SetContent(ansi.Wordwrap(strings.Join(p.body, "\n"), w, ""))
		p.view.SetYOffset(at)
	}
	out := strings.Split(p.view.View(), "\n")
	hint := "any key closes"
	if n := p.view.TotalLineCount(); n > room {
		hint = "arrows scroll, any other key closes"
	} else {
		out = out[:min(len(out), n)]
	}
	return append(out, "", t.Muted.Render(text.Cut(hint, w)))
}

// item is a line of a checklist.
type item struct {
	name, note string
	on         bool
}

// checklist asks for some of many.
type checklist struct {
	asks  string
	items []item
	list  list
	done  func(s *Session, on []bool) tea.Cmd
}

func (c *checklist) title() string { return c.asks }

func (c *checklist) key(s *Session, k tea.KeyPressMsg) tea.Cmd {
	switch key := k.String(); key {
	case "space", "x":
		c.toggle()
	case "a":
		all := true
		for _, i := range c.items {
			all = all && i.on
		}
		for i := range c.items {
			c.items[i].on = !all
		}
	case "enter":
		s.dialog = nil
		on := make([]bool, len(c.items))
		for i := range on {
			on[i] = c.items[i].on
		}
		return c.done(s, on)
	case "esc", "q":
		s.dialog = nil
		return c.done(s, make([]bool, len(c.items)))
	default:
		c.list.key(key)
	}
	return nil
}

func (c *checklist) toggle() {
	if len(c.items) > 0 {
		c.items[c.list.cursor].on = !c.items[c.list.cursor].on
	}
}

func (c *checklist) paste(string) {}

func (c *checklist) click(_ *Session, _, y int) tea.Cmd {
	if i := c.list.click(y); i >= 0 {
		c.list.to(i)
		c.toggle()
	}
	return nil
}

func (c *checklist) wheel(n int) { c.list.move(n) }

func (c *checklist) lines(t *theme.Theme, w, h int) []string {
	c.list.resize(len(c.items), max(1, h-2))
	from, to := c.list.window()
	var out []string
	for i := from; i < to; i++ {
		mark := t.Faint.Render(t.Glyph.Unselected)
		if c.items[i].on {
			mark = t.Accent.Render(t.Glyph.Selected)
		}
		s := mark + " " + text.Fit(c.items[i].name, 14)
		if c.items[i].note != "" {
			s += " " + t.Muted.Render(c.items[i].note)
		}
		out = append(out, line(t, i == c.list.cursor, s, w))
	}
	return append(out, "", t.Muted.Render(text.Cut("space marks, a all, enter starts, esc leaves", w)))
}

// choice is an option with some values.
type choice struct {
	label  string
	names  []string
	at     int
	choose func(x *Settings, at int)
	scale  bool // from little to much: it ends at both ends
}

// labelWidth is the space for what is chosen, before the value.
const labelWidth = 16

// options asks for settings; changes hold at once.
type options struct {
	choices []choice
	list    list
}

func (o *options) title() string { return "Options for the next jobs" }

func (s *Session) openOptions() tea.Cmd {
	s.dialog = newOptions(s.settings, s.models.all)
	return nil
}

func newOptions(x Settings, models []Model) *options {
	o := &options{}
	model := choice{label: "model", choose: nil}
	var names []string
	for _, m := range models {
		if m.Where == Bundled || m.Where == Installed {
			if m.Name == x.Model {
				model.at = len(names)
			}
			names = append(names, m.Name)
		}
	}
	if len(names) > 0 {
		model.names = names
		model.choose = func(x *Settings, at int) { x.Model = names[at] }
		o.choices = append(o.choices, model)
	}
	number := func(label string, values []int, name func(int) string, field func(*Settings) *int) {
		c := choice{label: label, scale: true}
		for i, v := range values {
			if v == *field(&x) {
				c.at = i
			}
			c.names = append(c.names, name(v))
		}
		c.choose = func(x *Settings, at int) { *field(x) = values[at] }
		o.choices = append(o.choices, c)
	}
	auto := func(word string, name func(int) string) func(int) string {
		return func(v int) string {
			if v == 0 {
				return word
			}
			return name(v)
		}
	}
	number("block size", []int{0, 1 << 20, 4 << 20, 16 << 20, 64 << 20}, auto("usual for the model", func(n int) string { return text.Binary(int64(n)) }), func(x *Settings) *int { return &x.BlockSize })
	number("lanes", []int{0, 1, 4, 8, 16, 32}, auto("by the file's size", strconv.Itoa), func(x *Settings) *int { return &x.Lanes })
	threads := []int{0}
	for n := 1; n <= runtime.NumCPU(); n *= 2 {
		threads = append(threads, n)
	}
	number("threads", threads, auto("all cores", strconv.Itoa), func(x *Settings) *int { return &x.Threads })
	flag := func(label, off, on string, field func(*Settings) *bool) {
		c := choice{label: label, names: []string{off, on}}
		if *field(&x) {
			c.at = 1
		}
		c.choose = func(x *Settings, at int) { *field(x) = at == 1 }
		o.choices = append(o.choices, c)
	}
	flag("mixing", "on", "off: the bare model", func(x *Settings) *bool { return &x.NoMix })
	flag("verify", "where it is needed", "always", func(x *Settings) *bool { return &x.Verify })
	flag("source", "kept", "removed once verified", func(x *Settings) *bool { return &x.Remove })
	flag("existing output", "kept: an error", "overwritten", func(x *Settings) *bool { return &x.Force })
	o.list.resize(len(o.choices), len(o.choices))
	return o
}

func (o *options) key(s *Session, k tea.KeyPressMsg) tea.Cmd {
	d := 0
	switch key := k.String(); key {
	case "right", "l", "space":
		d = 1
	case "left", "h":
		d = -1
	case "enter", "esc", "q", "o":
		s.dialog = nil
	default:
		o.list.key(key)
	}
	o.turn(s, d)
	return nil
}

// turn chooses the value d places on.
func (o *options) turn(s *Session, d int) {
	if c := &o.choices[o.list.cursor]; d != 0 {
		c.turn(d)
		c.choose(&s.settings, c.at)
	}
}

func (c *choice) turn(d int) {
	if c.scale {
		c.at = max(0, min(len(c.names)-1, c.at+d))
		return
	}
	c.at = (c.at + d + len(c.names)) % len(c.names)
}

// draw writes the value, with arrows that lead on where it can be changed.
func (c *choice) draw(t *theme.Theme, chosen bool) string {
	value := c.names[c.at]
	if !chosen {
		return "  " + value
	}
	arrow := func(s string, end bool) string {
		if c.scale && end {
			return t.Faint.Render(s)
		}
		return t.Accent.Render(s)
	}
	return arrow("< ", c.at == 0) + t.Strong.Render(value) + arrow(" >", c.at == len(c.names)-1)
}

// clicked returns which way a click at a column leads, where the value begins at that of
// a line: back on its left arrow.
func clicked(x, value int) int {
	if x >= value && x < value+2 {
		return -1
	}
	return 1
}

func (o *options) paste(string) {}

// A click chooses a line; one on the chosen line, its next value, or the one before.
func (o *options) click(s *Session, x, y int) tea.Cmd {
	switch i := o.list.click(y); i {
	case -1:
	case o.list.cursor:
		o.turn(s, clicked(x, 2+labelWidth))
	default:
		o.list.to(i)
	}
	return nil
}

func (o *options) wheel(n int) { o.list.move(n) }

func (o *options) lines(t *theme.Theme, w, h int) []string {
	o.list.resize(len(o.choices), max(1, h-2))
	from, to := o.list.window()
	var out []string
	for i := from; i < to; i++ {
		c := o.choices[i]
		out = append(out, line(t, i == o.list.cursor, t.Muted.Render(text.Fit(c.label, labelWidth))+c.draw(t, i == o.list.cursor), w))
	}
	return append(out, "", t.Muted.Render(text.Cut("left and right change, enter closes", w)))
}

func (s *Session) openHelp() tea.Cmd {
	s.dialog = &page{head: "Keys", body: helpLines(s.t, s.bindings(), s.global())}
	return nil
}

// inside draws what is in a dialog's box over the middle of a screen; x and y are
// where that begins. It is nil where the screen is too small.
func inside(t *theme.Theme, d dialog, w, h int) (body []string, inner, x, y int) {
	if w < 12 || h < 5 {
		return nil, 0, 0, 0
	}
	inner = min(72, w-6)
	body = d.lines(t, inner, h-4)
	body = body[:min(len(body), h-4)]
	return body, inner, (w - inner) / 2, max(0, (h-len(body)-2)/2) + 1
}

// over lays a dialog's box over the middle of a screen.
func over(t *theme.Theme, screen []string, d dialog, w, h int) []string {
	body, inner, x, y := inside(t, d, w, h)
	if body == nil {
		return screen
	}
	x, y = x-2, y-1
	box := boxed(t, d.title(), body, inner)
	out := append([]string(nil), screen...)
	for i, l := range box {
		if y+i >= len(out) {
			break
		}
		row := out[y+i]
		out[y+i] = text.Fit(ansi.Cut(row, 0, x), x) + l + ansi.Cut(row, x+inner+4, w)
	}
	return out
}

// boxed draws a frame around lines of inner cells.
func boxed(t *theme.Theme, title string, body []string, inner int) []string {
	c := [4]string{"╭", "╮", "╰", "╯"}
	switch t.Glyphs {
	case theme.ASCII:
		c = [4]string{"+", "+", "+", "+"}
	case theme.Block:
		c = [4]string{"┌", "┐", "└", "┘"}
	}
	h, v := t.Glyph.Horizontal, t.Faint.Render(t.Glyph.Vertical)
	top := t.Faint.Render(c[0] + strings.Repeat(h, inner+2) + c[1])
	if title != "" {
		title = text.CutMiddle(title, inner-4)
		top = t.Faint.Render(c[0]+h) + " " + t.Title.Render(title) + " " + t.Faint.Render(strings.Repeat(h, max(0, inner-1-text.Width(title)))+c[1])
	}
	out := []string{top}
	for _, l := range body {
		out = append(out, v+" "+text.Fit(l, inner)+" "+v)
	}
	return append(out, t.Faint.Render(c[2]+strings.Repeat(h, inner+2)+c[3]))
}
