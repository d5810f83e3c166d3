package main

import (
	"strconv"

	"github.com/spf13/pflag"

	"github.com/llmz/llmz/tui/text"
)

// A level is what one of -1 to -9 stands for. It never depends on what is
// installed, so that a level gives the same bytes everywhere.
type level struct {
	model string
	rich  bool   // the rich mixer
	lean  bool   // the model wants the lean mixer (predict.Preferences)
	about string // empty: the same as the level before
	// repeats is the model for content in which much comes again; empty: the same.
	repeats string
}

// levels are those from -1 on. A richer model or mixer gets a step of its own.
var levels = [9]level{
	{model: noModel, about: "context mixing without a network: the fastest"},
	{model: noModel, rich: true, about: "the same, from many more contexts"},
	{model: noModel, rich: true},
	{model: "lstm", about: "the small network"},
	{model: "lstm", rich: true, about: "the same, with the rich mixer"},
	{model: "gru", lean: true, repeats: "lstm", about: "the large network: the default"},
	{model: "gru", rich: true, about: "the same, with the rich mixer"},
	{model: "gpt", rich: true, about: "a small GPT, with the rich mixer: the smallest on text"},
	{model: "gpt", rich: true},
}

// The levels that have names.
const (
	fastLevel    = 1
	defaultLevel = 6
	bestLevel    = len(levels)
)

// addLevels declares -1 to -9, --fast and --best; the last of them wins.
func (o *codecOptions) addLevels(fs *pflag.FlagSet) {
	set := func(n int) func() { return func() { o.level = n } }
	addSetter(fs, "fast", "", "the fastest level, -1", set(fastLevel))
	addSetter(fs, "best", "", "the smallest level, -9; a level is a model and a mixer by one\nnumber from -1 to -9 (default -6): llmz help levels", set(bestLevel))
	for n := 1; n <= len(levels); n++ {
		digit := strconv.Itoa(n)
		addSetter(fs, "level-"+digit, digit, "", set(n))
		fs.Lookup("level-" + digit).Hidden = true
	}
}

// levelsHelp is the ladder as "llmz help levels" shows it.
func levelsHelp() string {
	s := `A level chooses model and mixer by one number. It gives the same bytes on every
machine, whatever models are installed there. -m wins over its model, not over its
mixer: -7 -m lstm is the small network with the rich mixer, and -9 -m MODEL the
smallest with a model of yours. At levels without the rich mixer, large networks have
the lean one, which reads text in fewer contexts, and all other models the fast one.

`
	s += text.Fit("  level", 12) + text.Fit("model", 10) + "mixer\n"
	for first := 0; first < len(levels); {
		last := first + 1
		for last < len(levels) && levels[last].about == "" {
			last++
		}
		name := "-" + strconv.Itoa(first+1)
		if last > first+1 {
			name += " to -" + strconv.Itoa(last)
		}
		mixer := "fast"
		switch l := levels[first]; {
		case l.rich:
			mixer = "rich"
		case l.lean:
			mixer = "lean"
		}
		s += text.Fit("  "+name, 12) + text.Fit("-m "+levels[first].model, 10) + text.Fit(mixer, 6) + levels[first].about + "\n"
		first = last
	}
	return s + `
Where much of a file comes again, as in archives of documents, logs and dumps, -6 takes
the small network in a single lane, with the fast mixer: that takes half the time. With
-m gru it is the large one, which makes 1 to 10% less of such files.

--fast is -1 and --best is -9. Steps that are the same today are kept for what may
come between them: archives of today decode then, too.`
}
