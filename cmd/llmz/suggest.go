package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// closest returns which of words the user may have meant by word: the one that it
// begins, or the one that the fewest changed, added or left out letters make of it.
// It is empty where none comes near.
func closest(word string, words []string) string {
	best, least := "", min(2, len(word)/2)+1
	for _, w := range words {
		d := distance(word, w)
		if len(word) > 1 && strings.HasPrefix(w, word) {
			d = min(d, 1)
		}
		if d < least {
			best, least = w, d
		}
	}
	return best
}

// distance returns the number of letters to change, add or leave out to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0] // the row before, one to the left
		row[0] = i + 1
		for j := range len(b) {
			d := before
			if a[i] != b[j] {
				d++
			}
			before = row[j+1]
			row[j+1] = min(d, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}

// closestCommand returns the command line of the command below cmd that word may mean.
func closestCommand(cmd *cobra.Command, word string) string {
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	if name := closest(word, names); name != "" {
		return cmd.CommandPath() + " " + name
	}
	return ""
}

// noCommand says that cmd has no command of that name.
func noCommand(cmd *cobra.Command, word string) error {
	text := fmt.Sprintf("there is no command %q", cmd.CommandPath()+" "+word)
	if s := closestCommand(cmd, word); s != "" {
		text += fmt.Sprintf("; did you mean %q?", s)
	}
	return &usageError{err: errors.New(text), hint: fmt.Sprintf("%q lists the commands", "llmz help")}
}

// onlyCommands refuses arguments that are none of cmd's commands.
func onlyCommands(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return noCommand(cmd, args[0])
	}
	return nil
}

// flagError adds to a mistake with flags which flag may have been meant.
func flagError(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	var number *strconv.NumError
	if errors.As(err, &invalid) && errors.As(err, &number) {
		err = fmt.Errorf("invalid argument %q for --%s: a number is needed", invalid.GetValue(), invalid.GetFlag().Name)
		if errors.Is(number, strconv.ErrRange) {
			err = fmt.Errorf("invalid argument %q for --%s: the number is too large", invalid.GetValue(), invalid.GetFlag().Name)
		}
	}
	hint := fmt.Sprintf("%q lists its flags", cmd.CommandPath()+" --help")
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if name := closest(unknown.GetSpecifiedName(), names); name != "" {
			hint = fmt.Sprintf("did you mean --%s? %s", name, hint)
		}
	}
	return &usageError{err: err, hint: hint}
}
