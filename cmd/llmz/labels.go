package main

import "github.com/llmz/llmz/models"

// labels returns what models are called in tables, by the names they were given: the
// path of a file is cut to its name, unless another model would have the same.
func labels(names []string) map[string]string {
	of := map[string]string{}
	given := map[string]string{} // by label
	clash := map[string]bool{}
	for _, name := range names {
		label := models.Label(name)
		if other, ok := given[label]; ok && other != name {
			clash[label] = true
		}
		given[label] = name
		of[name] = label
	}
	for name, label := range of {
		if clash[label] {
			of[name] = name
		}
	}
	return of
}
