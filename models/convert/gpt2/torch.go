package gpt2

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"io"
	"os"
	"strings"
)

// readTorch reads the index of a file that torch.save wrote: a ZIP archive
// with data.pkl and one stored file per storage, or (before PyTorch 1.6) five
// pickles followed by the storages. Nothing in it is executed.
func readTorch(f *os.File, size int64) (map[string]tensor, error) {
	return parseTorch(f, size)
}

func parseTorch(r io.ReaderAt, size int64) (map[string]tensor, error) {
	var magic [4]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil {
		return nil, formatf("the file is too short")
	}
	if string(magic[:]) == "PK\x03\x04" {
		return readTorchZip(r, size)
	}
	return readTorchLegacy(r, size)
}

// A storage is a one-dimensional array that tensors are views of.
type storage struct {
	dtype dtype
	key   string
	count int // elements
}

var storageTypes = map[string]dtype{
	"FloatStorage": dtypeF32, "HalfStorage": dtypeF16, "BFloat16Storage": dtypeBF16, "DoubleStorage": dtypeF64,
}

// torchTensor is what torch._utils._rebuild_tensor_v2 makes.
type torchTensor struct {
	storage storage
	offset  int // elements
	shape   []int
	stride  []int
}

func readTorchZip(f io.ReaderAt, size int64) (map[string]tensor, error) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, formatf("not a ZIP archive: %v", err)
	}
	var index *zip.File
	at := make(map[string]int64) // storage key → offset
	for _, e := range z.File {
		if strings.HasSuffix(e.Name, "/data.pkl") {
			index = e
			continue
		}
		if i := strings.LastIndex(e.Name, "/data/"); i >= 0 {
			if e.Method != zip.Store {
				return nil, formatf("%s is compressed", e.Name)
			}
			if at[e.Name[i+len("/data/"):]], err = e.DataOffset(); err != nil {
				return nil, formatf("%s: %v", e.Name, err)
			}
		}
	}
	if index == nil || index.UncompressedSize64 > maxHeader {
		return nil, formatf("no data.pkl of a usable size in it")
	}
	r, err := index.Open()
	if err != nil {
		return nil, formatf("data.pkl: %v", err)
	}
	defer r.Close()
	root, err := unpickle(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	return collect(root, func(s storage) (int64, bool) {
		o, ok := at[s.key]
		return o, ok
	})
}

func readTorchLegacy(f io.ReaderAt, size int64) (map[string]tensor, error) {
	count := &counter{r: io.NewSectionReader(f, 0, size)}
	r := bufio.NewReader(count)
	at := func() int64 { return count.n - int64(r.Buffered()) }
	var root any
	for i := range 5 {
		v, err := unpickle(r)
		if err != nil {
			return nil, err
		}
		switch i {
		case 0:
			if v != legacyMagic {
				return nil, formatf("neither a ZIP archive nor a PyTorch file")
			}
		case 3:
			root = v
		case 4:
			keys, ok := v.(*list)
			if !ok {
				return nil, formatf("the list of storages is missing")
			}
			return legacyStorages(f, size, at(), root, keys)
		}
	}
	return nil, formatf("the file is cut off")
}

// legacyMagic is the low 64 bits of PyTorch's magic number 0x1950a86a20f9469cfc6c.
// Long integers keep their low 64 bits in unpickle.
var legacyMagic any = int64(-6311195672802689940)

// legacyStorages finds the storages behind the pickles: for each key, in order,
// the number of elements in 8 bytes and the elements.
func legacyStorages(f io.ReaderAt, size, pos int64, root any, keys *list) (map[string]tensor, error) {
	used := map[string]storage{}
	if err := eachTensor(root, func(_ string, t *torchTensor) error { used[t.storage.key] = t.storage; return nil }); err != nil {
		return nil, err
	}
	at := make(map[string]int64, len(keys.items))
	for _, k := range keys.items {
		key, ok := k.(string)
		s, known := used[key]
		if !ok || !known {
			return nil, formatf("storage %v belongs to no tensor", k)
		}
		var n [8]byte
		if _, err := f.ReadAt(n[:], pos); err != nil {
			return nil, formatf("the file is cut off")
		}
		c := binary.LittleEndian.Uint64(n[:])
		if s.dtype == dtypeOther || c > uint64(size) {
			return nil, formatf("storage %s has an unknown type or size", key)
		}
		at[key] = pos + 8
		pos += 8 + int64(c)*int64(s.dtype.size())
	}
	return collect(root, func(s storage) (int64, bool) {
		o, ok := at[s.key]
		return o, ok
	})
}

// collect turns the pickled dictionary into tensors in the file.
func collect(root any, at func(storage) (int64, bool)) (map[string]tensor, error) {
	ts := map[string]tensor{}
	err := eachTensor(root, func(name string, t *torchTensor) error {
		o, ok := at(t.storage)
		if !ok {
			return formatf("%s has no data", name)
		}
		n, err := elements(t.shape)
		if err != nil {
			return err
		}
		want := 1
		for i := len(t.shape) - 1; i >= 0; i-- {
			if i >= len(t.stride) || t.stride[i] != want && t.shape[i] != 1 {
				return formatf("%s is not contiguous", name)
			}
			want *= t.shape[i]
		}
		if t.offset < 0 || t.storage.count < 0 || n > t.storage.count || t.offset > t.storage.count-n {
			return formatf("%s lies outside its storage", name)
		}
		ts[name] = tensor{shape: t.shape, dtype: t.storage.dtype, offset: o + int64(t.offset)*int64(t.storage.dtype.size())}
		return nil
	})
	return ts, err
}

func eachTensor(root any, f func(string, *torchTensor) error) error {
	d, ok := root.(*dict)
	if !ok {
		return formatf("the file does not hold a dictionary of tensors")
	}
	for i, k := range d.keys {
		name, ok := k.(string)
		t, isTensor := d.values[i].(*torchTensor)
		if !ok || !isTensor {
			continue
		}
		if err := f(name, t); err != nil {
			return err
		}
	}
	return nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
