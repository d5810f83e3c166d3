package checkpoint

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// zipped makes an archive as torch.save does: name, content, name, content, …
func zipped(t testing.TB, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: parts[i], Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(parts[i+1]))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func str(s string) string { return fmt.Sprintf("\x8c%c%s", len(s), s) }

func num(n int) string {
	return "J" + string(binary.LittleEndian.AppendUint32(nil, uint32(n)))
}

func nums(v ...int) string {
	s := "("
	for _, n := range v {
		s += num(n)
	}
	return s + "t"
}

// pickled makes a tensor in protocol 4: of that storage's class and key, so many
// elements, with an offset, a shape and strides.
func pickled(class, key string, count, offset int, shape, stride []int) string {
	return str("torch._utils") + str("_rebuild_tensor_v2") + "\x93((" + str("storage") + str("torch") + str(class) + "\x93" +
		str(key) + str("cpu") + num(count) + "tQ" + num(offset) + nums(shape...) + nums(stride...) + "\x89" +
		str("collections") + str("OrderedDict") + "\x93)RtR"
}

func dictOf(items ...string) string { return "}(" + strings.Join(items, "") + "u" }

func floats(v ...float32) string {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return string(b)
}

func saved(t testing.TB, root string, data ...string) []byte {
	return zipped(t, append([]string{"a/data.pkl", "\x80\x04" + root + "."}, data...)...)
}

func parse(b []byte) (map[string]*Tensor, error) { return Parse(bytes.NewReader(b), int64(len(b))) }

