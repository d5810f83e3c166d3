package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/filejob"
)

// partValue is the value of --part: K/N, or auto for what a batch system says.
type partValue struct{ part **filejob.Part }

func (v partValue) Type() string { return "K/N|auto" }

func (v partValue) String() string {
	if v.part == nil || *v.part == nil {
		return ""
	}
	return fmt.Sprintf("%d/%d", (*v.part).Number, (*v.part).Of)
}

func (v partValue) Set(s string) error {
	p, err := parsePart(s, os.Getenv)
	*v.part = p
	return err
}

// addPart declares --part.
func (o *codecOptions) addPart(fs *pflag.FlagSet) {
	if fs.Lookup("part") == nil { // the root command has both sets
		fs.Var(partValue{&o.part}, "part", "the K-th of N ranges of whole blocks only; auto: as Slurm's\nor Kubernetes' variables say; \"llmz join\" makes one of them")
	}
}

// checkPart refuses what parts cannot be combined with.
func (o *codecOptions) checkPart(files []string) error {
	switch {
	case o.mode == filejob.Test:
		return usagef("--part is for compressing and decompressing")
	case o.salvage:
		return usagef("--part and --salvage exclude each other: blocks that are damaged count, too")
	case o.remove:
		return usagef("--part leaves the other parts to others: drop --rm")
	case slices.Contains(files, filejob.Stdio):
		return usagef("--part needs a FILE: standard input cannot be read in any order")
	}
	return nil
}

// parsePart reads the value of --part.
func parsePart(s string, getenv func(string) string) (*filejob.Part, error) {
	if s == "auto" {
		return partFromEnv(getenv)
	}
	k, n, ok := strings.Cut(s, "/")
	number, err1 := strconv.Atoi(k)
	of, err2 := strconv.Atoi(n)
	if !ok || err1 != nil || err2 != nil {
		return nil, fmt.Errorf("%q is neither K/N, such as 3/16, nor auto", s)
	}
	return newPart(number, of)
}

func newPart(number, of int) (*filejob.Part, error) {
	switch {
	case of < 1 || of > archive.MaxParts:
		return nil, fmt.Errorf("there must be 1 to %d parts, not %d", archive.MaxParts, of)
	case number < 1 || number > of:
		return nil, fmt.Errorf("of %d parts, there is none with the number %d: they count from 1", of, number)
	}
	return &filejob.Part{Number: number, Of: of}, nil
}

// partFromEnv returns the part that Slurm's job array or Kubernetes' indexed job stands for.
func partFromEnv(getenv func(string) string) (*filejob.Part, error) {
	var bad error
	number := func(name string) int {
		n, err := strconv.Atoi(getenv(name))
		if err != nil && bad == nil {
			bad = fmt.Errorf("%s is %q, which is no number", name, getenv(name))
		}
		return n
	}
	switch {
	case getenv("SLURM_ARRAY_TASK_ID") != "":
		id, count, least := number("SLURM_ARRAY_TASK_ID"), number("SLURM_ARRAY_TASK_COUNT"), number("SLURM_ARRAY_TASK_MIN")
		step := 1
		if getenv("SLURM_ARRAY_TASK_STEP") != "" {
			step = max(1, number("SLURM_ARRAY_TASK_STEP"))
		}
		switch {
		case bad != nil:
			return nil, bad
		case least > 1:
			// Some tasks of an array that run again are an array of their own.
			return nil, fmt.Errorf("this array begins with task %d, so that its tasks are not all parts: say K/N, such as %d/N", least, id)
		case (id-least)%step != 0:
			return nil, fmt.Errorf("task %d is none of an array from %d in steps of %d", id, least, step)
		}
		return newPart((id-least)/step+1, count)
	case getenv("JOB_COMPLETION_INDEX") != "":
		index, count := number("JOB_COMPLETION_INDEX"), number("JOB_COMPLETIONS")
		if getenv("JOB_COMPLETIONS") == "" {
			return nil, errors.New("JOB_COMPLETION_INDEX is set, JOB_COMPLETIONS is not: set it to the job's completions")
		}
		if bad != nil {
			return nil, bad
		}
		return newPart(index+1, count)
	}
	return nil, errors.New("neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set: say K/N, such as 3/16")
}
