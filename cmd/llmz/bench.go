package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine/bench"
	"github.com/llmz/llmz/engine/classic"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/tui/text"
)

const benchLong = `Measure every installed model and the classic compressors on each FILE, or on
bundled samples, in both directions. Each archive is decoded and compared; a
compressor that fails keeps its row. Speeds are medians after a warm-up; each row
runs in a process of its own, so that memory and load time are its own.

The bundled samples are verse and a novel from the Canterbury corpus, a story that
was written for this project, so that no model has learnt from it, and a rot13
control, on which what a model knows by heart is of no use.`

// benchOptions are the flags of bench.
type benchOptions struct {
	models    []string
	peers     bool
	runs      int
	warmup    int
	budget    time.Duration
	devices   []string
	threads   []string
	lanes     []int
	sizes     []string
	blockSize byteSize
	noMix     bool
	levels    []string
	controls  bool
	details   bool
	yes       bool

	format  string
	table   string
	output  string
	from    string
	compare string
	plots   string
	pages   []string
	commit  string
}

// newBenchCommand builds "llmz bench".
func newBenchCommand(a *app) *cobra.Command {
	o := benchOptions{}
	cmd := &cobra.Command{
		Use:   "bench [FILE|DIR...]",
		Short: "Measure models and classic compressors on files",
		Long:  benchLong,
		Example: `  llmz bench                                  the bundled samples, in a minute or two
  llmz bench -m gru,xz-9 --runs 5 book.txt
  llmz bench --devices cpu,cpu:generic -m gru book.txt
  llmz bench --levels book.txt                what each level gains, and takes
  llmz bench -T all -m none,gru book.tar      what more threads gain, and how much of each is used
  llmz bench -o today.jsonl --compare yesterday.jsonl --plots pictures`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("budget") && cmd.Flags().Changed("runs") {
				o.budget = 0
			}
			return runBench(cmd.Context(), a, &o, args)
		},
	}
	fs := cmd.Flags()
	fs.StringSliceVarP(&o.models, "model", "m", nil, "only these: models, none, zip-9, xz-9, … (default: all)")
	fs.StringSliceVar(&o.levels, "levels", nil, "the levels -1 to -9 in place of models, or some of them:\n--levels=1,6,9")
	fs.Lookup("levels").NoOptDefVal = allLevels
	fs.BoolVar(&o.peers, "peers", false, "programs on this machine, too: xz, zpaq, 7z, cmix, …")
	fs.IntVar(&o.runs, "runs", 3, "measured runs; runs of milliseconds are repeated beyond it")
	fs.IntVar(&o.warmup, "warmup", 1, "runs on the first 16 KiB before those")
	fs.DurationVar(&o.budget, "budget", 10*time.Second, "no further runs in a direction after this time, 0 for\nno limit, the default where --runs is given")
	fs.StringSliceVar(&o.devices, "devices", nil, "devices, and cpu:KERNEL for kernels of bundled models;\nall: each kernel of this machine")
	fs.StringSliceVarP(&o.threads, "threads", "T", nil, "numbers of threads, e.g. 1,2,4 (default: all cores); all: 1, 2,\n4, … up to the cores, each file in blocks enough for that")
	fs.IntSliceVar(&o.lanes, "lanes", nil, "numbers of lanes, 0 for the model's choice")
	fs.StringSliceVar(&o.sizes, "sizes", nil, "the first bytes of each file, too, e.g. 1kB,10kB,100kB")
	addBlockSize(fs, &o.blockSize)
	fs.BoolVar(&o.noMix, "no-mix", false, "the bare models, without context mixing")
	fs.BoolVar(&o.controls, "rot13", false, "a rot13 control for each text file")
	fs.BoolVar(&o.details, "details", true, "the table of sizes, spreads, memory and load times")
	fs.BoolVar(&o.yes, "yes", false, "start without asking what is predicted to take over an hour")
	fs.StringVar(&o.format, "format", "table", "table, markdown or csv; --json for JSON")
	fs.StringVar(&o.table, "table", "", "only this one: results, devices, details, commands, levels, threads\nor changes; CSV is always one, results or with\n--compare changes")
	fs.StringVarP(&o.output, "output", "o", "", "also write the rows to a file, for --compare and --from")
	fs.StringVar(&o.compare, "compare", "", "say what changed against the rows of an earlier run")
	fs.StringVar(&o.from, "from", "", "measure nothing: show the rows of an earlier run")
	fs.StringVar(&o.plots, "plots", "", "draw SVG and PNG pictures into this directory")
	fs.StringArrayVar(&o.pages, "readme", nil, "update the tables between the markers of a Markdown file")
	fs.StringVar(&o.commit, "commit", "", "the commit to note in the rows (default: the build's)")
	fs.Lookup("commit").Hidden = true
	return cmd
}

