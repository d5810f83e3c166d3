package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/tui/text"
)

// defaultModel is the model that compresses where none is named.
const defaultModel = "gru"

// noModel is the model name that stands for context mixing alone.
const noModel = "none"

// codecOptions are the flags of compress, decompress and test, and of the root
// command, which can be each of them.
type codecOptions struct {
	mode    filejob.Op
	list    bool // -l
	version bool // -V

	model     string
	level     int // 0: none was named
	device    string
	kernel    string
	gpuLayers int
	runtime   runtimeName
	output    string // empty: derived from the input
	outputDir string // empty: the input's
	recursive bool
	force     bool
	remove    bool
	threads   threadCount
	lanes     int
	blockSize byteSize
	memory    byteSize
	maxOutput byteSize
	noMix     bool
	verify    bool
	noVerify  bool
	salvage   bool
	resume    bool
	yes       bool           // start long jobs without asking
	bytes     *filejob.Range // of the content
	part      *filejob.Part
}

// addModeFlags declares the gzip-style flags that choose what the root command
// does; the last one wins.
func (o *codecOptions) addModeFlags(fs *pflag.FlagSet) {
	mode := func(op filejob.Op, list bool) func() {
		return func() { o.mode, o.list = op, list }
	}
	addSetter(fs, "decompress", "d", "decompress", mode(filejob.Decompress, false))
	addSetter(fs, "test", "t", "decode and check everything, write nothing", mode(filejob.Test, false))
	addSetter(fs, "list", "l", "show what is known about archives, like llmz info", mode(filejob.Test, true))
	addSetter(fs, "compress", "z", "compress (default)", mode(filejob.Compress, false))
}

func addSetter(fs *pflag.FlagSet, name, shorthand, usage string, f func()) {
	fs.VarPF(&setter{f: f}, name, shorthand, usage).NoOptDefVal = "true"
}

// addBlockSize declares --block-size.
func addBlockSize(fs *pflag.FlagSet, size *byteSize) {
	fs.Var(blockSizeValue{size}, "block-size", "size of the independent blocks, e.g. 4MiB (default 16MiB,\n1MiB with models in llama.cpp)")
}

// minBlock is the smallest block size to ask for: in smaller ones headers and
// checksums outweigh what a model saves.
const minBlock = 512

// A blockSizeValue is the value of --block-size; 0 is the default.
type blockSizeValue struct{ *byteSize }

func (b blockSizeValue) Set(s string) error {
	var size byteSize
	if err := size.Set(s); err != nil {
		return err
	}
	if size != 0 && (size < minBlock || size > archive.MaxBlock) {
		return fmt.Errorf("must be between %d bytes and %s", minBlock, text.Binary(archive.MaxBlock))
	}
	*b.byteSize = size
	return nil
}

// addFileFlags declares what compress and decompress have in common.
func (o *codecOptions) addFileFlags(fs *pflag.FlagSet) {
	if fs.Lookup("output") != nil {
		return // the root command has both sets
	}
	setOutput := func(s string) error {
		if s == "" {
			return errors.New("a path is needed")
		}
		o.output = s
		return nil
	}
	fs.VarP(&stringSetter{f: setOutput, typeName: "PATH"}, "output", "o", `write to PATH ("-": stdout); one input only`)
	addSetter(fs, "stdout", "c", "write to standard output; the last of -c and -o wins", func() { o.output = filejob.Stdio })
	fs.StringVar(&o.outputDir, "output-dir", "", "write outputs into `DIR`, those of -r in the same folders below it")
	o.addRecursive(fs)
	fs.BoolVarP(&o.force, "force", "f", false, "overwrite; accept links, devices, FILE.llmz, a terminal")
	addSetter(fs, "keep", "k", "keep the source (default)", func() { o.remove = false })
	addSetter(fs, "rm", "", "remove the source, after verification", func() { o.remove = true })
	o.addMachineFlags(fs)
}

// addRecursive declares -r.
func (o *codecOptions) addRecursive(fs *pflag.FlagSet) {
	fs.BoolVarP(&o.recursive, "recursive", "r", false, "take the files in directories, too: archives to decompress,\ntest and list, all others to compress")
}

// addMachineFlags declares what says how to compute; none of it changes the
// result of bundled models.
func (o *codecOptions) addMachineFlags(fs *pflag.FlagSet) {
	fs.StringVarP(&o.model, "model", "m", "", "gru (default; lstm where much comes again), another model's\nNAME, a PATH.gguf, or none: context mixing alone;\nwhen decompressing: where else to look for the archive's model")
	fs.VarP(&o.threads, "threads", "T", "threads, 0 for all cores; never changes the output")
	fs.StringVar(&o.device, "device", "auto", "auto, cpu, cuda, metal or vulkan")
	o.runtime.add(fs)
	fs.StringVar(&o.kernel, "kernel", "", "CPU kernels of llama.cpp: native for the fastest here, or a\nvariant's name; default: the one that most machines share;\nrecorded in the archive, which needs the same to decode")
	fs.IntVar(&o.gpuLayers, "gpu-layers", 0, "layers of a llama.cpp model on the accelerator, 0: all")
	fs.VarP(&o.memory, "memory-limit", "M", "refuse, with the figure needed, rather than use more;\ndefault when decompressing: what fits each block's coded\ndata, from 256MiB to over 1GiB; on a terminal, more is\nasked for")
}

