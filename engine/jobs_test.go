package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestReadRange(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")
	single, _ := compress(t, data, Options{Model: newFakeModel("a"), NoMix: true})
	many, _ := compress(t, data, Options{Model: newFakeModel("a"), NoMix: true, BlockSize: 1000})
	noIndex := bytes.Clone(many)
	noIndex[len(noIndex)-1] ^= 0xff
	twice := append(bytes.Clone(many), single...)
	archives := map[string]struct{ ar, content []byte }{
		"one block":   {single, data},
		"many blocks": {many, data},
		"two members": {twice, append(bytes.Clone(data), data...)},
	}
	n := int64(len(data))
	for name, a := range archives {
		for _, r := range [][2]int64{{0, 0}, {0, 1}, {0, -1}, {999, 1001}, {1000, 2000}, {3456, 3457}, {n - 1, n}, {n - 5, -1}, {5, 5}, {n - 10, n + 10}, {3 * n, 4 * n}, {0, n}} {
			var out bytes.Buffer
			res, err := ReadRange(context.Background(), &out, bytes.NewReader(a.ar), int64(len(a.ar)), r[0], r[1], ReadOptions{Models: resolver()})
			if err != nil {
				t.Fatalf("%s, range %v: %v", name, r, err)
			}
			hi := int64(len(a.content))
			if r[1] >= 0 {
				hi = min(hi, r[1])
			}
			want := a.content[min(r[0], hi):hi]
			if !bytes.Equal(out.Bytes(), want) {
				t.Errorf("%s, range %v: %d bytes, want %d", name, r, out.Len(), len(want))
			}
			if most := len(want)/1000 + 2; name == "many blocks" && res.Blocks > most {
				t.Errorf("%s, range %v: %d blocks decoded, at most %d are needed", name, r, res.Blocks, most)
			}
		}
	}
	// Damage elsewhere does no harm.
	var out bytes.Buffer
	if _, err := ReadRange(context.Background(), &out, bytes.NewReader(noIndex), int64(len(noIndex)), 5, 10, ReadOptions{Models: resolver()}); !typed(err) {
		t.Errorf("damaged index: %v", err)
	}
	many[len(many)/2] ^= 1
	if _, err := ReadRange(context.Background(), &out, bytes.NewReader(many), int64(len(many)), 0, 900, ReadOptions{Models: resolver()}); err != nil {
		t.Errorf("damage in another block: %v", err)
	}
	if _, err := ReadRange(context.Background(), &out, bytes.NewReader(many), int64(len(many)), 0, -1, ReadOptions{Models: resolver()}); !typed(err) {
		t.Errorf("damage in a block wanted: %v", err)
	}
	if _, err := ReadRange(context.Background(), &out, bytes.NewReader(many), int64(len(many)), 7, 3, ReadOptions{}); !errors.Is(err, ErrOptions) {
		t.Errorf("range from 7 to 3: %v", err)
	}
}

