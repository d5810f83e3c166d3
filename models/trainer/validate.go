package trainer

import "context"

// Size of a validation: streams of the held-out data, each from a cold start.
const (
	validStreams = 32
	validSteps   = 64
	validChunks  = 48 // at most: 3 kB a stream
	validShare   = 40 // of the time between two validations, one takes no more than a 40th
)

// validate measures the held-out data and remembers the weights if they are the
// best so far. A cancelled ctx leaves everything as it is.
func (t *training) validate(ctx context.Context) {
	if len(t.texts) == 0 {
		return
	}
	bpc, err := t.arch.measure(ctx, t.texts)
	if err != nil {
		return
	}
	best := t.bestBPC == 0 || bpc < t.bestBPC
	if best {
		t.bestBPC, t.stale = bpc, 0
		copy(t.best, t.p.data)
	} else {
		t.stale++
	}
	t.observe(&Validated{Update: t.update, Bytes: t.bytes, BPC: bpc, Best: best, Elapsed: t.elapsed().Seconds()})
}

// heldOutTexts returns texts that are spread over the held-out part of each source,
// as many of a source as its weight calls for, each of at most size bytes: the same
// texts every time.
func (c *corpus) heldOutTexts(count, size int) [][]byte {
	if len(c.valid) == 0 {
		return nil
	}
	texts := make([][]byte, count)
	for i := range texts {
		p, s := (float64(i)+0.5)/float64(count)*c.held, 0
		for s < len(c.valid)-1 && p >= c.valid[s].Weight {
			p -= c.valid[s].Weight
			s++
		}
		data := c.valid[s].Data
		length := min(len(data), size)
		from := (len(data) - length) * i / count
		texts[i] = data[from : from+length]
	}
	return texts
}

// evaluate returns the mean bits per byte of the texts, one a stream. Texts that
// end early start again, so that all streams are equally long. The error is ctx's.
func evaluate(ctx context.Context, n *network, texts [][]byte) (float64, error) {
	longest := 0
	for _, t := range texts {
		longest = max(longest, len(t))
	}
	position := make([]int, len(texts))
	n.prepare(false)
	chunks := max(1, longest/n.steps)
	sum := 0.0
	for range chunks {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		for i, text := range texts {
			for step := range n.steps {
				at, pos := n.index(step, i), position[i]
				n.input[at], n.reset[at] = startSymbol, pos == 0
				if pos > 0 {
					n.input[at] = int32(text[pos-1])
				}
				n.target[at] = int32(text[pos])
				position[i] = (pos + 1) % len(text)
			}
		}
		sum += n.forwardBackward(false)
	}
	return sum / float64(chunks), nil
}