// addOutputLimit declares --max-output.
func (o *codecOptions) addOutputLimit(fs *pflag.FlagSet) {
	fs.Var(&o.maxOutput, "max-output", "refuse to decode more content than SIZE, of all FILEs\ntogether")
}

// addCompressFlags declares what only compression has.
func (o *codecOptions) addCompressFlags(fs *pflag.FlagSet) {
	o.addFileFlags(fs)
	o.addLevels(fs)
	fs.IntVar(&o.lanes, "lanes", 0, "parallel lanes in a block, 0: chosen from the block's length")
	addBlockSize(fs, &o.blockSize)
	o.addPart(fs)
	fs.BoolVar(&o.noMix, "no-mix", false, "the bare model, without context mixing")
	addSetter(fs, "verify", "", "decode what was written and compare; the default for\nllama.cpp models and with --rm", func() { o.verify, o.noVerify = true, false })
	addSetter(fs, "no-verify", "", "do not, except for --rm", func() { o.verify, o.noVerify = false, true })
	fs.BoolVar(&o.yes, "yes", false, "start without asking what is predicted to take over an hour")
	fs.BoolVar(&o.resume, "resume", false, "go on from an interrupted output, and keep it when\ninterrupted again")
}

// addDecompressFlags declares what only decompression has.
func (o *codecOptions) addDecompressFlags(fs *pflag.FlagSet) {
	o.addFileFlags(fs)
	o.addOutputLimit(fs)
	o.addPart(fs)
	fs.BoolVar(&o.salvage, "salvage", false, "write every intact block, report the damaged ones, exit 3")
}

// check refuses combinations that make no sense.
func (o *codecOptions) check(files []string) error {
	if !slices.Contains(deviceNames, o.device) {
		return usagef("--device must be auto, cpu, cuda, metal or vulkan, not %q", o.device)
	}
	if o.gpuLayers < 0 {
		return usagef("--gpu-layers must not be negative")
	}
	if o.lanes < 0 || o.lanes > archive.MaxLanes {
		return usagef("--lanes must be between 1 and %d, or 0", archive.MaxLanes)
	}
	if len(files) > 1 && o.output != "" && o.output != filejob.Stdio {
		return usagef("-o takes one input, not %d", len(files))
	}
	if o.outputDir != "" && o.output != "" {
		return usagef("--output-dir is for outputs whose names derive from the inputs': drop it, or -o and -c")
	}
	if o.resume && (o.mode != filejob.Compress || o.output == filejob.Stdio) {
		return usagef("--resume is for compressing to a file")
	}
	if o.salvage && o.mode == filejob.Compress {
		return usagef("--salvage is for decompressing")
	}
	if o.part != nil {
		return o.checkPart(files)
	}
	return nil
}

// runCodec compresses, decompresses or tests files, one after the other.
func runCodec(ctx context.Context, a *app, o *codecOptions, args []string) error {
	if len(args) == 0 {
		args = []string{filejob.Stdio}
	}
	inputs, failed, err := o.inputs(a, args)
	if err != nil {
		return err
	}
	if len(inputs) == 0 {
		if failed {
			return &reportedError{exitFailed}
		}
		a.warn(errors.New("there is nothing to do in " + strings.Join(args, ", ")))
		return nil
	}
	files := make([]string, len(inputs))
	for i := range inputs {
		files[i] = inputs[i].path
	}
	if err := o.check(files); err != nil {
		return err
	}
	a.models.Device, a.models.Kernel, a.models.GPULayers, a.models.Runtime = o.device, o.kernel, o.gpuLayers, string(o.runtime)
	toStdout := o.mode != filejob.Test && (o.output == filejob.Stdio || o.output == "" && files[0] == filejob.Stdio)
	if err := a.checkStreams(files, toStdout); err != nil {
		return err
	}
	if toStdout && o.mode == filejob.Compress && isTerminal(a.stdout) && !o.force {
		return withHint(errors.New("compressed data is not written to a terminal"), "name an output with -o, redirect standard output, or force it with -f")
	}
	if files[0] == filejob.Stdio && o.mode != filejob.Compress && isTerminal(a.stdin) && !o.force {
		return withHint(errors.New("compressed data is not read from a terminal"), "name a FILE, redirect standard input, or force it with -f")
	}
	if o.remove && (toStdout || o.mode == filejob.Test) {
		a.warn(errors.New("--rm does nothing without an output file: the source is kept"))
	}
	write, read, err := o.engineOptions(ctx, a)
	if err != nil {
		return err
	}
	defer closeModels(&write)
	if o.remove && !o.force && !toStdout {
		if err := a.confirmModel(ctx, write.Model); err != nil {
			return err
		}
	}
	if o.mode == filejob.Compress && !o.yes && o.part == nil { // parts are for those who know, on machines that nobody watches
		if err := a.confirmLong(ctx, write, files); err != nil {
			return err
		}
	}
	unbounded, err := o.confirmMemory(ctx, a, files)
	if err != nil {
		return err
	}
	if err := makeDirs(inputs); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rep, done := a.newReporter(o.mode, files, toStdout, cancel)
	defer done()
	boundHeap(int64(o.memory))
	code, needed, siblings, left := exitOK, false, filejob.NewInputs(files...), int64(o.maxOutput)
	if failed {
		code = exitFailed
	}
	for i, file := range files {
		job := filejob.Job{
			Op: o.mode, Input: file, Output: o.output, Dir: inputs[i].dir, Stdin: a.stdin, Stdout: a.stdout, Siblings: siblings,
			Force: o.force, Remove: o.remove, Resume: o.resume, Range: o.bytes, Part: o.part,
			Verify: o.verify || !o.noVerify && write.Model != nil && !write.Model.Info().Exact(),
			Write:  write, Read: read, Warn: a.warn,
		}
		if unbounded[file] {
			job.Read.MemoryLimit = engine.NoLimit
		}
		if o.maxOutput > 0 {
			job.Read.MaxOutput = max(left, 1)
		}
		result, err := a.runJob(ctx, rep, job)
		left -= result.OriginalBytes
		needed = needed || result.Op == filejob.Compress && result.NeedsModel
		code = worstCode(code, exitCode(err))
		if code == exitInterrupted {
			break
		}
	}
	if needed {
		a.noteModel(write.Model, toStdout)
	}
	if code != exitOK {
		return &reportedError{code}
	}
	return nil
}

