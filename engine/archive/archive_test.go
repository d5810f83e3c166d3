package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden archives anew")

// piece is a block to write.
type piece struct {
	block   Block
	payload []byte
}

func stored(s string) piece {
	return piece{Block{Kind: Stored, Length: len(s), Sum: Checksum([]byte(s))}, []byte(s)}
}

func coded(content string, payload []byte, b Block) piece {
	b.Kind, b.Length, b.Sum = Coded, len(content), Checksum([]byte(content))
	if b.Lanes == 0 {
		b.Lanes = 1
	}
	return piece{b, payload}
}

// whole makes a piece the only one.
func whole(p piece) piece {
	p.block.Whole = true
	return p
}

// member is a member to write.
type member struct {
	header  Header
	content string
	pieces  []piece
}

func (m *member) write(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, &m.header)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.pieces {
		if err := w.WriteBlock(&m.pieces[i].block, m.pieces[i].payload); err != nil {
			t.Fatal(err)
		}
	}
	sum, at := NewSummer(&m.header), 0
	for i := range m.pieces {
		sum.Write([]byte(m.content[at:][:m.pieces[i].block.Length]))
		sum.EndBlock()
		at += m.pieces[i].block.Length
	}
	if err := w.Close(sum.Sum()); err != nil {
		t.Fatal(err)
	}
	if w.Size() != int64(out.Len()) || w.ContentSize() != int64(len(m.content)) {
		t.Fatalf("writer says %d and %d bytes, is %d and %d", w.Size(), w.ContentSize(), out.Len(), len(m.content))
	}
	return out.Bytes()
}

var digest = func() []byte { s := sha256.Sum256([]byte("model")); return s[:] }()

// goldens are the archives in testdata and FORMAT.md.
func goldens() map[string]*member {
	gru := &Model{Name: "gru", Digest: digest[:8], Numerics: 1}
	return map[string]*member{
		"empty": {header: Header{Mixer: 1}},
		"stored": {
			header: Header{Name: "hi.txt", Time: time.Unix(1700000000, 5), Mode: 0o644}, content: "hi\n",
			pieces: []piece{whole(stored("hi\n"))},
		},
		"whole": {
			header: Header{Model: gru, Mixer: 1}, content: "abracadabra",
			pieces: []piece{whole(coded("abracadabra", []byte{0xc0, 0xde}, Block{}))},
		},
		"two-blocks": {
			header: Header{Model: gru, Mixer: 1}, content: "aaaaaaaaaab\x00\xff",
			pieces: []piece{coded("aaaaaaaaaa", []byte{0x5e, 0xed}, Block{Lanes: 2, MixerKind: 1}), stored("b\x00\xff")},
		},
		"digests": {
			header: Header{Mixer: 2, Digests: true}, content: "hi\nho\n",
			pieces: []piece{stored("hi\n"), stored("ho\n")},
		},
		"part": {
			header: Header{Mixer: 2, Digests: true, Part: &Part{Number: 2, Of: 3, Total: 7, BlockSize: 3}}, content: "ho\n",
			pieces: []piece{stored("ho\n")},
		},
		"tokens": {
			header: Header{
				Model: &Model{
					Name: "gpt2", Digest: digest, Portability: 1, Tokens: true,
					Runtime: map[string]string{"runtime": "llama.cpp v0.5.0", "cpu": "haswell", "context": "1024"},
				},
			}, content: "to be or not to be",
			pieces: []piece{coded("to be or not to be", []byte{1, 2, 3}, Block{Symbols: 6, ProbeSteps: 4, Probe: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}})},
		},
	}
}

// readAll reads an archive from front to back and checks the payloads.
func readAll(p []byte) (members []member, err error) {
	r := NewReader(bytes.NewReader(p))
	for {
		h, err := r.NextMember()
		if errors.Is(err, io.EOF) {
			return members, nil
		}
		if err != nil {
			return members, err
		}
		members = append(members, member{header: *h})
		m := &members[len(members)-1]
		for {
			b, err := r.NextBlock()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return members, err
			}
			payload, err := r.Payload(nil)
			if err != nil {
				return members, err
			}
			m.pieces = append(m.pieces, piece{*b, payload})
		}
	}
}

