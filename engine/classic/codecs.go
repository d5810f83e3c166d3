package classic

import (
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"

	"github.com/andybalholm/brotli"
	dsnetbzip2 "github.com/dsnet/compress/bzip2"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

func zip9() Codec {
	return Codec{
		Name: "zip-9", Library: "archive/zip", Setting: "deflate level 9, one entry",
		compress: func(dst io.Writer, src io.Reader) error {
			zw := zip.NewWriter(dst)
			zw.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
				return flate.NewWriter(w, flate.BestCompression)
			})
			w, err := zw.Create("data")
			if err != nil {
				return err
			}
			if _, err := io.Copy(w, src); err != nil {
				return err
			}
			return zw.Close()
		},
		decompress: func(dst io.Writer, src io.Reader) error {
			// A zip archive is read from its end, so it has to be held whole.
			b, err := io.ReadAll(src)
			if err != nil {
				return err
			}
			zr, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				return err
			}
			if len(zr.File) != 1 {
				return errors.New("archive does not hold exactly one entry")
			}
			r, err := zr.File[0].Open()
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(dst, r)
			return err
		},
	}
}

func gzip9() Codec {
	return Codec{
		Name: "gzip-9", Library: "compress/gzip", Setting: "level 9",
		compress: func(dst io.Writer, src io.Reader) error {
			w, err := gzip.NewWriterLevel(dst, gzip.BestCompression)
			return encode(w, src, err)
		},
		decompress: func(dst io.Writer, src io.Reader) error {
			r, err := gzip.NewReader(src)
			return decode(dst, r, err)
		},
	}
}

func bzip29() Codec {
	return Codec{
		Name: "bzip2-9", Library: "github.com/dsnet/compress/bzip2", Setting: "level 9 (900 kB blocks); compress/bzip2 decodes",
		Note: bzip2Note,
		compress: func(dst io.Writer, src io.Reader) error {
			w, err := dsnetbzip2.NewWriter(dst, &dsnetbzip2.WriterConfig{Level: dsnetbzip2.BestCompression})
			return encode(w, src, err)
		},
		decompress: func(dst io.Writer, src io.Reader) error {
			return decode(dst, bzip2.NewReader(src), nil)
		},
	}
}

// xzDictionary is the dictionary of xz -9.
const xzDictionary = 64 << 20

func xz9() Codec {
	return Codec{
		Name: "xz-9", Library: "github.com/ulikunitz/xz", Setting: "64 MiB dictionary, hash-table matches",
		Note:    xzNote,
		aliases: []string{"xz-9e"},
		compress: func(dst io.Writer, src io.Reader) error {
			w, err := xz.WriterConfig{DictCap: xzDictionary}.NewWriter(dst)
			return encode(w, src, err)
		},
		decompress: func(dst io.Writer, src io.Reader) error {
			r, err := xz.NewReader(src)
			return decode(dst, r, err)
		},
	}
}

func zstd3() Codec {
	return zstdCodec("zstd-3", zstd.SpeedDefault, "SpeedDefault, about the reference's level 3", "")
}

func zstdBest() Codec {
	c := zstdCodec("zstd-best", zstd.SpeedBestCompression, "SpeedBestCompression, its highest level", zstdNote)
	c.aliases = []string{"zstd-19"}
	return c
}

func zstdCodec(name string, level zstd.EncoderLevel, setting, note string) Codec {
	return Codec{
		Name: name, Library: "github.com/klauspost/compress/zstd", Setting: setting, Note: note,
		compress: func(dst io.Writer, src io.Reader) error {
			// One goroutine, as the other codecs use one.
			w, err := zstd.NewWriter(dst, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1))
			return encode(w, src, err)
		},
		decompress: func(dst io.Writer, src io.Reader) error {
			r, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1))
			if err != nil {
				return err
			}
			defer r.Close()
			return decode(dst, r, nil)
		},
	}
}

func brotli11() Codec {
	return Codec{
		Name: "brotli-11", Library: "github.com/andybalholm/brotli", Setting: "quality 11, 16 MiB window",
		compress: func(dst io.Writer, src io.Reader) error {
			w := brotli.NewWriterOptions(dst, brotli.WriterOptions{Quality: brotli.BestCompression, LGWin: 24})
			return encode(w, src, nil)
		},
		decompress: func(dst io.Writer, src io.Reader) error {
			return decode(dst, brotli.NewReader(src), nil)
		},
	}
}

// encode feeds src to w and closes it. err is the error of w's making.
func encode(w io.WriteCloser, src io.Reader, err error) error {
	if err != nil {
		return err
	}
	if _, err := io.Copy(onlyWriter{w}, src); err != nil {
		return errors.Join(err, w.Close())
	}
	return w.Close()
}

// decode drains r to dst. err is the error of r's making.
func decode(dst io.Writer, r io.Reader, err error) error {
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, r)
	return err
}

// onlyWriter hides a writer's ReadFrom, so that all codecs are fed alike.
type onlyWriter struct{ io.Writer }