// engineOptions turns flags into options. It loads the model to compress with.
func (o *codecOptions) engineOptions(ctx context.Context, a *app) (engine.Options, engine.ReadOptions, error) {
	read := engine.ReadOptions{
		Models: a.models, Threads: int(o.threads), MemoryLimit: int64(o.memory), Salvage: o.salvage,
	}
	if o.mode != filejob.Compress {
		return engine.Options{}, read, a.prefer(o.model)
	}
	l := o.modelLevel(a)
	write := engine.Options{
		NoMix: o.noMix, Rich: o.richMixer(a), BlockSize: int(o.blockSize), Lanes: o.lanes,
		Threads: int(o.threads), MemoryLimit: int64(o.memory),
	}
	if l.model == noModel {
		if o.noMix {
			return write, read, usagef("-m none leaves nothing to predict with: drop --no-mix")
		}
		write.NoModel = true
		return write, read, nil
	}
	m, err := a.models.Open(ctx, l.model)
	if err != nil {
		return write, read, err
	}
	write.Model = m
	if l.repeats != "" {
		if write.ForRepeats, err = a.models.Open(ctx, l.repeats); err != nil {
			closeModels(&write)
		}
	}
	return write, read, err
}

// closeModels closes the models that engineOptions has opened.
func closeModels(o *engine.Options) { closeAll(o.Model, o.ForRepeats) }

// closeAll closes the models that are not nil.
func closeAll(all ...predict.Model) {
	for _, m := range all {
		if m != nil {
			m.Close()
		}
	}
}

// modelLevel returns the level whose models compress: the one of the model that is named, else
// the level that is, else the person's default.
func (o *codecOptions) modelLevel(a *app) level {
	switch {
	case o.model != "":
		return level{model: o.model}
	case o.level > 0:
		return levels[o.level-1]
	}
	return a.settings.modelLevel()
}

// richMixer tells whether the level that is named, else the person's, else the usual one
// has the rich mixer.
func (o *codecOptions) richMixer(a *app) bool {
	n := o.level
	if n == 0 {
		n = a.settings.mixerLevel()
	}
	return levels[n-1].rich
}

// deviceNames are the values of --device.
var deviceNames = []string{"auto", "cpu", "cuda", "metal", "vulkan"}

// prefer makes decoders look at the model first that the user names, if any.
func (a *app) prefer(model string) error {
	if model == "" || model == noModel {
		return nil
	}
	return a.models.Prefer(model)
}

// runJob runs one job under a reporter and prints its error, if any.
func (a *app) runJob(ctx context.Context, rep reporter, job filejob.Job) (filejob.Result, error) {
	job.Write.Observer = rep.observe
	job.Read.Observer = rep.observe
	rep.begin(job)
	v, shown := rep.(*viewReporter)
	if shown {
		job.Write.Gate, job.Read.Gate = v.file.Gate(), v.file.Gate()
	}
	result, err := filejob.Run(ctx, job)
	if err != nil && ctx.Err() != nil {
		err = context.Canceled
	}
	if job.Read.Salvage && isDamage(err) {
		err = withHint(err, "get another copy: no more can be restored from this one")
	}
	rep.end(result, err)
	switch {
	case shown:
	case errors.Is(err, filejob.ErrSkipped):
		a.warn(err)
	case err != nil:
		a.printError(err)
	}
	return result, err
}