// newBenchWorkerCommand builds the command that a benchmark runs for each row.
func newBenchWorkerCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    "bench-worker",
		Short:  "Measure the case on standard input",
		Hidden: true,
		Args:   noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.Work(cmd.Context(), a.stdout, a.stdin, bench.OpenModels(a.loadForBench))
		},
	}
}

// loadForBench loads a model and tells the size of its file.
func (a *app) loadForBench(ctx context.Context, name, device string) (bench.Loaded, error) {
	if device != "" {
		a.models.Device = device
	}
	m, err := a.models.Open(ctx, name)
	if err != nil {
		return bench.Loaded{}, err
	}
	e, err := a.models.Describe(ctx, name)
	if err != nil {
		return bench.Loaded{}, errors.Join(err, m.Close())
	}
	return bench.Loaded{Model: m, Bytes: e.Bytes}, nil
}

func runBench(ctx context.Context, a *app, o *benchOptions, args []string) error {
	if err := o.check(args); err != nil {
		return err
	}
	var old []bench.Row
	if o.compare != "" {
		// Before the work, so that a wrong name costs nothing.
		var err error
		if old, err = bench.ReadFile(ctx, o.compare); err != nil {
			return err
		}
	}
	rows, err := o.rows(ctx, a, args)
	if len(rows) == 0 {
		return err
	}
	return errors.Join(err, o.report(ctx, a, rows, old))
}

func (o *benchOptions) check(args []string) error {
	if o.runs < 1 || o.warmup < 0 || o.budget < 0 {
		return usagef("--runs must be at least 1, --warmup and --budget not negative")
	}
	if !slices.Contains(benchFormats, o.format) {
		return usagef("--format must be table, markdown or csv, not %q", o.format)
	}
	if len(o.levels) > 0 && (len(o.models) > 0 || o.noMix) {
		return usagef("a level is a model and a mixer: drop --levels, or -m and --no-mix")
	}
	if _, err := chosenLevels(o.levels); err != nil {
		return err
	}
	if o.from != "" && len(args) > 0 {
		return usagef("--from measures nothing: drop it, or the files")
	}
	if _, err := chosenThreads(o.threads, 1); err != nil {
		return err
	}
	for _, n := range o.lanes {
		if n < 0 {
			return usagef("--lanes must not be negative")
		}
	}
	if !slices.Contains(benchTables, o.table) {
		return usagef("--table must be one of %s, not %q", strings.Join(benchTables[1:], ", "), o.table)
	}
	if o.table == "changes" && o.compare == "" {
		return usagef("--table changes needs --compare")
	}
	if o.table == "details" && o.format == "csv" {
		return usagef("details are for reading: -o FILE or --json has the figures as JSON")
	}
	return nil
}

// benchFormats are the values of --format.
var benchFormats = []string{"table", "markdown", "csv"}

// benchTables are the values of --table; the first stands for all.
var benchTables = []string{"", "results", "devices", "details", "commands", "levels", "threads", "changes"}