// values reads all of a tensor.
func values(t *testing.T, x *Tensor) []float32 {
	t.Helper()
	if x == nil {
		t.Fatal("the tensor is missing")
	}
	v := make([]float32, x.Elements())
	if err := x.Read(v, 0); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestViews(t *testing.T) {
	data := floats(0, 1, 2, 3, 4, 5, 6, 7)
	for name, c := range map[string]struct {
		offset        int
		shape, stride []int
		want          []float32
	}{
		"vector":     {1, []int{3}, []int{1}, []float32{1, 2, 3}},
		"every 2nd":  {0, []int{3}, []int{2}, []float32{0, 2, 4}},
		"matrix":     {2, []int{2, 3}, []int{3, 1}, []float32{2, 3, 4, 5, 6, 7}},
		"transposed": {0, []int{2, 3}, []int{1, 2}, []float32{0, 2, 4, 1, 3, 5}},
		"columns":    {0, []int{2, 2}, []int{4, 1}, []float32{0, 1, 4, 5}},
		"sparse":     {0, []int{2, 2}, []int{4, 2}, []float32{0, 2, 4, 6}},
		"scalar":     {3, nil, nil, []float32{3}},
		"one row":    {4, []int{1, 2}, []int{77, 1}, []float32{4, 5}},
		"one column": {4, []int{2, 1}, []int{1, 77}, []float32{4, 5}},
		"repeated":   {0, []int{2, 2}, []int{0, 1}, []float32{0, 1, 0, 1}},
	} {
		ts, err := parse(saved(t, dictOf(str("x")+pickled("FloatStorage", "0", 8, c.offset, c.shape, c.stride)), "a/data/0", data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := values(t, ts["x"]); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if len(c.shape) == 2 { // row by row is the same
			for r := range c.shape[0] {
				row := make([]float32, c.shape[1])
				if err := ts["x"].Read(row, r); err != nil || fmt.Sprint(row) != fmt.Sprint(c.want[r*c.shape[1]:(r+1)*c.shape[1]]) {
					t.Errorf("%s, row %d: %v %v", name, r, row, err)
				}
			}
		}
	}
}

// TestUnusual: checkpoints as they are met, all with the tensor w = [1 2].
func TestUnusual(t *testing.T) {
	w := func(name string) string {
		return str(name) + pickled("FloatStorage", "0", 2, 0, []int{2}, []int{1})
	}
	data := []string{"a/data/0", floats(1, 2)}
	var big []byte
	for _, x := range []float32{1, 2} {
		big = binary.BigEndian.AppendUint32(big, math.Float32bits(x))
	}
	for name, b := range map[string][]byte{
		"plain":              saved(t, dictOf(w("w")), data...),
		"DistributedData":    saved(t, dictOf(w("module.w")), data...),
		"compiled and so on": saved(t, dictOf(w("_orig_mod.module.w")), data...),
		"nested":             saved(t, dictOf(str("epoch")+num(3), str("state_dict")+dictOf(w("w"))), data...),
		"nested twice":       saved(t, dictOf(str("model")+dictOf(str("module")+dictOf(w("w")))), data...),
		"big-endian":         saved(t, dictOf(w("w")), "a/byteorder", "big", "a/data/0", string(big)),
		"little-endian":      saved(t, dictOf(w("w")), append(data, "a/byteorder", "little\n")...),
		"with a mask":        saved(t, dictOf(w("w"), str("m")+pickled("BoolStorage", "1", 9, 0, []int{3, 3}, []int{3, 1})), append(data, "a/data/1", "123456789")...),
		"a parameter": saved(t, dictOf(str("w")+str("torch._utils")+str("_rebuild_parameter")+"\x93("+
			pickled("FloatStorage", "0", 2, 0, []int{2}, []int{1})+"\x89}tR"), data...),
		"a subclass": saved(t, dictOf(str("w")+str("torch._tensor")+str("_rebuild_from_type_v2")+"\x93("+
			str("torch._utils")+str("_rebuild_tensor_v2")+"\x93"+str("torch")+str("Tensor")+"\x93"+
			"(("+str("storage")+str("torch")+str("FloatStorage")+"\x93"+str("0")+str("cpu")+num(2)+"tQ"+num(0)+nums(2)+nums(1)+"\x89}t}tR"), data...),
		"untyped": saved(t, dictOf(str("w")+str("torch._utils")+str("_rebuild_tensor_v3")+"\x93("+
			"("+str("storage")+str("torch.storage")+str("UntypedStorage")+"\x93"+str("0")+str("cpu")+num(8)+"tQ"+num(0)+nums(2)+nums(1)+
			"\x89}"+str("torch")+str("float32")+"\x93}tR"), data...),
		"Python 2's dictionary": saved(t, str("collections")+str("OrderedDict")+"\x93(]]("+w("w")+"ea"+"tR", data...),
		"texts of protocol 0":   saved(t, "(I3\nS'a'\nVb\ngx\n"[:0]+dictOf(w("w"), str("n")+"I01\n", str("l")+"L99999999999999999999L\n", str("f")+"F1.5\n"), data...),
	} {
		ts, err := parse(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if ts = trimNames(ts); fmt.Sprint(values(t, ts["w"])) != "[1 2]" {
			t.Errorf("%s: %v", name, values(t, ts["w"]))
		}
	}
}

// doubling makes tuples of tuples: 2^n elements in 5n bytes.
func doubling(n int) string { return ")q\x00" + strings.Repeat("h\x00h\x00\x86q\x00", n) + "h\x00" }

// hostile are files that must be refused, whatever they cost the reader.
func hostile(t testing.TB) map[string][]byte {
	x := func(count, offset int, shape, stride []int) []byte {
		return saved(t, dictOf(str("x")+pickled("FloatStorage", "0", count, offset, shape, stride)), "a/data/0", floats(0, 1, 2, 3))
	}
	header := func(s string) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, uint64(len(s))), s...)
	}
	self := str("state_dict") + "h\x00"
	return map[string][]byte{
		"a nested persistent id":     saved(t, doubling(60)+"Q"),
		"a nested root":              saved(t, doubling(60)),
		"a nested argument":          saved(t, str("a")+str("b")+"\x93"+doubling(60)+"R"),
		"a class named by a nest":    saved(t, doubling(60)+str("b")+"\x93"),
		"a dictionary of itself":     saved(t, "}q\x00("+self+"u"),
		"text of 4 GB":               saved(t, "X\xff\xff\xff\xff"),
		"text of 16 EB":              saved(t, "\x8d\xff\xff\xff\xff\xff\xff\xff\xff"),
		"a number of 4 GB":           saved(t, "\x8b\xff\xff\xff\x7f"),
		"many values":                saved(t, strings.Repeat("(", 10)+strings.Repeat("N", 1<<20)+"tq\x00"+strings.Repeat("(h\x00t0", 10)+strings.Repeat("]", 3<<20)),
		"lists that grow":            saved(t, "]q\x00("+strings.Repeat("N", 1<<20)+"eh\x00("+strings.Repeat("N", 1<<20)+"e"),
		"a long line":                saved(t, "c"+strings.Repeat("x", 1<<20)),
		"no end":                     zipped(t, "a/data.pkl", "\x80\x02}"),
		"nothing on the stack":       saved(t, "0"),
		"a mark too few":             saved(t, "t"),
		"half an item":               saved(t, "}("+str("a")+"u"),
		"an instruction":             saved(t, "\xff"),
		"protocol 9":                 zipped(t, "a/data.pkl", "\x80\x09}."),
		"a view outside":             x(4, 1, []int{4}, []int{1}),
		"a view far outside":         x(4, math.MaxInt32, []int{1}, []int{1}),
		"a view that goes back":      x(4, 3, []int{2}, []int{-1}),
		"strides that overflow":      x(4, 0, []int{2, 2}, []int{math.MaxInt32, math.MaxInt32}),
		"a shape that overflows":     x(4, 0, []int{1 << 30, 1 << 30, 1 << 30}, []int{0, 0, 0}),
		"a view larger than its all": x(4, 0, []int{1 << 20}, []int{0}),
		"a negative shape":           x(4, 0, []int{-1}, []int{1}),
		"fewer strides":              x(4, 0, []int{2, 2}, []int{1}),
		"nine dimensions":            x(4, 0, []int{1, 1, 1, 1, 1, 1, 1, 1, 1}, []int{1, 1, 1, 1, 1, 1, 1, 1, 1}),
		"a storage that says more":   x(1<<20, 0, []int{4}, []int{1}),
		"a storage of less than 0":   x(-1, 0, []int{4}, []int{1}),
		"no data":                    saved(t, dictOf(str("x")+pickled("FloatStorage", "9", 4, 0, []int{4}, []int{1})), "a/data/0", floats(0)),
		"an odd byte order":          saved(t, "}", "a/byteorder", "middle"),
		"a long byte order":          saved(t, "}", "a/byteorder", strings.Repeat("x", 1<<20)),
		"a TorchScript":              saved(t, "}", "a/constants.pkl", ""),
		"no index":                   zipped(t, "a/readme", "x"),
		"a module":                   saved(t, str("my.models")+str("Net\x1b[31m")+"\x93)R}b"),
		"an index somewhere else":    zipped(t, "a/../b//data.pkl", "\x80\x02}"),
		"a cut archive":              saved(t, "}")[:50],
		"a pickle of something else": []byte("\x80\x02K\x05."),
		"a legacy file cut":          []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."),
		"a header of 16 EB":          bytes.Repeat([]byte{0xff}, 100),
		"a header beyond the file":   append(binary.LittleEndian.AppendUint64(nil, 1000), "{}"...),
		"a header that is no JSON":   header("{]"),
		"a deep header":              header(strings.Repeat(`{"a":`, 1<<16)),
		"data outside":               header(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`),
		"data that ends first":       append(header(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`), "abcd"...),
		"data of another length":     append(header(`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`), "abcd"...),
		"an endless shape":           append(header(`{"x":{"dtype":"F32","shape":[`+strings.Repeat("1,", 1000)+`1],"data_offsets":[0,4]}}`), "abcd"...),
		"zeros":                      make([]byte, 1000),
		"one byte":                   {'P'},
		"nothing":                    {},
	}
}