func sameHeader(a, b *Header) bool {
	if a.Digests != b.Digests || (a.Part == nil) != (b.Part == nil) || a.Part != nil && *a.Part != *b.Part {
		return false
	}
	if a.Mixer != b.Mixer || a.Name != b.Name || !a.Time.Equal(b.Time) || a.Mode != b.Mode || (a.Model == nil) != (b.Model == nil) {
		return false
	}
	if a.Model == nil {
		return true
	}
	x, y := a.Model, b.Model
	return x.Name == y.Name && bytes.Equal(x.Digest, y.Digest) && x.Numerics == y.Numerics &&
		x.Portability == y.Portability && x.Tokens == y.Tokens && maps.Equal(x.Runtime, y.Runtime)
}

func checkMember(t *testing.T, got, want *member) {
	t.Helper()
	if !sameHeader(&got.header, &want.header) {
		t.Errorf("header %+v, want %+v", got.header, want.header)
	}
	if len(got.pieces) != len(want.pieces) {
		t.Fatalf("%d blocks, want %d", len(got.pieces), len(want.pieces))
	}
	for i := range got.pieces {
		if g, w := got.pieces[i], want.pieces[i]; g.block != w.block || !bytes.Equal(g.payload, w.payload) {
			t.Errorf("block %d is %+v, want %+v", i, g, w)
		}
	}
}

