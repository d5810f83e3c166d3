package theme

import (
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// HeatLevels is the number of steps of the heat scale.
const HeatLevels = 10

// HeatFrom holds the cost in bits at which each step of the heat scale begins.
// The steps are about as many times dearer as the eye needs to tell them apart.
var HeatFrom = [HeatLevels]float64{0, 0.1, 0.3, 0.7, 1.5, 2.5, 4, 6, 8, 11}

// HeatDark and HeatLight are the backgrounds of the scale; the first step has
// none.
var (
	HeatDark = [HeatLevels]string{
		"", "#12312c", "#16473c", "#2c5a2e", "#5b6120", "#836017", "#a15216", "#b73d22", "#ca1b2b", "#e11d6f",
	}
	HeatLight = [HeatLevels]string{
		"", "#e4f5ef", "#c9ecdb", "#d9eeb2", "#f4ea98", "#fbd77c", "#fbbb70", "#f8966a", "#f36c6c", "#e84a86",
	}
)

// HeatLevel returns the step of the scale for a cost in bits.
func HeatLevel(bits float64) int {
	for i := HeatLevels - 1; i > 0; i-- {
		if bits >= HeatFrom[i] {
			return i
		}
	}
	return 0
}

// Heat returns the style for a step of the scale.
func (t *Theme) Heat(level int) Style { return t.heat[level] }

// Without colours, weight takes their place: faint, plain, underlined, bold,
// reversed.
var heatAttrs = [HeatLevels]attr{
	attrFaint, attrFaint, 0, 0, attrUnderline, attrUnderline, attrBold, attrBold, attrBold | attrReverse, attrBold | attrReverse,
}

var heatBasic = [HeatLevels]struct {
	fg int
	a  attr
}{
	{-1, attrFaint}, {-1, attrFaint}, {2, 0}, {2, 0}, {6, 0}, {3, 0}, {3, attrBold}, {1, 0}, {1, attrReverse}, {5, attrReverse},
}

func (t *Theme) initHeat() {
	for i := range t.heat {
		switch {
		case t.Profile < colorprofile.ANSI:
			t.heat[i] = t.style(nil, nil, heatAttrs[i])
		case t.Profile == colorprofile.ANSI:
			if h := heatBasic[i]; h.fg < 0 {
				t.heat[i] = t.style(nil, nil, h.a)
			} else {
				t.heat[i] = t.style(ansi.BasicColor(h.fg), nil, h.a)
			}
		case i == 0:
			t.heat[i] = t.Muted
		case t.Dark:
			t.heat[i] = t.style(lipgloss.Color("#f1f5f9"), lipgloss.Color(HeatDark[i]), 0)
		default:
			t.heat[i] = t.style(lipgloss.Color("#0f172a"), lipgloss.Color(HeatLight[i]), 0)
		}
	}
}
