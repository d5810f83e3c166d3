// Scaling works out how long a file takes in parts, on 1 to 1,000 workers some of which are
// slow, and prints docs/cluster.md's table:
//
//	go run ./cmd/internal/scaling
//
// It is a calculation from the time of a block and its spread, not a measurement. The same
// seed gives the same table.
package main

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
)

type setting struct {
	blocks   int     // of the file
	block    float64 // seconds for one on a usual worker
	spread   float64 // of the blocks' times: standard deviation of their logarithm
	slow     float64 // share of workers that are stragglers
	factor   float64 // how many times longer those take
	start    float64 // seconds before a part begins: scheduling, loading the model
	joinRate float64 // seconds to join a block
}

func main() {
	s := setting{}
	flag.IntVar(&s.blocks, "blocks", 65536, "blocks of the file: 1 TiB in 16 MiB has 65536")
	flag.Float64Var(&s.block, "block", 370, "seconds for a block: 16 MiB at 45 kB/s")
	flag.Float64Var(&s.spread, "spread", 0.15, "spread of the blocks' times")
	flag.Float64Var(&s.slow, "slow", 0.05, "share of slow workers")
	flag.Float64Var(&s.factor, "factor", 2, "how many times longer those take")
	flag.Float64Var(&s.start, "start", 5, "seconds before a part begins")
	flag.Float64Var(&s.joinRate, "join", 0.02, "seconds to join a block")
	seed := flag.Uint64("seed", 1, "of the random numbers")
	flag.Parse()
	fmt.Println("| workers | a part each | efficiency | four parts each | efficiency | sixteen parts each | efficiency |")
	fmt.Println("|---:|---:|---:|---:|---:|---:|---:|")
	for _, workers := range []int{1, 2, 4, 8, 16, 64, 256, 1000} {
		fmt.Printf("| %d |", workers)
		for _, parts := range []int{1, 4, 16} {
			took, work := s.run(workers, parts*workers, rand.New(rand.NewPCG(*seed, uint64(workers))))
			fmt.Printf(" %s | %.0f%% |", duration(took), 100*work/took/float64(workers))
		}
		fmt.Println()
	}
}

// run returns the seconds until all is joined, and those of the work on usual workers. Parts
// go to whoever is free first.
func (s *setting) run(workers, parts int, r *rand.Rand) (took, work float64) {
	times := make([]float64, s.blocks)
	for i := range times {
		times[i] = s.block * math.Exp(s.spread*r.NormFloat64()-s.spread*s.spread/2)
		work += times[i]
	}
	slow := make([]bool, workers)
	for i := range int(math.Round(s.slow * float64(workers))) {
		slow[i] = true
	}
	r.Shuffle(workers, func(i, j int) { slow[i], slow[j] = slow[j], slow[i] })
	free := make([]float64, workers) // when each worker is
	for k := range parts {
		first := 0
		for w := range free {
			if free[w] < free[first] {
				first = w
			}
		}
		sum := 0.0
		for _, t := range times[k*s.blocks/parts : (k+1)*s.blocks/parts] {
			sum += t
		}
		if slow[first] {
			sum *= s.factor
		}
		free[first] += s.start + sum
		took = max(took, free[first])
	}
	return took + s.joinRate*float64(s.blocks), work
}

func duration(s float64) string {
	switch {
	case s < 2*3600:
		return fmt.Sprintf("%.0f min", s/60)
	case s < 72*3600:
		return fmt.Sprintf("%.1f h", s/3600)
	}
	return fmt.Sprintf("%.1f days", s/86400)
}
