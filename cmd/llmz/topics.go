package main

import (
	"maps"
	"slices"
	"strings"
)

// topics are what help explains besides commands.
var topics = map[string]struct {
	about string
	text  func() string
}{
	"environment": {"the variables that llmz reads, and its configuration file", func() string { return settingsHelp() + environmentHelp }},
	"levels":      {"what -1 to -9 stand for", levelsHelp},
}

func topicNames() []string { return slices.Sorted(maps.Keys(topics)) }

const environmentHelp = `

Models and data
  LLMZ_DATA_DIR    where models, the session's history and the llama.cpp
                   libraries are kept (default: "llmz" in XDG_DATA_HOME;
                   libraries in the user's cache folder)
  LLMZ_LLAMA_LIB   a folder of llama.cpp libraries to use instead of those
  HF_ENDPOINT      another hub to pull models from
  HF_TOKEN         a token for models that need one
  HTTPS_PROXY      and HTTP_PROXY, NO_PROXY: a proxy for downloads

Speed
  LLMZ_KERNEL      the most to use of the processor's vector instructions:
                   generic, avx2, avxvnni, avx512vnni, neon, neondot; archives
                   are the same with each
  GOMAXPROCS       how many cores to use; -T sets the threads
  GOMEMLIMIT, GOGC bounds for Go's memory, instead of llmz's own

Looks
  NO_COLOR         no colours, whatever its value
  LLMZ_GLYPHS      ascii, block or braille: the characters of views
  CI               plain lines, as in a pipe
  TERM             dumb: plain text
  COLORFGBG        the terminal's colours, to tell a light background
  LC_ALL, LC_CTYPE, LANG  whether the terminal shows more than ASCII`

// topicsHelp lists the topics below a help text.
func topicsHelp() string {
	var b strings.Builder
	for _, name := range topicNames() {
		b.WriteString("\n  " + name + strings.Repeat(" ", 14-len(name)) + topics[name].about)
	}
	return "Other topics of help:" + b.String()
}

// showTopic prints a topic, if there is one of that name.
func showTopic(a *app, args []string) bool {
	if len(args) != 1 {
		return false
	}
	topic, ok := topics[args[0]]
	if ok {
		_, _ = a.out().Write([]byte(topic.text() + "\n"))
	}
	return ok
}
