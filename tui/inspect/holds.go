package inspect

import (
	"fmt"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/text"
)

// method says what an archive's content is coded with: "gru + mixer".
func method(x *engine.Inspection) string {
	how := x.Model.Name
	if how == "" {
		how = "no model"
	}
	if x.Mixed {
		how += " + mixer"
	}
	return how
}

// holds says how the blocks of an archive are coded: all of them, or which of them
// otherwise.
func holds(x *engine.Inspection) string {
	stored, alone := 0, 0
	for _, b := range x.Blocks {
		switch {
		case b.Stored:
			stored++
		case !b.Model && x.Model.Name != "":
			alone++
		}
	}
	all := len(x.Blocks)
	how := method(x)
	if stored == all && all > 0 {
		return "stored as it is"
	}
	if alone > 0 {
		how += fmt.Sprintf(", %s of %s blocks by the mixer alone", text.Count(int64(alone)), text.Count(int64(all)))
	}
	if stored > 0 {
		how += fmt.Sprintf(", %s of %s blocks stored", text.Count(int64(stored)), text.Count(int64(all)))
	}
	return how
}

// archiveSize returns the size of the archive, and what of it is no symbol's; where only a
// part was looked at, what its symbols take, and false.
func archiveSize(x *engine.Inspection) (size, rest int64, whole bool) {
	symbols := int64((x.Bits + 7) / 8)
	if x.ArchiveBytes == 0 {
		return symbols, 0, false
	}
	return x.ArchiveBytes, max(0, x.ArchiveBytes-symbols), true
}
