// Package profile names the stages of compressing and decompressing, and adds up the
// time that goes into them.
package profile

import "time"

// Stage is a part of the work whose time is measured.
type Stage int

// The stages, named as in a Profile. Coding and text conversion have one slot
// for both directions: a job only ever goes one way.
const (
	StageInfer    Stage = iota // model_infer
	StageUpdate                // state_update
	StageMix                   // mix
	StageCode                  // arith_encode or arith_decode
	StageTokenize              // tokenize or detokenize
	StageRead                  // read_file
	StageWrite                 // write_file
	StageOther                 // other: everything else, so that the stages sum to the total
	NumStages
)

// Direction is the way a job goes.
type Direction int

// The directions.
const (
	Compressing Direction = iota
	Decompressing
)

var stageNames = [2][NumStages]string{
	{"model_infer", "state_update", "mix", "arith_encode", "tokenize", "read_file", "write_file", "other"},
	{"model_infer", "state_update", "mix", "arith_decode", "detokenize", "read_file", "write_file", "other"},
}

// Name returns the stage's name in reports of jobs that go the way d.
func (s Stage) Name(d Direction) string { return stageNames[d][s] }

// Profile holds the time spent in each stage. Stages that run side by side (the
// blocks of one file, say) add up to more than the elapsed time.
type Profile [NumStages]time.Duration

// Total returns the sum of all stages.
func (p *Profile) Total() time.Duration {
	var t time.Duration
	for _, d := range p {
		t += d
	}
	return t
}

// Add adds q to p.
func (p *Profile) Add(q *Profile) {
	for i := range p {
		p[i] += q[i]
	}
}