func TestResume(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")
	o := Options{Model: newFakeModel("a"), NoMix: true, BlockSize: 1000, Meta: Meta{Name: "x"}}
	whole, _ := compress(t, data, o)
	open := func(t *testing.T, content []byte) *os.File {
		f, err := os.OpenFile(filepath.Join(t.TempDir(), "x.part"), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		if _, err := f.Write(content); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for n := 0; n <= len(whole); n += 97 {
		f := open(t, whole[:n])
		res, err := Resume(context.Background(), f, bytes.NewReader(data), o)
		if err != nil {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		got, _ := os.ReadFile(f.Name())
		if !bytes.Equal(got, whole) {
			t.Fatalf("after %d bytes: the archive differs from an uninterrupted one", n)
		}
		if res.OriginalBytes != int64(len(data)) || res.CompressedBytes != int64(len(whole)) || res.Blocks != 11 || res.Symbols != int64(len(data)) {
			t.Fatalf("after %d bytes: result %+v", n, res)
		}
		if n > len(whole)/2 && res.Resumed < 4000 {
			t.Errorf("after %d bytes: only %d bytes were taken over", n, res.Resumed)
		}
	}
	// Damage in the middle: what follows is written anew.
	p := bytes.Clone(whole)
	p[len(p)/2] ^= 4
	f := open(t, p)
	if _, err := Resume(context.Background(), f, bytes.NewReader(data), o); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(f.Name()); !bytes.Equal(got, whole) {
		t.Error("after damage: the archive differs")
	}
	// A complete archive stays as it is; one of a file that has grown goes on.
	f = open(t, whole)
	if _, err := Resume(context.Background(), f, bytes.NewReader(data), o); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(f.Name()); !bytes.Equal(got, whole) {
		t.Error("a complete archive has changed")
	}
	refused := map[string]struct {
		content []byte
		input   []byte
		change  func(*Options)
	}{
		"another input":  {whole[:len(whole)/2], append([]byte{'?'}, data...), nil},
		"shorter input":  {whole[:len(whole)/2], data[:1500], nil},
		"another model":  {whole[:len(whole)/2], data, func(o *Options) { o.Model = newFakeModel("b") }},
		"another mixing": {whole[:len(whole)/2], data, func(o *Options) { o.NoMix = false }},
		"no archive":     {[]byte("something else altogether"), data, nil},
	}
	for name, test := range refused {
		f := open(t, test.content)
		o := o
		if test.change != nil {
			test.change(&o)
		}
		if _, err := Resume(context.Background(), f, bytes.NewReader(test.input), o); !errors.Is(err, ErrNotResumable) {
			t.Errorf("%s: %v", name, err)
		}
		if got, _ := os.ReadFile(f.Name()); !bytes.Equal(got, test.content) {
			t.Errorf("%s: the refused file has changed", name)
		}
	}
}

func TestVerify(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")
	ar, _ := compress(t, data, Options{Model: newFakeModel("a"), NoMix: true, BlockSize: 3000})
	verify := func(original []byte) error {
		res, err := Verify(context.Background(), bytes.NewReader(ar), bytes.NewReader(original), ReadOptions{Models: resolver()})
		if res.Verified != (err == nil) {
			t.Errorf("verified is %v with error %v", res.Verified, err)
		}
		return err
	}
	if err := verify(data); err != nil {
		t.Error(err)
	}
	other := bytes.Clone(data)
	other[7000]++
	for name, original := range map[string][]byte{"a byte differs": other, "longer": append(bytes.Clone(data), 0), "shorter": data[:5000], "empty": nil} {
		if err := verify(original); !errors.Is(err, ErrDiffers) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if res, err := Verify(context.Background(), bytes.NewReader(ar), nil, ReadOptions{Models: resolver()}); err != nil || !res.Verified {
		t.Errorf("without an original: %v", err)
	}
}

func TestEvents(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")
	check := func(t *testing.T, events []Event, res Result, dir Direction) {
		t.Helper()
		if len(events) < 4 {
			t.Fatalf("%d events", len(events))
		}
		s, ok := events[0].(Started)
		if !ok || s.Direction != dir || s.Model.Name != "a" || s.TotalBytes != int64(len(data)) || s.Lanes != 4 || !s.Mixed {
			t.Errorf("first event is %+v", events[0])
		}
		f, ok := events[len(events)-1].(Finished)
		if !ok || f.Err != nil || f.Result.OriginalBytes != res.OriginalBytes {
			t.Errorf("last event is %+v", events[len(events)-1])
		}
		blocks, progress := 0, 0
		var last Progress
		for _, e := range events[1 : len(events)-1] {
			switch e := e.(type) {
			case BlockDone:
				if e.Block != blocks {
					t.Errorf("block %d done after %d", e.Block, blocks-1)
				}
				blocks++
			case Progress:
				if e.Bytes < last.Bytes || e.Bytes > int64(len(data)) || e.Symbols < last.Symbols {
					t.Errorf("progress %+v after %+v", e, last)
				}
				last = e
				progress++
			default:
				t.Errorf("unexpected event %+v", e)
			}
		}
		if blocks != 3 || progress < 3 {
			t.Errorf("%d blocks, %d progress events", blocks, progress)
		}
		if res.Profile[StageInfer] <= 0 || res.Profile[StageMix] <= 0 {
			t.Errorf("profile %v", res.Profile)
		}
		if sum := res.Profile.Total(); sum < res.Elapsed {
			t.Errorf("stages add up to %v of %v", sum, res.Elapsed)
		}
	}
	var events []Event
	observer := func(e Event) { events = append(events, e) }
	for _, threads := range []int{1, 12} {
		events = nil
		var ar bytes.Buffer
		res, err := Compress(context.Background(), &ar, bytes.NewReader(data), Options{
			Model: newFakeModel("a"), Size: int64(len(data)), Observer: observer, ProgressInterval: 1, Lanes: 4, BlockSize: 4000, Threads: threads,
		})
		if err != nil {
			t.Fatal(err)
		}
		check(t, events, res, Compressing)
		events = nil
		res, err = Decompress(context.Background(), io.Discard, bytes.NewReader(ar.Bytes()), ReadOptions{Models: resolver(), Observer: observer, ProgressInterval: 1, Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		check(t, events, res, Decompressing)
	}
}

func TestCancellation(t *testing.T) {
	m := newFakeModel("a")
	m.slow = time.Millisecond
	data := bytes.Repeat(readFile(t, "canterbury_small.bin"), 20)
	for _, o := range []Options{{Model: m, NoMix: true}, {Model: m, Threads: 2}, {Model: m, Threads: 16, BlockSize: 10_000}} {
		ctx, cancel := context.WithCancel(context.Background())
		o.Observer = func(e Event) {
			if _, ok := e.(Started); ok {
				cancel()
			}
		}
		var out bytes.Buffer
		if _, err := Compress(ctx, &out, bytes.NewReader(data), o); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if n := m.open.Load(); n != 0 {
			t.Errorf("%d sessions are left open", n)
		}
	}
	ar, _ := compress(t, data[:5000], Options{Model: newFakeModel("a"), NoMix: true})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Decompress(ctx, io.Discard, bytes.NewReader(ar), ReadOptions{Models: fakeResolver{m}}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestModelErrors(t *testing.T) {
	m := newFakeModel("a")
	m.fail = errors.New("out of order")
	for _, o := range []Options{{Model: m}, {Model: m, NoMix: true}, {Model: m, Threads: 16, BlockSize: 1000}} {
		_, err := Compress(context.Background(), io.Discard, bytes.NewReader(make([]byte, 20_000)), o)
		var be *BlockError
		if !errors.Is(err, m.fail) || !errors.As(err, &be) {
			t.Errorf("failing model: %v", err)
		}
		if n := m.open.Load(); n != 0 {
			t.Errorf("%d sessions are left open", n)
		}
	}
}

func TestReadAndWriteErrors(t *testing.T) {
	boom := errors.New("boom")
	data := readFile(t, "canterbury_small.bin")
	o := Options{Model: newFakeModel("a"), NoMix: true, BlockSize: 2000}
	if _, err := Compress(context.Background(), io.Discard, io.MultiReader(bytes.NewReader(data), &failing{boom}), o); !errors.Is(err, boom) {
		t.Errorf("failing input: %v", err)
	}
	for _, n := range []int{0, 50, 1000, 3000} {
		if _, err := Compress(context.Background(), &limitedWriter{n}, bytes.NewReader(data), o); !errors.Is(err, errFull) {
			t.Errorf("output full after %d: %v", n, err)
		}
	}
	ar, _ := compress(t, data, o)
	if _, err := Decompress(context.Background(), &limitedWriter{5000}, bytes.NewReader(ar), ReadOptions{Models: resolver()}); !errors.Is(err, errFull) {
		t.Errorf("output full: %v", err)
	}
	if _, err := Decompress(context.Background(), io.Discard, io.MultiReader(bytes.NewReader(ar[:500]), &failing{boom}), ReadOptions{Models: resolver()}); !errors.Is(err, boom) {
		t.Errorf("failing archive: %v", err)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"no model":          {},
		"nothing":           {NoModel: true, NoMix: true},
		"huge blocks":       {NoModel: true, BlockSize: 1<<30 + 1},
		"negative blocks":   {NoModel: true, BlockSize: -1},
		"too many lanes":    {NoModel: true, Lanes: 5000},
		"bytes from tokens": {Model: newFakeTokenModel().fakeModel},
	} {
		if _, err := NewWriter(io.Discard, o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")
	var me *MemoryError
	_, err := NewWriter(io.Discard, Options{Model: newFakeModel("a"), MemoryLimit: 10 << 20})
	if !errors.As(err, &me) || me.Need <= 10<<20 || me.Limit != 10<<20 {
		t.Fatalf("10 MiB for blocks of 16: %v", err)
	}
	if _, err := NewWriter(io.Discard, Options{Model: newFakeModel("a"), MemoryLimit: me.Need}); err != nil {
		t.Errorf("with exactly what it asked for: %v", err)
	}
	ar, _ := compress(t, data, Options{Model: newFakeModel("a")})
	if _, _, err := decompress(ar, ReadOptions{Models: resolver(), MemoryLimit: 1 << 20}); !errors.As(err, &me) {
		t.Errorf("decompressing in 1 MiB: %v", err)
	}
	if got, _, err := decompress(ar, ReadOptions{Models: resolver(), MemoryLimit: me.Need}); err != nil || !bytes.Equal(got, data) {
		t.Errorf("with exactly what it asked for: %v", err)
	}
}

func TestIncompressibleBlocksAreGivenUpEarly(t *testing.T) {
	data := randomBytes(1 << 20)
	m := newFakeModel("a")
	m.lanes = 16
	seen := int64(0)
	_, res := compress(t, data, Options{Model: m, NoMix: true, ProgressInterval: 1, Observer: func(e Event) {
		if p, ok := e.(Progress); ok && p.Symbols > seen {
			seen = p.Symbols
		}
	}})
	if res.StoredBlocks != 1 || seen > 20_000 {
		t.Errorf("%d stored blocks, after %d symbols", res.StoredBlocks, seen)
	}
	// What looks random, but comes twice, is worth the effort.
	twice := append(bytes.Clone(data[:33_333]), data[:33_333]...)
	m.lanes = 1
	ar, res := compress(t, twice, Options{Model: m})
	if res.StoredBlocks != 0 || len(ar) > 40_000 {
		t.Errorf("33,333 random bytes, twice: %d bytes, %d blocks stored", len(ar), res.StoredBlocks)
	}
}
