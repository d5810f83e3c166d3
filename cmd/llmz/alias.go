package main

import (
	"path/filepath"
	"strings"
)

// aliases are the arguments that the names of links to the program stand for.
var aliases = map[string][]string{
	"unllmz":  {"decompress"},
	"llmzcat": {"decompress", "-c"},
}

// programArgs returns the command line that a program's name and its arguments
// stand for.
func programArgs(name string, args []string) []string {
	name = strings.TrimSuffix(strings.ToLower(filepath.Base(name)), ".exe")
	implied, ok := aliases[name]
	if !ok {
		return args
	}
	for _, arg := range args {
		switch arg {
		case "-V", "--version":
			return []string{"version"}
		case "--":
			return append(implied, args...)
		}
	}
	return append(implied, args...)
}
