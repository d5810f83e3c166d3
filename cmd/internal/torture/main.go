// Command torture does to llmz what users and attackers do: damaged, cut and forged
// archives, jobs killed at any moment, full disks, hostile files and hubs. It counts
// what it tries and keeps what it finds: lost or changed bytes, panics, hangs, and
// memory beyond what the input explains.
//
//	make torture TORTURE=30m
//
// or go run ./cmd/internal/torture -llmz ./llmz -time 30m. A finding has a seed;
// -kind KIND -seed N tries it again.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A kind is a way to torture. try makes trial n, which depends on nothing but n.
type kind struct {
	name, about string
	// inside kinds run in worker processes, which may crash; the others run llmz.
	inside bool
	share  int // of the time
	setUp  func(t *tortured) (try func(n uint64) error, err error)
}

var kinds = []kind{
	{"damage", "archives with a byte changed, every one in turn, or cut after every byte", true, 4, damage},
	{"havoc", "archives with pieces overwritten, removed, repeated and exchanged, decoded and salvaged", true, 4, havoc},
	{"forge", "archives with fields changed and right checksums", true, 4, forge},
	{"hub", "downloads from hubs that misbehave", true, 2, hostileHub},
	{"kill", "jobs killed with SIGKILL, then done again or resumed", false, 3, kill},
	{"disk", "jobs on full disks", false, 1, fullDisk},
	{"files", "hostile archives, models and checkpoints given to all commands", false, 3, hostileFiles},
}

// tortured is what kinds share.
type tortured struct {
	ctx  context.Context
	llmz string // the program
	dir  string // for this kind alone
	note func(what string, n int)
}

func main() {
	llmz := flag.String("llmz", "./llmz", "the program to torture")
	limit := flag.Duration("time", time.Minute, "how long, over all kinds")
	only := flag.String("kind", "", "only this kind (or several, with commas)")
	seed := flag.Uint64("seed", 0, "the first trial")
	once := flag.Bool("once", false, "one trial only")
	keep := flag.String("findings", "torture-findings", "the folder for what was found")
	worker := flag.String("worker", "", "run trials of this kind inside (used by the program itself)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	path, err := filepath.Abs(*llmz)
	if err == nil && *worker == "" {
		_, err = os.Stat(path)
	}
	if err != nil {
		fatal(err)
	}
	if *worker != "" {
		work(ctx, path, *worker, *seed, *once)
		return
	}
	r := &run{ctx: ctx, llmz: path, keep: *keep, first: *seed, once: *once}
	chosen, shares := choose(*only)
	began := time.Now()
	for _, k := range chosen {
		if ctx.Err() == nil {
			r.kind(k, *limit*time.Duration(k.share)/time.Duration(shares))
		}
	}
	fmt.Printf("%d trials in %v: %d findings\n", r.trials, time.Since(began).Round(time.Second), r.findings)
	if r.findings > 0 {
		os.Exit(1)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "torture:", err)
	os.Exit(2)
}

// choose returns the kinds of that name, all if it is empty, and their shares.
func choose(only string) (chosen []kind, shares int) {
	for _, k := range kinds {
		if only == "" || strings.Contains(","+only+",", ","+k.name+",") {
			chosen = append(chosen, k)
			shares += k.share
		}
	}
	if len(chosen) == 0 {
		fatal(fmt.Errorf("there is no kind %q", only))
	}
	return chosen, shares
}

// A run counts trials and findings.
type run struct {
	ctx      context.Context
	llmz     string
	keep     string
	first    uint64
	once     bool
	trials   int
	findings int
}

// kind runs trials of a kind for some time.
func (r *run) kind(k kind, limit time.Duration) {
	ctx, cancel := context.WithTimeout(r.ctx, limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "torture-")
	if err != nil {
		fatal(err)
	}
	defer os.RemoveAll(dir)
	c := &counts{counts: map[string]int{}}
	if k.inside {
		r.supervise(ctx, k, dir, c)
	} else {
		r.outside(ctx, k, dir, c)
	}
	r.trials += c.trials
	fmt.Printf("%-7s %9d trials  %s%s\n", k.name, c.trials, k.about, c)
}

// outside runs llmz trial by trial.
func (r *run) outside(ctx context.Context, k kind, dir string, c *counts) {
	try, err := k.setUp(&tortured{ctx: ctx, llmz: r.llmz, dir: dir, note: c.add})
	if err != nil {
		fmt.Printf("%-7s left out: %v\n", k.name, err)
		return
	}
	for n := r.first; ctx.Err() == nil; n++ {
		if err := try(n); err != nil && ctx.Err() == nil {
			r.found(k, n, err.Error(), dir)
		}
		c.trials++
		if r.once {
			break
		}
	}
}

// found reports a finding and keeps what belongs to it.
func (r *run) found(k kind, n uint64, what, dir string) {
	r.findings++
	to := filepath.Join(r.keep, fmt.Sprintf("%s-%d", k.name, n))
	if err := os.MkdirAll(r.keep, 0o755); err == nil {
		os.RemoveAll(to)
		if dir != "" {
			os.CopyFS(to, os.DirFS(dir)) // without what cannot be copied
		}
		os.WriteFile(to+".txt", []byte(what+"\n"), 0o644)
	}
	fmt.Printf("FOUND (-kind %s -seed %d -once, kept in %s): %.2000s\n", k.name, n, to, what)
}

// counts says what came of the trials.
type counts struct {
	mu     sync.Mutex
	trials int
	names  []string
	counts map[string]int
}

func (c *counts) add(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.counts[what]; !ok {
		c.names = append(c.names, what)
	}
	c.counts[what] += n
}

func (c *counts) String() string {
	s := ""
	for _, n := range c.names {
		s += fmt.Sprintf("; %s: %d", n, c.counts[n])
	}
	return s
}
