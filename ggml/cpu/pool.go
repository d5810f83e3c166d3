package cpu

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// spinTime bounds how long a thread looks for work before it parks: longer than
// a barrier takes when every thread has its core, and than waking a parked thread
// does, but far shorter than a scheduler's time slice.
const spinTime = 60 * time.Microsecond

// Between jobs threads look idleFactor times as long: a caller that codes the symbols
// of a few lanes with a mixer comes back after 30 to 100 µs, and a thread that had to be
// woken would miss most of a small job.
const idleFactor = 3

// retryWaits is the number of waits in vain after which a thread looks for the full
// time again: only looking for long enough shows that it would pay again.
const retryWaits = 32

// pauses is the number of instructions in a call of pause, between two looks.
const pauses = 8

// spinCount returns the number of looks that take spinTime.
var spinCount = sync.OnceValue(func() int {
	const calls = 200
	best := time.Duration(math.MaxInt64)
	for range 5 {
		start := time.Now()
		for range calls {
			pause(pauses)
		}
		best = min(best, time.Since(start))
	}
	return min(int(spinTime*calls/max(best, 1)), 1<<14)
})

// Pool is a set of threads, the caller of Run among them, that works through the
// stages of a job together. Each stage is cut into chunks that the threads take
// one by one, so a thread that loses its core for a while holds up one chunk
// only; the others take the rest. No stage starts before the one ahead of it is
// complete. A thread that finds nothing to do spins briefly and then parks.
//
// Run, Start and Finish must not be called concurrently. An idle pool costs nothing but memory.
type Pool struct {
	threads int

	// ticket is where the job stands: epoch<<32 | chunks of the stage<<16 | next
	// chunk. The epoch grows with each stage; taking a chunk is adding 1. A count of
	// zero chunks means that no job is running.
	ticket atomic.Uint64
	_      [cacheLine - 8]byte
	done   atomic.Uint32 // finished chunks of the stage
	_      [cacheLine - 4]byte
	closed atomic.Bool

	job   Stages
	begun bool   // and not finished
	base  uint32 // epoch of the job's first stage
	parks []parking
}

// maxChunks is the largest number of chunks in a stage. Threads that come late
// add to the ticket too, so it must stay well under 1<<16.
const maxChunks = 1 << 15

// Stages is work in stages. Run must be ready to be called from several goroutines.
type Stages interface {
	// Chunks returns the number of chunks of a stage, 1 to maxChunks, or 0 if there is no
	// such stage, which ends the job.
	Chunks(stage int) int
	// Run does one chunk on the thread of that number.
	Run(stage, chunk, thread int)
}

type parking struct {
	asleep       atomic.Bool
	wake         chan struct{}
	inside, idle patience // inside a job and between jobs
	_            [cacheLine]byte
}

// patience says how many looks a thread takes before it parks. It gets shorter where
// looking was in vain, because another process has this core or that of the thread
// waited for.
type patience struct {
	spins, full int
	vain        int // waits in vain since the last full one
}

func newPatience(full int) patience { return patience{spins: full, full: full} }

func (p *patience) paid() { p.spins = min(p.spins+p.spins/4+1, p.full) }

func (p *patience) failed() {
	p.spins /= 2
	if p.vain++; p.vain == retryWaits {
		p.vain, p.spins = 0, p.full
	}
}

// NewPool starts threads-1 workers. Close ends them.
func NewPool(threads int) *Pool { return newPool(threads, spinCount()) }

// newPool starts a pool whose threads look that many times before they park.
func newPool(threads, spins int) *Pool {
	p := &Pool{threads: max(threads, 1)}
	p.parks = make([]parking, p.threads)
	for i := range p.parks {
		p.parks[i] = parking{
			wake:   make(chan struct{}, 1),
			inside: newPatience(spins),
			idle:   newPatience(idleFactor * spins),
		}
	}
	for i := 1; i < p.threads; i++ {
		go p.work(i)
	}
	return p
}

// Threads returns the number of threads.
func (p *Pool) Threads() int { return p.threads }

// Close ends the workers. Run must not be called afterwards.
func (p *Pool) Close() {
	p.closed.Store(true)
	p.open(uint32(p.ticket.Load()>>32)+1, 0)
}

// Run does all stages of j.
func (p *Pool) Run(j Stages) {
	p.Start(j)
	p.Finish()
}

// Start has the other threads begin with the stages of j, if there are any, and returns.
// The caller is free to do something else before it calls Finish.
func (p *Pool) Start(j Stages) {
	n := j.Chunks(0)
	p.job, p.begun = j, n > 0
	if n == 0 || p.threads == 1 {
		return
	}
	p.base = uint32(p.ticket.Load()>>32) + 1
	p.open(p.base, n)
}

// Finish takes part in what Start has begun, and returns when all of it is done.
func (p *Pool) Finish() {
	if !p.begun {
		return
	}
	p.begun = false
	if p.threads == 1 {
		for s, n := 0, p.job.Chunks(0); n > 0; n = p.job.Chunks(s) {
			for c := range n {
				p.job.Run(s, c, 0)
			}
			s++
		}
		return
	}
	for {
		epoch, n := p.help(0)
		if n == 0 {
			return
		}
		p.wait(0, epoch, true)
	}
}

// open starts the stage of that epoch and wakes those who are parked. It writes the
// ticket and then looks who is asleep, while wait writes asleep and then looks at the
// ticket: one must see the other. Both write with Swap, because qemu-user on x86-64
// lets an emulated arm64 load overtake a Store before it, and wake-ups got lost.
func (p *Pool) open(epoch uint32, chunks int) {
	p.done.Store(0)
	p.ticket.Swap(uint64(epoch)<<32 | uint64(chunks)<<16)
	for i := range p.parks {
		if k := &p.parks[i]; k.asleep.Load() && k.asleep.CompareAndSwap(true, false) {
			k.wake <- struct{}{}
		}
	}
}

// help does chunks of the running stage until none is left to take, and returns
// the epoch it saw last and the number of its chunks.
func (p *Pool) help(thread int) (epoch uint32, chunks int) {
	for {
		t := p.ticket.Load()
		if n := uint32(t) >> 16; n == 0 || uint32(t)&0xffff >= n {
			return uint32(t >> 32), int(n)
		}
		t = p.ticket.Add(1) - 1
		epoch, n, c := uint32(t>>32), uint32(t)>>16, uint32(t)&0xffff
		if c >= n {
			return epoch, int(n)
		}
		stage := int(epoch - p.base)
		p.job.Run(stage, int(c), thread)
		if p.done.Add(1) == n {
			p.open(epoch+1, p.job.Chunks(stage+1))
		}
	}
}

// wait returns once the epoch is another one.
func (p *Pool) wait(thread int, epoch uint32, inside bool) {
	k := &p.parks[thread]
	look := &k.idle
	if inside {
		look = &k.inside
	}
	for range look.spins {
		if uint32(p.ticket.Load()>>32) != epoch {
			look.paid()
			return
		}
		pause(pauses)
	}
	look.failed()
	k.asleep.Swap(true)
	if uint32(p.ticket.Load()>>32) != epoch && k.asleep.CompareAndSwap(true, false) {
		return
	}
	<-k.wake
}

func (p *Pool) work(thread int) {
	for {
		epoch, n := p.help(thread)
		// Only now: who sees the epoch that Close opens sees closed, too, and no other
		// epoch would come to end the wait for one.
		if p.closed.Load() {
			return
		}
		p.wait(thread, epoch, n > 0)
	}
}
