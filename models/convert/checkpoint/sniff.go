package checkpoint

import "bytes"

// A kind is what a file begins like; as text, for those that cannot be read, what
// to tell about it.
type kind string

const (
	kindZip         kind = "zip"
	kindSafetensors kind = "safetensors"
	kindPickle      kind = "pickle"

	kindEmpty   kind = "the file is empty"
	kindPointer kind = `a pointer of Git LFS, not the file itself: "git lfs pull" in its folder, or a download, gets that`
	kindPage    kind = "a web page, not the file itself: the download went wrong"
	kindGGUF    kind = "a GGUF file, which needs no conversion: name it with -m, or put it into the models' folder"
	kindTar     kind = "a tar archive: unpack it (files of PyTorch before 0.1.10 are one too, and cannot be read)"
	kindOther   kind = "neither a file of torch.save nor safetensors"
)

// foreign tells other formats by their first bytes.
var foreign = []struct {
	magic string
	kind  kind
}{
	{"version https://git-lfs", kindPointer},
	{"GGUF", kindGGUF},
	{"lmgg", "a GGML file of before GGUF, which nothing reads any more"},
	{"fmgg", "a GGML file of before GGUF, which nothing reads any more"},
	{"tjgg", "a GGML file of before GGUF, which nothing reads any more"},
	{"\x89HDF\r\n", "an HDF5 file (Keras, TensorFlow): only PyTorch's and safetensors can be read"},
	{"\x93NUMPY", "a NumPy array: only PyTorch's files and safetensors can be read"},
	{"\x1f\x8b", "packed with gzip: unpack it first"},
	{"\x28\xb5\x2f\xfd", "packed with zstd: unpack it first"},
	{"\xfd7zXZ\x00", "packed with xz: unpack it first"},
	{"BZh", "packed with bzip2: unpack it first"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"},
	{"\x08", "a protocol buffer, ONNX perhaps: only PyTorch's files and safetensors can be read"},
}

func sniff(head []byte) kind {
	trimmed := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"))
	switch {
	case len(head) == 0:
		return kindEmpty
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return kindZip
	case isSafetensors(head):
		return kindSafetensors
	case len(head) > 1 && head[0] == 0x80 && head[1] <= 5, bytes.HasPrefix(head, []byte("\x8a\x0a")):
		return kindPickle
	case bytes.HasPrefix(trimmed, []byte("<!doctype")), bytes.HasPrefix(trimmed, []byte("<html")), bytes.HasPrefix(trimmed, []byte("<?xml")):
		return kindPage
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return kindTar
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.kind
		}
	}
	return kindOther
}
