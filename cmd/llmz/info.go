package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/tui/text"
)

// newInfoCommand builds "llmz info".
func newInfoCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "info [FILE...]",
		Short: "Show what archives hold and what they need",
		Long: `Show an archive's header and blocks: model, sizes, ratio, bits per byte, where it
decodes, how much memory that takes. Several archives are listed in a table, with
totals. No model is loaded and nothing is decoded; -v shows all of each, and the
blocks. No FILE or "-" is standard input. The memory is what one block takes, with the weights of a model
that is on this machine; several threads may take more, up to -M.`,
		Example:           "  llmz info book.txt.llmz\n  llmz info *.llmz\n  llmz info --json *.llmz | jq .bpc",
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeArchives,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInfo(cmd.Context(), a, args)
		},
	}
}

// runInfo prints what is known about archives: about one everything, about several
// a line each unless more is asked for.
func runInfo(ctx context.Context, a *app, files []string) error {
	if len(files) == 0 {
		files = []string{filejob.Stdio}
	}
	var table *infoTable
	if len(files) > 1 && !a.verbose && a.json == jsonOff {
		table = &infoTable{a: a}
		defer table.close()
	}
	return a.each(ctx, files, func(i int, file string) error { return a.infoFile(ctx, file, i > 0, table) })
}

// An infoObject is the JSON form of what an archive says about itself.
type infoObject struct {
	Op              string         `json:"op"`
	File            string         `json:"file"`
	OriginalBytes   int64          `json:"original_bytes"`
	CompressedBytes int64          `json:"compressed_bytes"`
	Ratio           float64        `json:"ratio"`
	BPC             float64        `json:"bpc"`
	OverheadBytes   int64          `json:"overhead_bytes"`
	Blocks          int            `json:"blocks"`
	StoredBlocks    int            `json:"stored_blocks"`
	MemoryBytes     int64          `json:"memory_bytes"`
	Members         []memberObject `json:"members"`
}

type memberObject struct {
	Name          string            `json:"name,omitempty"`
	Time          *time.Time        `json:"time,omitempty"`
	Mode          string            `json:"mode,omitempty"`
	Model         string            `json:"model"`
	ModelSHA256   string            `json:"model_sha256"`
	ModelIsHere   bool              `json:"model_is_here"`
	Numerics      uint32            `json:"numerics"`
	Portability   string            `json:"portability"`
	Runtime       map[string]string `json:"runtime,omitempty"`
	Mixed         bool              `json:"mixed"`
	SHA256        string            `json:"sha256,omitempty"`
	OriginalBytes int64             `json:"original_bytes"`
	Blocks        []blockObject     `json:"blocks"`
}

type blockObject struct {
	Offset          int64  `json:"offset"`
	Stored          bool   `json:"stored"`
	OriginalBytes   int    `json:"original_bytes"`
	CompressedBytes int64  `json:"compressed_bytes"`
	Lanes           int    `json:"lanes,omitempty"`
	Symbols         int    `json:"symbols,omitempty"`
	CRC32C          string `json:"crc32c"`
}

func (a *app) infoFile(ctx context.Context, path string, more bool, table *infoTable) error {
	members, size, err := a.listInput(ctx, path)
	if err != nil {
		return err
	}
	o := a.newInfoObject(ctx, path, size, members)
	if ctx.Err() != nil {
		return ctx.Err() // looking for models broke off
	}
	if a.json != jsonOff {
		return json.NewEncoder(a.out()).Encode(o)
	}
	if table != nil {
		table.add(o)
		return nil
	}
	if more {
		text.Fprintln(a.out())
	}
	return a.printInfo(o)
}