func TestHostile(t *testing.T) {
	for name, b := range hostile(t) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := parse(b)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 256<<20 {
			t.Errorf("%s: %d MiB set aside for %d bytes", name, used>>20, len(b))
		}
		if name == "a dictionary of itself" { // harmless: it has no tensors
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.Is(err, ErrFormat) {
			t.Errorf("%s: got %v, want ErrFormat", name, err)
			continue
		}
		if s := err.Error(); len(s) > 400 || strings.ContainsAny(s, "\x1b\n") {
			t.Errorf("%s: the message is %q", name, s)
		}
	}
}

// TestManyViews: views of one storage are described, not copied.
func TestManyViews(t *testing.T) {
	var items []string
	for i := range 2000 {
		items = append(items, str(fmt.Sprint("t", i))+pickled("FloatStorage", "0", 1<<18, 0, []int{512, 512}, []int{512, 1}))
	}
	b := saved(t, dictOf(items...), "a/data/0", string(make([]byte, 4<<18)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ts, err := parse(b)
	runtime.ReadMemStats(&after)
	if err != nil || len(ts) != 2000 {
		t.Fatalf("%d tensors, %v", len(ts), err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("%d MiB set aside for 2000 views of 1 MiB", used>>20)
	}
}

func TestNamedForWhatTheyAre(t *testing.T) {
	dir := t.TempDir()
	for content, word := range map[string]string{
		"": "empty",
		"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n": "git lfs pull",
		"<!DOCTYPE html><html>":                "web page",
		"\n <html>":                            "web page",
		"GGUF\x03\x00\x00\x00":                 "GGUF",
		"\x89HDF\r\n\x1a\n":                    "HDF5",
		"\x93NUMPY\x01":                        "NumPy",
		"\x1f\x8b\x08":                         "gzip",
		"\x28\xb5\x2f\xfd":                     "zstd",
		"\x08\x07":                             "protocol buffer",
		"hello":                                "neither",
		strings.Repeat("\x00", 257) + "ustar ": "tar",
	} {
		path := filepath.Join(dir, "model.bin")
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), word) {
			t.Errorf("%.20q: %v", content, err)
		}
	}
	for _, path := range []string{os.DevNull, dir} {
		if _, err := Open(path); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := ReadText(path); !errors.Is(err, ErrFormat) {
			t.Errorf("%s as text: %v", path, err)
		}
	}
}

func safetensor(name string, v ...float32) []byte {
	h, _ := json.Marshal(map[string]any{name: map[string]any{"dtype": "F32", "shape": []int{len(v)}, "data_offsets": []int{0, 4 * len(v)}}})
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h...), floats(v...)...)
}

