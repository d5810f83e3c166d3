package models

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/models/convert"
	"github.com/llmz/llmz/models/convert/hf"
)

// Convert turns a Hugging Face folder into the GGUF file at path, whole or not
// at all.
func Convert(ctx context.Context, path, folder string, o hf.Options) (Pulled, error) {
	if o.Name == "" {
		o.Name = modelName(path)
	}
	if err := convertTo(ctx, path, folder, o); err != nil {
		return Pulled{}, err
	}
	return finished(ctx, modelName(path), path, "")
}

// ConvertNetwork converts the byte-level GRU or LSTM in a file to a GGUF file at
// path, as int8 or float32.
func ConvertNetwork(ctx context.Context, path, file string, quantise bool) (Pulled, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return Pulled{}, err
	}
	if err := convert.RNN(ctx, file, path, convert.WriteOptions{Quantise: quantise, Name: modelName(path)}); err != nil {
		return Pulled{}, err
	}
	return finished(ctx, modelName(path), path, "")
}

// convertTo converts a folder to the file at path.
func convertTo(ctx context.Context, path, folder string, o hf.Options) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	a, err := outfile.LikeAll(folder)
	if err != nil {
		return err
	}
	return outfile.Write(ctx, path, outfile.Options{Replace: true}, a, func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 1<<20)
		if err := hf.Convert(ctx, b, folder, o); err != nil {
			return err
		}
		return b.Flush()
	})
}

func finished(ctx context.Context, name, path, checked string) (Pulled, error) {
	st, err := os.Stat(path)
	if err != nil {
		return Pulled{}, err
	}
	p := Pulled{Name: name, Path: path, Checked: checked}
	if !st.Mode().IsRegular() {
		return p, nil // a device or a pipe keeps nothing to be read back
	}
	p.Bytes = st.Size()
	p.Digest, err = fileDigest(ctx, path)
	return p, err
}
