package models

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/llmz/llmz/models/convert"
	"github.com/llmz/llmz/models/convert/gpt2"
)

// Convert turns a Hugging Face folder into the GGUF file at path, whole or not
// at all.
func Convert(ctx context.Context, path, folder string, o gpt2.Options) (Pulled, error) {
	if o.Name == "" {
		o.Name = modelName(path)
	}
	if err := convertTo(ctx, path, filepath.Dir(path), folder, o); err != nil {
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
	if err := convert.RNN(file, path, convert.WriteOptions{Quantise: quantise, Name: modelName(path)}); err != nil {
		return Pulled{}, err
	}
	return finished(ctx, modelName(path), path, "")
}

// convertTo converts a folder to the file at path, by way of a file in the
// directory tmpDir of the same file system.
func convertTo(ctx context.Context, path, tmpDir, folder string, o gpt2.Options) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(tmpDir, "."+filepath.Base(path)+".part-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	w := bufio.NewWriterSize(tmp, 1<<20)
	if err := gpt2.Convert(ctx, io.Writer(w), folder, o); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		return err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

func finished(ctx context.Context, name, path, checked string) (Pulled, error) {
	st, err := os.Stat(path)
	if err != nil {
		return Pulled{}, err
	}
	digest, err := fileDigest(ctx, path)
	return Pulled{Name: name, Path: path, Digest: digest, Bytes: st.Size(), Checked: checked}, err
}