// rows measures, or reads what was measured earlier.
func (o *benchOptions) rows(ctx context.Context, a *app, args []string) ([]bench.Row, error) {
	if o.from != "" {
		return bench.ReadFile(ctx, o.from)
	}
	m, clean, err := o.matrix(ctx, a, args)
	if err != nil {
		return nil, err
	}
	defer clean()
	if !o.yes {
		if err := a.confirmBench(ctx, m); err != nil {
			return nil, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	process := bench.Process{
		Command: []string{self, "bench-worker"},
		Env: func(c bench.Case) []string {
			if c.Kernel == "" {
				return nil
			}
			return []string{"LLMZ_KERNEL=" + c.Kernel}
		},
	}
	commit := o.commit
	if commit == "" {
		commit = currentVersion().Revision
	}
	runner := bench.Runner{
		Measure: process.Measure, Host: bench.ThisHost(currentVersion().Version, commit),
		Begin: func(i, n int, c bench.Case) {
			if !a.quiet {
				text.Fprintf(a.stderr, "[%d/%d] %s on %s\n", i+1, n, c.Name(), c.Data.Name)
			}
		},
		Done: func(_, _ int, r bench.Row) {
			if a.json != jsonOff {
				_ = bench.WriteJSON(a.out(), []bench.Row{r})
			}
			if r.Failed() && !a.quiet {
				text.Fprintf(a.stderr, "        %s\n", a.paint("failed: "+r.Error, colorRed))
			}
		},
	}
	rows, err := runner.Run(ctx, m.Cases())
	if err == nil {
		err = bench.Check(rows)
	}
	return rows, err
}

// matrix turns flags and arguments into what is to be measured. clean removes
// temporary files.
func (o *benchOptions) matrix(ctx context.Context, a *app, args []string) (m bench.Matrix, clean func(), err error) {
	clean = func() {}
	threads, err := chosenThreads(o.threads, runtime.GOMAXPROCS(0))
	if err != nil {
		return m, clean, err
	}
	m = bench.Matrix{
		Threads: threads, Lanes: o.lanes, NoMix: o.noMix, BlockSize: int(o.blockSize), Places: o.places(), SideBySide: slices.Contains(o.threads, allThreads),
		Plan: bench.Plan{Runs: o.runs, Warmup: o.warmup, Budget: o.budget, Curve: o.plots != "" || o.output != ""},
	}
	for _, s := range o.sizes {
		n, err := parseSize(s)
		if err != nil || n < 1 {
			return m, clean, usagef("--sizes: %q is not a size such as 10kB", s)
		}
		m.Sizes = append(m.Sizes, n)
	}
	if err := o.contenders(ctx, a, &m); err != nil {
		return m, clean, err
	}
	if len(args) > 0 {
		m.Data, err = bench.Collect(args)
		if o.controls {
			for _, d := range slices.Clone(m.Data) {
				if d.IsText() {
					m.Data = append(m.Data, d.Control())
				}
			}
		}
		return m, clean, err
	}
	dir, err := os.MkdirTemp("", "llmz-bench-")
	if err != nil {
		return m, clean, err
	}
	m.Data, err = bench.Samples(dir)
	m.PathOf = func(d bench.Data) string { return "testdata/" + filepath.Base(d.Path) }
	return m, func() { _ = os.RemoveAll(dir) }, err
}

// contenders fills in who is measured.
func (o *benchOptions) contenders(ctx context.Context, a *app, m *bench.Matrix) error {
	if o.peers {
		m.Peers = bench.Installed(bench.Peers())
	}
	if len(o.levels) > 0 {
		var err error
		m.Levels, err = chosenLevels(o.levels)
		return err
	}
	if len(o.models) == 0 {
		for _, c := range classic.All() {
			m.Classics = append(m.Classics, c.Name)
		}
		list, err := a.models.List(ctx)
		if err != nil {
			return err
		}
		for _, e := range list {
			if e.Problem == nil {
				m.Models = append(m.Models, e.Name)
			}
		}
		m.Models = append(m.Models, bench.NoModel)
		return nil
	}
	for _, name := range o.models {
		c, err := classic.ByName(name)
		switch {
		case err == nil:
			m.Classics = append(m.Classics, c.Name)
		case name == bench.NoModel:
			m.Models = append(m.Models, name)
		default:
			if _, err := a.models.Describe(ctx, name); err != nil {
				hint := `"llmz models list" shows the models that are here; the others are ` + classicNames()
				if get := howToGet(err); get != "" {
					hint = fmt.Sprintf("%q downloads it; %s", get, hint)
				}
				return withHint(err, hint)
			}
			m.Models = append(m.Models, name)
		}
	}
	return nil
}

func classicNames() string { return strings.Join(classicList(), ", ") }

func classicList() []string {
	var names []string
	for _, c := range classic.All() {
		names = append(names, c.Name)
	}
	return names
}

// places returns the devices to measure on.
func (o *benchOptions) places() []string {
	var places []string
	for _, d := range o.devices {
		if d == "all" {
			for _, k := range bench.Kernels() {
				places = append(places, "cpu:"+k)
			}
			continue
		}
		places = append(places, d)
	}
	return places
}

// report prints the tables and writes the files that were asked for.
func (o *benchOptions) report(ctx context.Context, a *app, rows, old []bench.Row) error {
	if o.output != "" {
		if err := writeRows(ctx, o.output, rows); err != nil {
			return err
		}
	}
	if a.json == jsonOff {
		if err := o.print(a, cleanRows(rows), cleanRows(old)); err != nil {
			return err
		}
	}
	if o.plots != "" {
		paths, err := drawPlots(ctx, o.plots, rows)
		if err != nil {
			return err
		}
		if !a.quiet {
			text.Fprintf(a.stderr, "%s pictures in %s\n", strconv.Itoa(len(paths)), o.plots)
		}
	}
	for _, page := range o.pages {
		if err := bench.UpdatePage(ctx, page, rows); err != nil {
			return err
		}
	}
	return nil
}

// tables returns what is to be printed. A CSV file is one table, with one head.
func (o *benchOptions) tables(rows, old []bench.Row, verbose bool) []*bench.Table {
	changes := func() *bench.Table { return bench.Changes(bench.Compare(old, rows)) }
	csv := o.format == "csv"
	// The ladder takes the place of the results where all are levels.
	results := bench.Results
	if bench.AllLevels(rows) {
		results = bench.Ladder
	}
	switch only := o.table; {
	case only == "devices" && csv:
		return []*bench.Table{bench.AllDevices(rows)}
	case only == "devices":
		return bench.Devices(rows)
	case only == "levels":
		return []*bench.Table{bench.Ladder(rows)}
	case only == "threads":
		return []*bench.Table{bench.Scaling(rows)}
	case only == "details":
		return bench.Details(rows)
	case only == "commands":
		return []*bench.Table{bench.Commands(rows)}
	case only == "changes" || only == "" && csv && o.compare != "":
		return []*bench.Table{changes()}
	case only == "results":
		return []*bench.Table{bench.Results(rows)}
	case csv:
		return []*bench.Table{results(rows)}
	}
	all := []*bench.Table{results(rows)}
	if bench.AnyLevels(rows) && !bench.AllLevels(rows) {
		all = append(all, bench.Ladder(rows))
	}
	if bench.AnyThreads(rows) || slices.Contains(o.threads, allThreads) {
		all = append(all, bench.Scaling(rows))
	}
	all = append(all, bench.Devices(rows)...)
	if o.details {
		all = append(all, bench.Details(rows)...)
	}
	if o.compare != "" {
		all = append(all, changes())
	}
	if verbose {
		all = append(all, bench.Commands(rows))
	}
	return all
}

func (o *benchOptions) print(a *app, rows, old []bench.Row) error {
	width := 0
	if isTerminal(a.stdout) {
		width = textWidth(a.stdout)
	}
	for i, t := range o.tables(rows, old, a.verbose) {
		if i > 0 {
			text.Fprintln(a.out())
		}
		var err error
		switch o.format {
		case "markdown":
			err = t.WriteMarkdown(a.out())
		case "csv":
			err = t.WriteCSV(a.out())
		default:
			err = t.WriteText(a.out(), width)
		}
		if err != nil {
			return err
		}
	}
	if a.quiet || o.format == "csv" {
		return nil
	}
	for _, n := range bench.Notes(rows) {
		text.Fprintln(a.stderr, n)
	}
	return nil
}

// cleanRows returns rows whose text may be printed as the cells of a table.
func cleanRows(rows []bench.Row) []bench.Row {
	rows = slices.Clone(rows)
	var names []string
	for _, r := range rows {
		names = append(names, r.Model)
	}
	called := labels(names)
	for i := range rows {
		r := &rows[i]
		r.Model = called[r.Model]
		for _, s := range []*string{&r.File, &r.Model, &r.Error, &r.Device, &r.Kernel, &r.Command, &r.Note, &r.Machine, &r.Version, &r.Commit, &r.Date} {
			*s = text.Clean(*s)
		}
	}
	return rows
}

func writeRows(ctx context.Context, path string, rows []bench.Row) error {
	return outfile.Write(ctx, path, outfile.Options{Replace: true}, outfile.Attributes{}, func(w io.Writer) error { return bench.WriteJSON(w, rows) })
}
