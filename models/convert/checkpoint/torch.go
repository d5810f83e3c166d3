package checkpoint

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"io"
	"math/big"
	"path"
	"strings"
)

// maxMembers bounds the members of a ZIP archive.
const maxMembers = 100_000

// parseTorchZip reads the index of a file that torch.save wrote since PyTorch 1.6: a
// ZIP archive with data.pkl and one stored file per storage.
func parseTorchZip(r io.ReaderAt, size int64) (map[string]*Tensor, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, formatf("not a whole ZIP archive: %v", err)
	}
	if len(z.File) > maxMembers {
		return nil, formatf("a ZIP archive of %d files", len(z.File))
	}
	files := map[string]*zip.File{}
	var index *zip.File
	for _, f := range z.File {
		files[f.Name] = f
		switch base := path.Base(f.Name); {
		case base == "data.pkl":
			index = f
		case base == "constants.pkl":
			return nil, formatf("a TorchScript program, not a state dict: save model.state_dict()")
		case strings.HasSuffix(base, ".npy"):
			return nil, formatf("an archive of NumPy arrays, not of PyTorch or safetensors")
		}
	}
	if index == nil {
		return nil, formatf("a ZIP archive without data.pkl: not a file of PyTorch")
	}
	dir := strings.TrimSuffix(index.Name, "data.pkl")
	record := func(name string) *zip.File { return files[dir+name] }
	bigEndian := false
	if f := record("byteorder"); f != nil {
		b, err := member(f, 16)
		if err != nil {
			return nil, err
		}
		switch order := strings.TrimSpace(string(b)); order {
		case "little":
		case "big":
			bigEndian = true
		default:
			return nil, formatf("its byte order is %q", shorten(order))
		}
	}
	if index.UncompressedSize64 > maxPickle {
		return nil, formatf("data.pkl has %d bytes", index.UncompressedSize64)
	}
	rc, err := index.Open()
	if err != nil {
		return nil, formatf("data.pkl: %v", err)
	}
	defer rc.Close()
	root, storages, err := unpickle(bufio.NewReader(rc))
	if err != nil {
		return nil, err
	}
	for _, s := range storages {
		f := record("data/" + s.key)
		if f == nil {
			continue // found out where a tensor needs it
		}
		if f.Method != zip.Store {
			return nil, formatf("%q is compressed, which torch.save never does: unpack the archive and pack it again with no compression", shorten(f.Name))
		}
		if s.at, err = f.DataOffset(); err != nil {
			return nil, formatf("%q: %v", shorten(f.Name), err)
		}
		if s.dtype != 0 && uint64(s.count)*uint64(s.dtype.size()) > f.UncompressedSize64 || int64(f.UncompressedSize64) > size-s.at {
			return nil, formatf("storage %q has %d elements in %d bytes", shorten(s.key), s.count, f.UncompressedSize64)
		}
	}
	return collect(root, r, bigEndian)
}

