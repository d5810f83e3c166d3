package main

import (
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/filejob"
)

func TestParsePart(t *testing.T) {
	slurm := func(id, count, least, step string) map[string]string {
		return map[string]string{"SLURM_ARRAY_TASK_ID": id, "SLURM_ARRAY_TASK_COUNT": count, "SLURM_ARRAY_TASK_MIN": least, "SLURM_ARRAY_TASK_STEP": step}
	}
	kubernetes := func(index, count string) map[string]string {
		return map[string]string{"JOB_COMPLETION_INDEX": index, "JOB_COMPLETIONS": count}
	}
	for _, c := range []struct {
		value string
		env   map[string]string
		want  filejob.Part
		err   string
	}{
		{"1/1", nil, filejob.Part{Number: 1, Of: 1}, ""},
		{"3/16", slurm("1", "4", "1", ""), filejob.Part{Number: 3, Of: 16}, ""},
		{"0/4", nil, filejob.Part{}, "count from 1"},
		{"5/4", nil, filejob.Part{}, "of 4 parts, there is none with the number 5"},
		{"1/0", nil, filejob.Part{}, "1 to "},
		{"1/99999999999", nil, filejob.Part{}, "1 to "},
		{"3", nil, filejob.Part{}, "neither K/N"},
		{"a/b", nil, filejob.Part{}, "neither K/N"},
		{"-1/3", nil, filejob.Part{}, "count from 1"},
		{"1/3/4", nil, filejob.Part{}, "neither K/N"},
		{"", nil, filejob.Part{}, "neither K/N"},
		{"auto", nil, filejob.Part{}, "neither SLURM_ARRAY_TASK_ID nor"},
		{"auto", slurm("1", "4", "1", ""), filejob.Part{Number: 1, Of: 4}, ""},
		{"auto", slurm("4", "4", "1", "1"), filejob.Part{Number: 4, Of: 4}, ""},
		{"auto", slurm("0", "4", "0", ""), filejob.Part{Number: 1, Of: 4}, ""},
		{"auto", slurm("6", "4", "0", "2"), filejob.Part{Number: 4, Of: 4}, ""},
		{"auto", slurm("5", "4", "0", "2"), filejob.Part{}, "in steps of 2"},
		{"auto", slurm("3", "1", "3", ""), filejob.Part{}, "say K/N, such as 3/N"},
		{"auto", slurm("7", "3", "1", ""), filejob.Part{}, "none with the number 7"},
		{"auto", slurm("x", "3", "1", ""), filejob.Part{}, "no number"},
		{"auto", slurm("1", "", "1", ""), filejob.Part{}, "no number"},
		{"auto", kubernetes("0", "8"), filejob.Part{Number: 1, Of: 8}, ""},
		{"auto", kubernetes("7", "8"), filejob.Part{Number: 8, Of: 8}, ""},
		{"auto", kubernetes("8", "8"), filejob.Part{}, "none with the number 9"},
		{"auto", kubernetes("0", ""), filejob.Part{}, "JOB_COMPLETIONS is not"},
		{"auto", kubernetes("0", "many"), filejob.Part{}, "no number"},
	} {
		p, err := parsePart(c.value, func(name string) string { return c.env[name] })
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q, %v: %v", c.value, c.env, err)
			}
		case err != nil:
			t.Errorf("%q, %v: %v", c.value, c.env, err)
		case *p != c.want:
			t.Errorf("%q, %v: %v, want %v", c.value, c.env, *p, c.want)
		}
	}
}
