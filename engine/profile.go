package engine

import "github.com/llmz/llmz/engine/profile"

// The time of a job, by its stages.
type (
	// Stage is a part of the work whose time is measured.
	Stage = profile.Stage
	// Profile holds the time spent in each stage.
	Profile = profile.Profile
	// Direction is the way a job goes.
	Direction = profile.Direction
)

// The stages; package profile tells their names in reports.
const (
	StageInfer    = profile.StageInfer
	StageUpdate   = profile.StageUpdate
	StageMix      = profile.StageMix
	StageCode     = profile.StageCode
	StageTokenize = profile.StageTokenize
	StageRead     = profile.StageRead
	StageWrite    = profile.StageWrite
	StageOther    = profile.StageOther
	NumStages     = profile.NumStages
)

// The directions.
const (
	Compressing   = profile.Compressing
	Decompressing = profile.Decompressing
)