// TestMemberSize foretells what a member with one whole block takes.
func TestMemberSize(t *testing.T) {
	model := &Model{Name: "gru", Digest: make([]byte, 8), Numerics: 1}
	for _, h := range []*Header{{}, {Mixer: 2}, {Mixer: 3, Name: "a.txt", Mode: 0o644}, {Model: model}, {Model: model, Mixer: 3}} {
		for _, size := range []int{1, 200, 20_000} {
			b := &Block{Kind: Coded, Length: size + 1, Lanes: 1, Whole: true, Size: size}
			if h.Model == nil && h.Mixer == 0 {
				b.Kind, b.Length = Stored, size
			}
			want := MemberSize(h, b)
			var out bytes.Buffer
			w, err := NewWriter(&out, h)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.WriteBlock(b, make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			if err := w.Close([32]byte{}, nil); err != nil || out.Len() != want {
				t.Errorf("%+v, %d bytes of payload: %d, foretold %d, %v", h, size, out.Len(), want, err)
			}
		}
	}
	if got := MemberSize(&Header{}, &Block{Kind: Coded, Length: 2, Size: 1, Lanes: 1}); got != 0 {
		t.Errorf("a block that cannot be: %d", got)
	}
}

func TestGolden(t *testing.T) {
	for name, m := range goldens() {
		t.Run(name, func(t *testing.T) {
			made := m.write(t)
			path := filepath.Join("testdata", name+".llmz")
			if *update {
				if err := os.WriteFile(path, made, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(made, want) {
				t.Errorf("the format has changed:\n%s\nwas\n%s", hex.Dump(made), hex.Dump(want))
			}
			got, err := readAll(want)
			if err != nil || len(got) != 1 {
				t.Fatalf("%d members, %v", len(got), err)
			}
			checkMember(t, &got[0], m)
		})
	}
}

// TestFormatDocument makes sure that the annotated bytes in FORMAT.md are those of
// the golden archives.
func TestFormatDocument(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range goldens() {
		var got []byte
		_, section, found := strings.Cut(string(doc), "### `"+name+".llmz`")
		if !found {
			t.Errorf("%s.llmz is not in FORMAT.md", name)
			continue
		}
		_, section, _ = strings.Cut(section, "```\n")
		section, _, _ = strings.Cut(section, "```")
		for _, line := range strings.Split(section, "\n") {
			code, _, _ := strings.Cut(line, "|")
			p, err := hex.DecodeString(strings.ReplaceAll(code, " ", ""))
			if err != nil {
				t.Fatalf("%s: line %q: %v", name, line, err)
			}
			got = append(got, p...)
		}
		if want := m.write(t); !bytes.Equal(got, want) {
			t.Errorf("%s in FORMAT.md:\n%s\nwant\n%s", name, hex.Dump(got), hex.Dump(want))
		}
	}
}

func TestConcatenation(t *testing.T) {
	var all []byte
	names := slices.Sorted(maps.Keys(goldens()))
	for _, name := range names {
		all = append(all, goldens()[name].write(t)...)
	}
	got, err := readAll(all)
	if err != nil || len(got) != len(names) {
		t.Fatalf("%d members, %v", len(got), err)
	}
	listed, err := List(bytes.NewReader(all), int64(len(all)))
	if err != nil || len(listed) != len(names) {
		t.Fatalf("%d members listed, %v", len(listed), err)
	}
	content := int64(0)
	for i, name := range names {
		want := goldens()[name]
		want.write(t) // fills in offsets
		checkMember(t, &got[i], want)
		if l := listed[i]; l.Content != content || l.Length() != int64(len(want.content)) || len(l.Blocks) != len(want.pieces) {
			t.Errorf("%s is listed as %+v", name, l)
		}
		content += int64(len(want.content))
	}
	if _, err := readAll(append(all, "and something else"...)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("something after the end: %v", err)
	}
}

// seek reads block n and its payload.
func seek(k *Seeker, n int) (*Block, []byte, error) {
	b, err := k.Block(n)
	if err != nil {
		return nil, nil, err
	}
	payload, err := k.Payload(nil)
	return b, payload, err
}

func TestSeeker(t *testing.T) {
	m := goldens()["two-blocks"]
	p := m.write(t)
	k, err := NewSeeker(bytes.NewReader(p), int64(len(p)))
	if err != nil {
		t.Fatal(err)
	}
	for n := range m.pieces {
		b, payload, err := seek(k, n)
		if err != nil || *b != m.pieces[n].block || !bytes.Equal(payload, m.pieces[n].payload) {
			t.Errorf("block %d: %+v, %v", n, b, err)
		}
	}
	one := goldens()["whole"]
	w := one.write(t)
	if k, err = NewSeeker(bytes.NewReader(w), int64(len(w))); err != nil || k.Blocks() != 1 {
		t.Fatalf("a whole block: %v", err)
	}
	if b, payload, err := seek(k, 0); err != nil || *b != one.pieces[0].block || !bytes.Equal(payload, one.pieces[0].payload) {
		t.Errorf("a whole block: %+v, %v", b, err)
	}
	for n := range w {
		if _, err := NewSeeker(bytes.NewReader(w[:n]), int64(n)); err == nil {
			t.Errorf("the first %d of %d bytes are a whole block", n, len(w))
		}
	}
	twice := append(bytes.Clone(p), p...)
	for _, two := range [][]byte{append(bytes.Clone(w), w...), append(bytes.Clone(w), p...), append(bytes.Clone(p), w...)} {
		if _, err := NewSeeker(bytes.NewReader(two), int64(len(two))); !errors.Is(err, ErrNoIndex) {
			t.Errorf("two members: %v", err)
		}
	}
	if _, err := NewSeeker(bytes.NewReader(twice), int64(len(twice))); !errors.Is(err, ErrNoIndex) {
		t.Errorf("two members: %v", err)
	}
	for n := range p {
		if _, err := NewSeeker(bytes.NewReader(p[:n]), int64(n)); err == nil {
			t.Errorf("the first %d of %d bytes have an index", n, len(p))
		}
	}
}

func TestOverhead(t *testing.T) {
	content := strings.Repeat("x", 152089)
	payload := make([]byte, 3000)
	m := member{
		header:  Header{Model: &Model{Name: "gru", Digest: digest[:8], Numerics: 1}, Mixer: 1, Name: "alice29.txt", Time: time.Unix(1700000000, 123456789), Mode: 0o644},
		content: content, pieces: []piece{whole(coded(content, payload, Block{Lanes: 16}))},
	}
	if n := len(m.write(t)) - len(payload); n > 70 {
		t.Errorf("header and checksums of a one-block archive take %d bytes, at most 70 are wanted", n)
	}
}

func TestDamage(t *testing.T) {
	for name, m := range goldens() {
		p := m.write(t)
		for n := range p {
			if _, err := readAll(p[:n]); !errors.Is(err, ErrTruncated) {
				t.Errorf("%s: %d of %d bytes: %v", name, n, len(p), err)
			}
			if _, err := List(bytes.NewReader(p), int64(n)); !errors.Is(err, ErrTruncated) {
				t.Errorf("%s: listing %d of %d bytes: %v", name, n, len(p), err)
			}
		}
		for i := range 8 * len(p) {
			q := bytes.Clone(p)
			q[i/8] ^= 1 << (i % 8)
			var e *Error
			if _, err := readAll(q); !errors.As(err, &e) || e.Class == nil {
				t.Errorf("%s: bit %d of byte %d: %v", name, i%8, i/8, err)
			}
		}
	}
}

// reseal corrects the header's checksum after a change.
func reseal(p []byte, size int) []byte {
	h := Checksum(p[:size-4])
	p[size-4], p[size-3], p[size-2], p[size-1] = byte(h), byte(h>>8), byte(h>>16), byte(h>>24)
	return p
}

func TestUnknownFeatures(t *testing.T) {
	p := goldens()["empty"].write(t)
	const size = 4 + 1 + 1 + 2 + 4
	version := bytes.Clone(p)
	version[4] = 2
	flags := slices.Concat(p[:5], []byte{3, 0x82, 0x02}, p[7:]) // the lowest bit above those that are known
	for name, p := range map[string][]byte{"version": reseal(version, size), "flags": reseal(flags, size+1)} {
		if _, err := readAll(p); !errors.Is(err, ErrUnsupported) {
			t.Errorf("unknown %s: %v", name, err)
		}
	}
	if _, err := readAll([]byte("hello")); !errors.Is(err, ErrNotArchive) {
		t.Errorf("no archive: %v", err)
	}
}

// TestHostileHeaders parses records that are well sealed but break the rules.
func TestHostileHeaders(t *testing.T) {
	head := func(fields ...byte) []byte {
		p := append([]byte(Magic), Version, byte(len(fields)))
		p = append(p, fields...)
		return reseal(append(p, 0, 0, 0, 0), len(p)+4)
	}
	for name, p := range map[string][]byte{
		"no flags":           head(),
		"left-over bytes":    head(0, 0),
		"long varint":        head(0x80, 0),
		"mixer 0":            head(flagMixer, 0),
		"runtime, no model":  head(flagRuntime),
		"model without name": head(flagModel, 0, 0, 0),
		"long digest":        head(flagModel, 1, 'x', 33),
		"name with slash":    head(flagName, 3, 'a', '/', 'b'),
		"name is dots":       head(flagName, 2, '.', '.'),
		"name with NUL":      head(flagName, 1, 0),
		"empty name":         head(flagName, 0),
		"name too long":      head(flagName, 200),
		"too many nanos":     head(flagTime, 255, 255, 255, 255, 0, 0, 0, 0),
		"huge mode":          head(flagMode, 0x80, 0x20),
		"no settings":        head(flagModel|flagRuntime, 1, 'x', 0, 0, 0),
		"settings order":     head(flagModel|flagRuntime, 1, 'x', 0, 0, 2, 1, 'b', 0, 1, 'a', 0),
		"huge numerics":      head(flagModel, 1, 'x', 0, 0x80, 0x80, 0x80, 0x80, 0x80, 1),
	} {
		if _, err := readAll(p); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A header that claims more than there can be is refused before it is read.
	if _, err := readAll(append([]byte(Magic), Version, 0xff, 0xff, 0x7f)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("huge header: %v", err)
	}
}

func TestWriterRefuses(t *testing.T) {
	for name, h := range map[string]Header{
		"a path":           {Name: "a/b"},
		"a long name":      {Name: strings.Repeat("x", MaxName+1)},
		"no model name":    {Model: &Model{}},
		"a long digest":    {Model: &Model{Name: "x", Digest: make([]byte, 33)}},
		"a class":          {Model: &Model{Name: "x", Portability: 3}},
		"an empty setting": {Model: &Model{Name: "x", Runtime: map[string]string{"": ""}}},
	} {
		if _, err := NewWriter(io.Discard, &h); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	w, _ := NewWriter(io.Discard, &Header{Mixer: 1})
	for _, p := range []piece{
		{Block{Kind: Stored}, nil},
		{Block{Kind: Stored, Length: 2}, []byte("x")},
		{Block{Kind: Coded, Length: 2, Lanes: 1}, []byte("xy")},
		{Block{Kind: Coded, Length: 3, Lanes: 4}, []byte("xy")},
		{Block{Kind: Coded, Length: 3}, []byte("xy")},
		{Block{Kind: 7, Length: 1}, []byte("x")},
	} {
		if err := w.WriteBlock(&p.block, p.payload); err == nil {
			t.Errorf("block %+v is accepted", p.block)
		}
	}
	for _, first := range []piece{stored("x"), whole(stored("x"))} {
		w, _ := NewWriter(io.Discard, &Header{})
		second := stored("y")
		second.block.Whole = !first.block.Whole
		if err := w.WriteBlock(&first.block, first.payload); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteBlock(&second.block, second.payload); err == nil {
			t.Errorf("a second block is accepted after %+v", first.block)
		}
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{"a": "a", "/x/y.txt": "y.txt", `C:\b`: "b", "..": "", "x/": "", "a\x00": "", "": ""} {
		if got := CleanName(in); got != want {
			t.Errorf("CleanName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestHeaderTimes(t *testing.T) {
	for _, want := range []time.Time{time.Unix(0, 1), time.Unix(-5, 999_999_999), time.Unix(1<<33-1, 0), time.Unix(-1<<33, 0)} {
		h := Header{Time: want}
		p, err := h.append(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _, _, err := parseHeader(p)
		if err != nil || !got.Time.Equal(want) {
			t.Errorf("%v came back as %v, %v", want, got, err)
		}
	}
	for _, lost := range []time.Time{{}, time.Unix(1<<33, 0)} {
		h := Header{Time: lost}
		p, _ := h.append(nil)
		if got, _, _, err := parseHeader(p); err != nil || !got.Time.IsZero() {
			t.Errorf("%v came back as %v, %v", lost, got, err)
		}
	}
}

func TestReversedUvarint(t *testing.T) {
	for _, v := range []uint64{0, 1, 127, 128, 300, 1 << 20, 1<<62 - 1} {
		p := appendReversed([]byte{0xff, 0xff}, v)
		if got, n := reversedUvarint(p); got != v || n != len(p)-2 {
			t.Errorf("%d came back as %d in %d of %d bytes", v, got, n, len(p)-2)
		}
	}
	for _, p := range [][]byte{nil, {0x80}, bytes.Repeat([]byte{0x80}, 20), {0, 0x80}} {
		if _, n := reversedUvarint(p); n != 0 {
			t.Errorf("% x is read as a number of %d bytes", p, n)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, m := range goldens() {
		p := m.write(f)
		f.Add(p)
		f.Add(append(bytes.Clone(p), p...))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		members, err := readAll(p)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("error without a place: %v", err)
		}
		listed, listErr := List(bytes.NewReader(p), int64(len(p)))
		if err == nil && (listErr != nil || len(listed) != len(members)) {
			t.Fatalf("readable, but not listable: %v", listErr)
		}
		if err == nil {
			// What can be read is what would be written.
			var again []byte
			for i := range members {
				m := &members[i]
				sum := listed[i].Sum
				var out bytes.Buffer
				w, err := NewWriter(&out, &m.header)
				if err != nil {
					t.Fatal(err)
				}
				for j := range m.pieces {
					if err := w.WriteBlock(&m.pieces[j].block, m.pieces[j].payload); err != nil {
						t.Fatal(err)
					}
				}
				w.Close(sum, listed[i].Digests)
				again = append(again, out.Bytes()...)
			}
			if !bytes.Equal(again, p) {
				t.Fatalf("written again it differs:\n%s\n%s", hex.Dump(p), hex.Dump(again))
			}
		}
		scan := NewScanner(bytes.NewReader(p), int64(len(p)))
		for n := 0; ; n++ {
			f, serr := scan.Next()
			if errors.Is(serr, io.EOF) {
				break
			}
			if serr != nil {
				t.Fatalf("scanning: %v", serr)
			}
			if err == nil && f.Block == nil {
				t.Fatalf("gap in an intact archive: %v", f.Err)
			}
			if n > len(p) {
				t.Fatal("more blocks and gaps than bytes")
			}
		}
		if pre, err := ReadPrefix(bytes.NewReader(p), int64(len(p))); err == nil && pre.Size > int64(len(p)) {
			t.Fatalf("prefix of %d bytes in %d", pre.Size, len(p))
		}
	})
}

func ExampleList() {
	var file bytes.Buffer
	w, _ := NewWriter(&file, &Header{Mixer: 1, Name: "greeting"})
	content := []byte("hello")
	w.WriteBlock(&Block{Kind: Stored, Length: len(content), Sum: Checksum(content)}, content)
	w.Close(sha256.Sum256(content), nil)

	members, err := List(bytes.NewReader(file.Bytes()), int64(file.Len()))
	fmt.Println(members[0].Header.Name, members[0].Length(), err)
	// Output: greeting 5 <nil>
}
