package block

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
)

// BundledDigest is the number of digest bytes that archives keep of models which
// are part of the program, and whose full digest it knows.
const BundledDigest = 8

// Recorded returns what an archive records of a model.
func Recorded(info predict.Info) *archive.Model {
	digest := info.Digest
	if info.Bundled && len(digest) > BundledDigest {
		digest = digest[:BundledDigest]
	}
	return &archive.Model{
		Name: info.Name, Digest: digest, Numerics: info.Numerics, Portability: uint8(info.Portability),
		Tokens: info.Kind == predict.Tokens, Runtime: info.Runtime,
	}
}

// Ref is the reverse of Recorded.
func Ref(m *archive.Model) predict.Ref {
	return predict.Ref{
		Name: m.Name, Digest: m.Digest, Numerics: m.Numerics,
		Portability: predict.Portability(m.Portability), Runtime: m.Runtime,
	}
}

// CheckModel returns a MismatchError unless a model is the one that an archive needs.
func CheckModel(want *archive.Model, info predict.Info) error {
	n := min(len(want.Digest), len(info.Digest))
	if !bytes.Equal(want.Digest[:n], info.Digest[:n]) || n < min(len(want.Digest), BundledDigest) ||
		want.Numerics != info.Numerics || want.Tokens != (info.Kind == predict.Tokens) || !maps.Equal(want.Runtime, info.Runtime) {
		return &MismatchError{Want: Ref(want), Have: info.Ref}
	}
	return nil
}

// MismatchError means that the model or runtime here does not compute what the
// archive's did. It wraps predict.ErrMismatch.
type MismatchError struct {
	Block      int
	Want, Have predict.Ref
	// Probed says that model and settings agree, but the frequencies they lead to do
	// not.
	Probed bool
}

func blockPrefix(n int) string { return fmt.Sprintf("block %d: ", n) }

func (e *MismatchError) Error() string {
	if e.Probed {
		return fmt.Sprintf("%s%v: model %s computes other frequencies here than where the archive was made (%s)",
			blockPrefix(e.Block), predict.ErrMismatch, e.Want.Name, settings(e.Want.Runtime))
	}
	return fmt.Sprintf("%v: the archive needs %s, here is %s", predict.ErrMismatch, describe(e.Want), describe(e.Have))
}

func (e *MismatchError) Unwrap() error { return predict.ErrMismatch }

// Hint returns what to do.
func (e *MismatchError) Hint() string {
	if e.Probed {
		return "decode it with the same runtime version, CPU variant and device that made it"
	}
	return "get the model and runtime that the archive names"
}

func describe(r predict.Ref) string {
	s := fmt.Sprintf("%s (SHA-256 %x…, numerics %d", r.Name, r.Digest[:min(len(r.Digest), BundledDigest)], r.Numerics)
	if len(r.Runtime) > 0 {
		s += ", " + settings(r.Runtime)
	}
	return s + ")"
}

func settings(m map[string]string) string {
	var s []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		s = append(s, k+" "+m[k])
	}
	if len(s) == 0 {
		return "no runtime settings"
	}
	return strings.Join(s, ", ")
}
