package screen

import (
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// answerTime is how long a terminal may take to answer, from when it is asked, before it
// is taken for one that does not. Who was told to stop waits hurriedTime at most.
const (
	answerTime  = 2 * time.Second
	hurriedTime = 300 * time.Millisecond
)

// answers asks the terminal for its background, and keeps a program from ending
// while an answer may be on its way: the shell would take it for something typed.
// The last question is one that every terminal answers, in its turn.
type answers struct {
	tea.Model
	stopped <-chan struct{} // closed when there is no time to lose; nil for never
	asked   time.Time
	all     bool // nothing is on its way any more
	leaving bool
}

type (
	wantQuitMsg struct{} // stands for a tea.QuitMsg that came too early
	lateMsg     struct{} // the terminal has had its time
	goneMsg     struct{} // the terminal is no more
)

// hold is the filter of a program's messages.
func (a *answers) hold(_ tea.Model, msg tea.Msg) tea.Msg {
	if _, ok := msg.(tea.QuitMsg); ok && !a.all {
		return wantQuitMsg{}
	}
	return msg
}

func (a *answers) Init() tea.Cmd {
	a.asked = time.Now()
	return tea.Batch(a.Model.Init(), tea.Sequence(tea.RequestBackgroundColor, tea.Raw(ansi.RequestPrimaryDeviceAttributes)))
}

func (a *answers) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg.(type) {
	case wantQuitMsg:
		if a.leaving {
			return a, nil
		}
		a.leaving = true
		return a, a.late
	case goneMsg:
		a.all = true
		return a, tea.Quit
	case uv.PrimaryDeviceAttributesEvent, lateMsg:
		a.all = true
		if a.leaving {
			return a, tea.Quit
		}
		return a, nil
	}
	m, cmd := a.Model.Update(msg)
	a.Model = m
	return a, cmd
}

// late waits until no answer is to be expected any more.
func (a *answers) late() tea.Msg {
	select {
	case <-time.After(time.Until(a.asked.Add(answerTime))):
	case <-a.stopped:
		time.Sleep(min(hurriedTime, time.Until(a.asked.Add(answerTime))))
	}
	return lateMsg{}
}