// listInput is listArchive for what may be standard input. An archive is read from
// its end, so that what comes through a pipe is kept in a temporary file.
func (a *app) listInput(ctx context.Context, path string) (members []archive.Member, size int64, err error) {
	if path != filejob.Stdio {
		return listArchive(path)
	}
	if isTerminal(a.stdin) {
		return nil, 0, usagef("name the archives to list, or redirect standard input")
	}
	f := a.stdin
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		if f, err = outfile.Temp(); err != nil {
			return nil, 0, err
		}
		defer f.Close()
		if _, err := io.Copy(f, ctxio.Reader(ctx, a.stdin)); err != nil {
			return nil, 0, err
		}
	}
	if size, err = f.Seek(0, io.SeekEnd); err != nil {
		return nil, 0, err
	}
	if size == 0 {
		return nil, 0, usagef("there is nothing on standard input: name the archives to list")
	}
	if members, err = archive.List(f, size); err != nil {
		return nil, 0, &filejob.Error{Path: path, Err: err}
	}
	return members, size, nil
}

// listArchive reads headers and indexes of the archive at path.
func listArchive(path string) (members []archive.Member, size int64, err error) {
	if path == filejob.Stdio {
		return nil, 0, usagef("a FILE is needed: standard input cannot be read from its end")
	}
	fi, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, 0, filejob.PathError(path, err)
	case fi.IsDir():
		return nil, 0, &filejob.Error{Path: path, Err: errors.New("is a directory")}
	case !fi.Mode().IsRegular(): // opening a pipe would wait for its other end
		return nil, 0, &filejob.Error{Path: path, Err: errors.New("not a regular file: it cannot be read from its end")}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, filejob.PathError(path, err)
	}
	defer f.Close()
	members, err = archive.List(f, fi.Size())
	if err != nil {
		return nil, 0, &filejob.Error{Path: path, Err: err}
	}
	return members, fi.Size(), nil
}

func (a *app) newInfoObject(ctx context.Context, path string, size int64, members []archive.Member) infoObject {
	o := infoObject{Op: "info", File: path, CompressedBytes: size, OverheadBytes: size}
	for i := range members {
		m := &members[i]
		need, weights := int64(0), int64(0)
		mo := memberObject{
			Name: m.Header.Name, Model: "none", Portability: portabilityName(0), Mixed: m.Header.Mixer != 0,
			OriginalBytes: m.Length(), ModelIsHere: true,
		}
		if !m.Header.Time.IsZero() {
			mo.Time = &m.Header.Time
		}
		if m.Header.Mode != 0 {
			mo.Mode = fmt.Sprintf("%04o", m.Header.Mode)
		}
		if m.HasSum {
			mo.SHA256 = hex.EncodeToString(m.Sum[:])
		}
		if model := m.Header.Model; model != nil {
			mo.Model, mo.ModelSHA256, mo.Numerics, mo.Runtime = model.Name, hex.EncodeToString(model.Digest), model.Numerics, model.Runtime
			mo.Portability = portabilityName(predict.Portability(model.Portability))
			e, err := a.models.Lookup(ctx, predict.Ref{Name: model.Name, Digest: model.Digest})
			if mo.ModelIsHere = err == nil; mo.ModelIsHere {
				mo.ModelSHA256, weights = hex.EncodeToString(e.Digest[:]), e.Bytes
			}
		}
		for _, b := range m.Blocks {
			stored := b.Kind == archive.Stored
			if stored {
				o.StoredBlocks++
			}
			o.OverheadBytes -= int64(b.Block.Size)
			need = max(need, engine.DecodeMemory(m.Header, &b.Block))
			mo.Blocks = append(mo.Blocks, blockObject{
				Offset: m.Content + b.Offset, Stored: stored, OriginalBytes: b.Length, CompressedBytes: b.RecordSize,
				Lanes: b.Lanes, Symbols: b.Symbols, CRC32C: fmt.Sprintf("%08x", b.Sum),
			})
		}
		if m.Header.Model != nil && m.Header.Model.Portability == uint8(predict.Portable) {
			weights *= 4 // as stored, as used, and what unpacking leaves behind
		}
		o.MemoryBytes = max(o.MemoryBytes, engine.ProcessMemory+need+weights)
		o.Blocks += len(m.Blocks)
		o.OriginalBytes += m.Length()
		o.Members = append(o.Members, mo)
	}
	o.settle()
	return o
}

