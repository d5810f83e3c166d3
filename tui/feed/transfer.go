package feed

// Transfer is how far a download is.
type Transfer struct {
	File string // the one that comes now
	// Converting is whether everything is here and is turned into a model's file:
	// Snapshot's Bytes and Total then count tensors.
	Converting bool
	Loaded     int64 // bytes that came, of all files
}

// Download takes a report on a download: done of total bytes (-1: not known) of
// a file. The first one on a file tells what an earlier download left of it.
func (j *Tracker) Download(file string, done, total int64) {
	j.transfer(Transfer{File: file}, done, total)
}

// Convert takes a report on a conversion: done of total tensors.
func (j *Tracker) Convert(done, total int) {
	j.transfer(Transfer{Converting: true}, int64(done), int64(total))
}

func (j *Tracker) transfer(t Transfer, done, total int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.begin()
	old := j.s.Transfer
	if old != nil {
		t.Loaded = old.Loaded
	}
	if old == nil || *old != t || done < j.s.Bytes {
		// Each file has a speed of its own.
		j.s.Transfer = &t
		j.recent = j.recent[:0]
		j.base = sample{j.elapsed(), Point{Bytes: done}}
		j.s.Resumed, j.s.Bytes = done, done
		if t.Converting {
			j.s.Resumed = 0
		}
	}
	if !t.Converting {
		j.s.Transfer.Loaded += done - j.s.Bytes
	}
	j.s.Total = total
	j.moved(Point{Bytes: done})
}