func TestShards(t *testing.T) {
	write := func(dir, name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const index = "model.safetensors.index.json"
	dir := t.TempDir()
	write(dir, "a.safetensors", safetensor("module.x", 1))
	write(dir, "b.safetensors", safetensor("module.y", 2, 3))
	write(dir, index, []byte("\ufeff"+`{"metadata":{},"weight_map":{"module.x":"a.safetensors","module.y":"b.safetensors"}}`))
	c, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(values(t, c.Tensors["x"]), values(t, c.Tensors["y"])) != "[1] [2 3]" {
		t.Error("other values")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"outside":     `{"weight_map":{"x":"../a.safetensors"}}`,
		"absolute":    `{"weight_map":{"x":"/etc/passwd"}}`,
		"no file":     `{"weight_map":{"x":"c.safetensors"}}`,
		"no tensor":   `{"weight_map":{"z":"a.safetensors"}}`,
		"nothing":     `{}`,
		"not JSON":    `weights`,
		"an LFS file": "version https://git-lfs.github.com/spec/v1\n",
		"UTF-16":      "\xff\xfe{\x00}\x00",
	} {
		write(dir, index, []byte(text))
		if _, err := OpenFolder(dir); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenFolder(t.TempDir()); !errors.Is(err, ErrFormat) {
		t.Errorf("an empty folder: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, b := range hostile(f) {
		if len(b) < 10_000 {
			f.Add(b)
		}
	}
	f.Add(safetensor("x", 1, 2))
	for _, name := range []string{"tiny.pt", "legacy.bin"} {
		if b, err := os.ReadFile("../testdata/" + name); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ts, err := parse(b)
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Fatalf("not an ErrFormat: %v", err)
		}
		for _, x := range ts {
			if !x.Type.Float() || len(x.Shape) > 2 {
				continue
			}
			if n := x.Elements(); n*x.Type.size() > len(b) {
				t.Fatalf("a tensor of %v in %d bytes", x.Shape, len(b))
			} else if err := x.Read(make([]float32, n), 0); err != nil && n > 0 {
				t.Fatalf("%v of %v cannot be read: %v", x.Shape, x.Type, err)
			}
		}
	})
}

func FuzzUnpickle(f *testing.F) {
	f.Add([]byte("\x80\x02}q\x00(X\x01\x00\x00\x00aK\x01u."))
	f.Add([]byte("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00ccollections\nOrderedDict\n)R."))
	f.Add([]byte(doubling(10) + "Q."))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, err := unpickle(bufio.NewReader(bytes.NewReader(b))); err == nil && len(b) == 0 {
			t.Error("an empty pickle was accepted")
		}
	})
}