// settle works out what follows from the sizes.
func (o *infoObject) settle() {
	if o.OriginalBytes > 0 {
		o.BPC = 8 * float64(o.CompressedBytes) / float64(o.OriginalBytes)
	}
	if o.CompressedBytes > 0 {
		o.Ratio = float64(o.OriginalBytes) / float64(o.CompressedBytes)
	}
}

func portabilityName(p predict.Portability) string {
	switch p {
	case predict.Portable:
		return "portable"
	case predict.SameRuntime:
		return "same runtime"
	case predict.SameDevice:
		return "same device"
	}
	return fmt.Sprintf("unknown class %d", p)
}

// portabilityMeaning says where archives of a class decode.
var portabilityMeaning = map[string]string{
	"portable":     "decodes on every machine and system that runs llmz",
	"same runtime": "needs the same runtime version and CPU variant",
	"same device":  "needs the same runtime and the same device model",
}

func (a *app) printInfo(o infoObject) error {
	w := tabwriter.NewWriter(a.out(), 0, 0, 2, ' ', 0)
	text.Fprintf(w, "File:\t%s\n", filejob.DisplayName(o.File))
	text.Fprintf(w, "Sizes:\t%s -> %s bytes\n", text.Count(o.OriginalBytes), text.Count(o.CompressedBytes))
	text.Fprintf(w, "Ratio:\t%.2fx, %.3f BPC\n", o.Ratio, o.BPC)
	stored := ""
	if o.StoredBlocks > 0 {
		stored = fmt.Sprintf(", %d stored", o.StoredBlocks)
	}
	text.Fprintf(w, "Blocks:\t%d%s; %s bytes of headers, checksums and index\n", o.Blocks, stored, text.Count(o.OverheadBytes))
	text.Fprintf(w, "Memory:\tabout %s to decode\n", text.Binary(o.MemoryBytes))
	for i, m := range o.Members {
		if len(o.Members) > 1 {
			text.Fprintf(w, "Member %d:\t%s bytes\n", i+1, text.Count(m.OriginalBytes))
		}
		a.printMember(w, m)
	}
	return w.Flush()
}

func (a *app) printMember(w *tabwriter.Writer, m memberObject) {
	if m.Name != "" {
		text.Fprintf(w, "Original:\t%q\n", m.Name)
	}
	if m.Time != nil {
		text.Fprintf(w, "Modified:\t%s\n", m.Time.Local().Format("2006-01-02 15:04:05 -0700"))
	}
	if m.Mode != "" {
		text.Fprintf(w, "Mode:\t%s\n", m.Mode)
	}
	here := ""
	if !m.ModelIsHere {
		here = ", not on this machine"
	}
	if m.ModelSHA256 == "" {
		text.Fprintf(w, "Model:\t%s\n", m.Model)
	} else {
		text.Fprintf(w, "Model:\t%s (SHA-256 %s)%s\n", m.Model, m.ModelSHA256, here)
	}
	mixed := "off"
	if m.Mixed {
		mixed = "on"
	}
	text.Fprintf(w, "Mixing:\t%s\n", mixed)
	text.Fprintf(w, "Portability:\t%s: %s\n", m.Portability, portabilityMeaning[m.Portability])
	for _, k := range sortedKeys(m.Runtime) {
		text.Fprintf(w, "  %s:\t%s\n", k, m.Runtime[k])
	}
	if m.SHA256 != "" {
		text.Fprintf(w, "Content:\tSHA-256 %s\n", m.SHA256)
	}
	if !a.verbose {
		return
	}
	for i, b := range m.Blocks {
		how := lanesText(b.Lanes)
		if b.Stored {
			how = "stored"
		}
		text.Fprintf(w, "  block %d:\tat %d: %s -> %s bytes, %s, CRC-32C %s\n", i, b.Offset, text.Count(int64(b.OriginalBytes)), text.Count(b.CompressedBytes), how, b.CRC32C)
	}
}
