package main

import (
	"bufio"
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
	"github.com/llmz/llmz/models"
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
		defer table.print()
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
	Members         []memberObject `json:"members"` // last

	count          int    // of members
	model, decodes string // of all of them
}

type memberObject struct {
	Name          string            `json:"name,omitempty"`
	Time          *time.Time        `json:"time,omitempty"`
	Mode          string            `json:"mode,omitempty"`
	Model         string            `json:"model"`
	ModelSHA256   string            `json:"model_sha256"`
	ModelIsHere   bool              `json:"model_is_here"`
	ModelBundled  bool              `json:"model_bundled"`
	ModelPath     string            `json:"model_path,omitempty"`
	Numerics      uint32            `json:"numerics"`
	Portability   string            `json:"portability"`
	Runtime       map[string]string `json:"runtime,omitempty"`
	Mixed         bool              `json:"mixed"`
	SHA256        string            `json:"sha256,omitempty"`         // of the content
	DigestsSHA256 string            `json:"digests_sha256,omitempty"` // of its blocks' SHA-256 digests
	Part          int               `json:"part,omitempty"`
	Parts         int               `json:"parts,omitempty"`
	PartsBytes    int64             `json:"parts_original_bytes,omitempty"`
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

// infoKept is how many members of an archive are kept in memory, and shown without -v.
const infoKept = 100

func (a *app) infoFile(ctx context.Context, path string, more bool, table *infoTable) error {
	f, size, err := a.openListed(ctx, path)
	if err != nil {
		return err
	}
	defer f.Close()
	walk := func(visit func(*memberObject) error) (infoObject, error) { return a.survey(ctx, f, path, size, visit) }
	var kept []memberObject
	o, err := walk(func(m *memberObject) error {
		if len(kept) < infoKept {
			kept = append(kept, *m)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case a.json != jsonOff && o.count == len(kept):
		o.Members = kept
		return json.NewEncoder(a.out()).Encode(o)
	case a.json != jsonOff:
		return a.streamInfo(o, walk)
	case table != nil:
		table.add(o)
		return nil
	}
	if more {
		text.Fprintln(a.out())
	}
	return a.printInfo(o, kept, walk)
}

// streamInfo prints what Encode would of an object with all members, without holding them.
func (a *app) streamInfo(o infoObject, walk func(func(*memberObject) error) (infoObject, error)) error {
	o.Members = []memberObject{}
	head, err := json.Marshal(o)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(a.out(), 1<<16)
	w.Write(head[:len(head)-len("]}")]) // the members are its last field
	first := true
	_, err = walk(func(m *memberObject) error {
		b, err := json.Marshal(m)
		if !first {
			w.WriteByte(',')
		}
		first = false
		w.Write(b)
		return err
	})
	w.WriteString("]}\n")
	return errors.Join(err, w.Flush())
}

// openListed opens an archive to be listed. It is read from its end, so that what comes
// through a pipe is kept in a temporary file.
func (a *app) openListed(ctx context.Context, path string) (f *os.File, size int64, err error) {
	if path != filejob.Stdio {
		return openArchive(path)
	}
	if isTerminal(a.stdin) {
		return nil, 0, usagef("name the archives to list, or redirect standard input")
	}
	f = a.stdin
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		if f, err = outfile.Temp(); err != nil {
			return nil, 0, err
		}
		if _, err := io.Copy(f, ctxio.Reader(ctx, a.stdin)); err != nil {
			f.Close()
			return nil, 0, err
		}
	}
	if size, err = f.Seek(0, io.SeekEnd); err == nil && size == 0 {
		err = usagef("there is nothing on standard input: name the archives to list")
	}
	return f, size, err
}

// openArchive opens the archive at path, which must be a file.
func openArchive(path string) (f *os.File, size int64, err error) {
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
	if f, err = ctxio.OpenRegular(path); err != nil {
		return nil, 0, filejob.PathError(path, err)
	}
	return f, fi.Size(), nil
}

// walkArchive calls visit for each member of the archive at path.
func walkArchive(ctx context.Context, path string, visit func(*archive.Member) error) error {
	f, size, err := openArchive(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return archiveError(ctx, path, archive.Walk(ctxio.ReaderAt(ctx, f), size, visit))
}

// archiveError names the archive that err is about, unless the user broke off.
func archiveError(ctx context.Context, path string, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &filejob.Error{Path: path, Err: err}
	}
	return nil
}

// survey reads what the archive in f says about itself and calls visit for each member. The
// object it returns has no members.
func (a *app) survey(ctx context.Context, f io.ReaderAt, path string, size int64, visit func(*memberObject) error) (infoObject, error) {
	o := infoObject{Op: "info", File: path, CompressedBytes: size, OverheadBytes: size}
	look := a.lookups(ctx)
	err := archive.Walk(ctxio.ReaderAt(ctx, f), size, func(m *archive.Member) error {
		mo := o.add(m, look)
		return visit(&mo)
	})
	o.settle()
	return o, archiveError(ctx, path, err)
}

// A lookup is what is known here of a model that an archive names.
type lookup struct {
	digest  string
	bytes   int64
	here    bool
	bundled bool
	path    string
}

// lookups returns a function that looks models up, each once.
func (a *app) lookups(ctx context.Context) func(*archive.Model) lookup {
	known := map[string]lookup{}
	return func(m *archive.Model) lookup {
		key := m.Name + "\x00" + string(m.Digest)
		l, ok := known[key]
		if ok {
			return l
		}
		if e, err := a.models.Lookup(ctx, predict.Ref{Name: m.Name, Digest: m.Digest}); err == nil {
			l = lookup{hex.EncodeToString(e.Digest[:]), e.Bytes, true, e.Bundled, e.Path}
		}
		if len(known) < 1000 {
			known[key] = l
		}
		return l
	}
}

// add counts a member and returns its object.
func (o *infoObject) add(m *archive.Member, look func(*archive.Model) lookup) memberObject {
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
	switch sum := hex.EncodeToString(m.Sum[:]); {
	case m.HasSum && m.Header.Digests:
		mo.DigestsSHA256 = sum
	case m.HasSum:
		mo.SHA256 = sum
	}
	if p := m.Header.Part; p != nil {
		mo.Part, mo.Parts, mo.PartsBytes = p.Number, p.Of, p.Total
	}
	if model := m.Header.Model; model != nil {
		mo.Model, mo.ModelSHA256, mo.Numerics, mo.Runtime = model.Name, hex.EncodeToString(model.Digest), model.Numerics, model.Runtime
		mo.Portability = portabilityName(predict.Portability(model.Portability))
		l := look(model)
		if mo.ModelIsHere = l.here; l.here {
			mo.ModelSHA256, weights = l.digest, l.bytes
			mo.ModelBundled, mo.ModelPath = l.bundled, l.path
		}
	}
	for i := range m.Blocks {
		b := &m.Blocks[i]
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
	if m.Header.Model != nil && m.Header.Model.Numerics != 0 {
		weights = modelMemory(m, mo.ModelPath, weights)
	}
	o.MemoryBytes = max(o.MemoryBytes, engine.ProcessMemory+need+weights)
	o.Blocks += len(m.Blocks)
	o.OriginalBytes += m.Length()
	if o.count == 0 {
		o.model, o.decodes = mo.Model, mo.decodes()
	}
	if mo.Model != o.model {
		o.model = "several"
	}
	if d := mo.decodes(); d != "anywhere" {
		o.decodes = d
	}
	o.count++
	return mo
}

// modelMemory returns about what the model of a member takes when it decodes, from the
// metadata of its file if that is a language model's, else from the file's size.
func modelMemory(m *archive.Member, path string, bytes int64) int64 {
	if ref, ok := engine.ModelRef(m.Header); ok {
		lanes := 0
		for i := range m.Blocks {
			lanes = max(lanes, m.Blocks[i].Lanes)
		}
		if n, err := models.DecodeMemory(path, ref, lanes); err == nil {
			return n
		}
	}
	return 4 * bytes // as stored, as used, and what unpacking leaves behind
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

// printInfo prints o and its members: those that were kept, or all with -v.
// portability says where a member decodes, and with what.
func (m *memberObject) portability() string {
	s := m.Portability
	if m.ModelSHA256 != "" && !m.ModelBundled {
		s += fmt.Sprintf(", with this model file (%s, SHA-256 %.16s…)", m.Model, m.ModelSHA256)
	}
	return s + ": " + portabilityMeaning[m.Portability]
}

func (a *app) printInfo(o infoObject, kept []memberObject, walk func(func(*memberObject) error) (infoObject, error)) error {
	out := bufio.NewWriterSize(a.out(), 1<<16)
	defer out.Flush() // always goes well, as a.out does
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	text.Fprintf(w, "File:\t%s\n", filejob.DisplayName(o.File))
	text.Fprintf(w, "Sizes:\t%s -> %s bytes\n", text.Count(o.OriginalBytes), text.Count(o.CompressedBytes))
	text.Fprintf(w, "Ratio:\t%.2fx, %.3f BPC\n", o.Ratio, o.BPC)
	stored := ""
	if o.StoredBlocks > 0 {
		stored = fmt.Sprintf(", %d stored", o.StoredBlocks)
	}
	text.Fprintf(w, "Blocks:\t%d%s; %s bytes of headers, checksums and index\n", o.Blocks, stored, text.Count(o.OverheadBytes))
	text.Fprintf(w, "Memory:\tabout %s to decode\n", text.Binary(o.MemoryBytes))
	n := 0
	show := func(m *memberObject) error {
		if n++; o.count > 1 {
			text.Fprintf(w, "Member %d:\t%s bytes\n", n, text.Count(m.OriginalBytes))
		}
		a.printMember(w, *m)
		if n%infoKept == 0 {
			return w.Flush() // rather than hold a million lines to align them
		}
		return nil
	}
	if a.verbose && o.count > len(kept) {
		if _, err := walk(show); err != nil {
			return err
		}
		return w.Flush()
	}
	for i := range kept {
		if err := show(&kept[i]); err != nil {
			return err
		}
	}
	if more := o.count - len(kept); more > 0 {
		text.Fprintf(w, "And %s more members; -v shows all.\n", text.Count(int64(more)))
	}
	return w.Flush()
}

func (a *app) printMember(w *tabwriter.Writer, m memberObject) {
	if m.Name != "" {
		text.Fprintf(w, "Original:\t%q\n", m.Name)
	}
	if m.Parts > 0 {
		text.Fprintf(w, "Part:\t%d of %d, of %s bytes in all\n", m.Part, m.Parts, text.Count(m.PartsBytes))
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
	if m.ModelPath != "" {
		text.Fprintf(w, "  is here:\t%s\n", m.ModelPath)
	}
	mixed := "off"
	if m.Mixed {
		mixed = "on"
	}
	text.Fprintf(w, "Mixing:\t%s\n", mixed)
	text.Fprintf(w, "Portability:\t%s\n", m.portability())
	for _, k := range sortedKeys(m.Runtime) {
		text.Fprintf(w, "  %s:\t%s\n", k, m.Runtime[k])
	}
	if m.SHA256 != "" {
		text.Fprintf(w, "Content:\tSHA-256 %s\n", m.SHA256)
	}
	if m.DigestsSHA256 != "" {
		text.Fprintf(w, "Content:\tSHA-256 of the blocks' digests %s\n", m.DigestsSHA256)
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
