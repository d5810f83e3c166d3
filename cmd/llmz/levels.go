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
	{model: "gru", repeats: "lstm", about: "the large network: the default"},
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
smallest with a model of yours.

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
		if levels[first].rich {
			mixer = "rich"
		}
		s += text.Fit("  "+name, 12) + text.Fit("-m "+levels[first].model, 10) + text.Fit(mixer, 6) + levels[first].about + "\n"
		first = last
	}
	return s + `
Where much of a file comes again, as in archives of documents, logs and dumps, -6 takes
the small network in a single lane: the file is smaller then, and done sooner. With -m gru
it is the large one.

--fast is -1 and --best is -9. Steps that are the same today are kept for what may
come between them: archives of today decode then, too.`
}
