package engine

import (
	"io"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/block"
	"github.com/llmz/llmz/engine/content"
)

// severalLanes is the number of lanes from which on they cost a large network more, where
// much of the content comes again, than a small one in a single lane is behind. Measured on
// archives of documents and source, logs, mail, JSON and SQL: engine/mixer/README.md.
const severalLanes = 4

// Settle returns o with the model that the first block of the size bytes in r asks for: ForRepeats
// in Model's place where much of it comes again, else Model alone. A Writer does this by itself;
// who compresses only a part of the content must, as Options.Part says.
func (o Options) Settle(r io.ReaderAt, size int64) (Options, error) {
	if o.ForRepeats == nil {
		return o, nil
	}
	first := make([]byte, min(size, o.blockSize()))
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), first); err != nil {
		return o, err
	}
	return o.settledBy(first), nil
}

// settledBy is Settle for a first block that has been read.
func (o Options) settledBy(first []byte) Options {
	other := o.ForRepeats
	if o.ForRepeats = nil; other == nil || o.NoModel || o.NoMix || o.Rich || o.Lanes > 0 {
		return o
	}
	if o.lanesOf(len(first)) >= severalLanes && block.Repetitive(first) && mostlyText(first) {
		o.BlockSize = int(o.blockSize()) // blocks stay what they were going to be
		o.Model = other
	}
	return o
}

// mostlyText tells whether at least three quarters of a block are text. What is not, the lean mixer knows better
// than the fast one that a small network has.
func mostlyText(data []byte) bool {
	text, at := 0, 0
	for _, r := range content.Detect(data).Runs() {
		if r.Kind.IsText() {
			text += r.End - at
		}
		at = r.End
	}
	return 4*text >= 3*len(data)
}

// settle settles on the model of all blocks, before anything of the first one is coded.
func (z *Writer) settle(first []byte) {
	if z.o.ForRepeats == nil || z.o.Model == nil {
		return
	}
	z.o = z.o.settledBy(first)
	h := z.o.header()
	z.codec.Model = z.o.Model
	for _, to := range []*archive.Header{z.codec.Header, z.header} {
		to.Model, to.Mixer = h.Model, h.Mixer
	}
}