// member reads a small file of an archive.
func member(f *zip.File, limit int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, formatf("%q: %v", shorten(f.Name), err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil || int64(len(b)) > limit {
		return nil, formatf("%q is damaged or too long", shorten(f.Name))
	}
	return b, nil
}

// legacyMagic begins files of PyTorch before 1.6, as a pickled number.
var legacyMagic, _ = new(big.Int).SetString("1950a86a20f9469cfc6c", 16)

// parseTorchLegacy reads the index of a file of PyTorch before 1.6: five pickles
// (magic number, version, system, state dict, list of storages), then for each
// storage the number of its elements and the elements, little-endian.
func parseTorchLegacy(r io.ReaderAt, size int64) (map[string]*Tensor, error) {
	count := &counter{r: io.NewSectionReader(r, 0, size)}
	br := bufio.NewReader(count)
	var root any
	var storages []*storage
	for i := range 5 {
		v, found, err := unpickle(br)
		if err != nil {
			return nil, err
		}
		switch i {
		case 0:
			if n, ok := v.(*big.Int); !ok || n.Cmp(legacyMagic) != 0 {
				return nil, whatElse(v)
			}
		case 3:
			root, storages = v, found
		case 4:
			keys, ok := v.(*list)
			if !ok {
				return nil, formatf("the list of storages is missing")
			}
			if err := placeStorages(r, size, count.n-int64(br.Buffered()), storages, keys); err != nil {
				return nil, err
			}
		}
	}
	return collect(root, r, false)
}

// whatElse names a pickle that PyTorch did not write.
func whatElse(v any) error {
	switch v := v.(type) {
	case *object:
		return formatf("a pickled object of class %v, not a file of torch.save", v.class)
	case *dict:
		return formatf("a pickled dictionary, not a file of torch.save")
	}
	return formatf("a pickle, but not a file of torch.save")
}

func placeStorages(r io.ReaderAt, size, pos int64, storages []*storage, keys *list) error {
	byKey := make(map[string]*storage, len(storages))
	for _, s := range storages {
		byKey[s.key] = s
	}
	for _, k := range keys.items {
		key, _ := k.(string)
		s := byKey[key]
		if s == nil || s.at >= 0 {
			return formatf("the list of storages names %q, which is not described, or twice", shorten(key))
		}
		if s.dtype == 0 {
			return formatf("storage %q is a %s, whose size is not known", shorten(key), s.class)
		}
		var n [8]byte
		if _, err := r.ReadAt(n[:], pos); err != nil {
			return formatf("the file is cut off")
		}
		c := binary.LittleEndian.Uint64(n[:])
		if c != uint64(s.count) || s.count > (size-pos-8)/int64(s.dtype.size()) {
			return formatf("storage %q has %d elements, of %d described, in the %d bytes that are left", shorten(key), c, s.count, size-pos-8)
		}
		s.at = pos + 8
		pos += 8 + s.count*int64(s.dtype.size())
	}
	return nil
}

// collect turns the pickled dictionary into tensors in the file.
func collect(v any, r io.ReaderAt, bigEndian bool) (map[string]*Tensor, error) {
	d, err := stateDict(v)
	if err != nil {
		return nil, err
	}
	ts := map[string]*Tensor{}
	for i, k := range d.keys {
		name, ok := k.(string)
		v, isTensor := d.values[i].(*view)
		if !ok || !isTensor {
			continue // counters and the like
		}
		s, extra := v.storage, int64(0)
		if s.root != nil {
			s, extra = s.root, s.offset*int64(s.dtype.size())
		}
		if v.dtype == 0 {
			ts[name] = &Tensor{Shape: v.shape, stride: v.stride, r: r} // refused where it is needed
			continue
		}
		bytes := v.storage.count * int64(s.dtype.size())
		begin := v.offset * int64(v.dtype.size())
		switch {
		case s.at < 0:
			return nil, formatf("tensor %q has no data", shorten(name))
		case v.offset < 0 || v.offset > maxElements || begin > bytes:
			return nil, formatf("tensor %q lies outside its storage", shorten(name))
		}
		t := &Tensor{Shape: v.shape, Type: v.dtype, stride: v.stride, r: r, offset: s.at + extra + begin, big: bigEndian}
		if err := t.check(bytes - begin); err != nil {
			return nil, formatf("tensor %q: %v", shorten(name), err)
		}
		ts[name] = t
	}
	return ts, nil
}

// stateDict finds the dictionary with tensors: the outermost, or one that a
// training kept together with other things.
func stateDict(v any) (*dict, error) {
	d, ok := v.(*dict)
	if !ok {
		if o, ok := v.(*object); ok && o.class.name != "" {
			return nil, formatf("a pickled object of class %v, not a state dict: save model.state_dict()", o.class)
		}
		return nil, formatf("the file does not hold a dictionary of tensors")
	}
	for range 4 { // a dictionary may hold itself
		inner := (*dict)(nil)
		for _, want := range []string{"state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "generator"} {
			for i, k := range d.keys {
				if x, ok := d.values[i].(*dict); ok && k == want && inner == nil && len(x.keys) > 0 {
					inner = x
				}
			}
		}
		if inner == nil || hasTensor(d) && !hasTensor(inner) {
			break
		}
		d = inner
	}
	return d, nil
}

func hasTensor(d *dict) bool {
	for _, v := range d.values {
		if _, ok := v.(*view); ok {
			return true
		}
	}
	return false
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
