package theme

import (
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// With 256 colours a tone keeps being a colour: the nearest one that a conversion
// finds may be a grey.
func TestTonesStayColoursWith256(t *testing.T) {
	all := append([]tone{toneAccent, toneGood, toneWarn, toneBad, toneBrand}, seriesTones[:7]...)
	for i, s := range stageTones {
		if i != len(stageTones)-1 {
			all = append(all, s)
		}
	}
	for _, s := range all {
		for _, hex := range []string{s.dark, s.light} {
			c, ok := colorprofile.ANSI256.Convert(lipgloss.Color(hex)).(ansi.IndexedColor)
			r, g, b, _ := c.RGBA()
			if lo, hi := min(r, g, b), max(r, g, b); !ok || hi-lo < 0x4000 {
				t.Errorf("%s becomes the grey %v", hex, c)
			}
		}
	}
	for _, scale := range [][HeatLevels]string{HeatDark, HeatLight} {
		for _, hex := range scale[4:] {
			c := colorprofile.ANSI256.Convert(lipgloss.Color(hex)).(ansi.IndexedColor)
			if r, g, b, _ := c.RGBA(); max(r, g, b)-min(r, g, b) < 0x4000 {
				t.Errorf("heat %s becomes the grey %v", hex, c)
			}
		}
	}
}
