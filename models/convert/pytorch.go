package convert

import (
	"archive/zip"
	"bytes"
	"io"
	"path"
)

// readStateDict reads what torch.save writes: a zip archive with data.pkl, which
// describes the tensors, and one file under data/ for each storage.
func readStateDict(b []byte) (map[string]Tensor, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, weightsError("PyTorch: %w", err)
	}
	files := map[string]*zip.File{}
	dir := ""
	for _, f := range z.File {
		files[f.Name] = f
		if path.Base(f.Name) == "data.pkl" {
			dir = path.Dir(f.Name)
		}
	}
	// PyTorch does not compress, so that no member is longer than the file.
	read := func(name string) ([]byte, error) {
		f := files[path.Join(dir, name)]
		if f == nil {
			return nil, weightsError("PyTorch: no %s in the archive", name)
		}
		if f.Method != zip.Store || f.UncompressedSize64 > uint64(len(b)) {
			return nil, weightsError("PyTorch: %s is compressed", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			return nil, weightsError("PyTorch: %s: %w", f.Name, err)
		}
		defer r.Close()
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, weightsError("PyTorch: %s: %w", f.Name, err)
		}
		return data, nil
	}
	if files[path.Join(dir, "byteorder")] != nil {
		if s, err := read("byteorder"); err != nil || string(s) != "little" {
			return nil, weightsError("PyTorch: byte order %q", s)
		}
	}
	text, err := read("data.pkl")
	if err != nil {
		return nil, err
	}
	top, err := unpickle(text)
	if err != nil {
		return nil, weightsError("PyTorch: %w", err)
	}
	d, ok := top.(*pyDict)
	if !ok {
		return nil, weightsError("PyTorch: data.pkl holds no state dict")
	}
	// Checkpoints often keep the weights under one of these names.
	for _, key := range []string{"state_dict", "model_state_dict", "model"} {
		if inner, is := d.get(key).(*pyDict); is {
			d = inner
			break
		}
	}
	storages := map[string][]float32{}
	out := map[string]Tensor{}
	for i, key := range d.keys {
		name, ok := key.(string)
		ref, isTensor := d.values[i].(*tensorRef)
		if !ok || !isTensor {
			continue // counters and the like
		}
		values, ok := storages[ref.storage.key]
		if !ok {
			raw, err := read(path.Join("data", ref.storage.key))
			if err != nil {
				return nil, err
			}
			if values, err = floats(ref.storage.dtype, raw); err != nil {
				return nil, weightsError("PyTorch: tensor %q: %w", name, err)
			}
			storages[ref.storage.key] = values
		}
		t, err := ref.tensor(values)
		if err != nil {
			return nil, weightsError("PyTorch: tensor %q: %w", name, err)
		}
		out[name] = t
	}
	return out, nil
}
