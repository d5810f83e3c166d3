"""Reads and writes model files: GGUF version 3."""
import os
import struct

import numpy as np

UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9  # metadata types
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
F32, F16, Q8_0, I8 = 0, 1, 8, 24  # tensor types
ALIGNMENT = 32
BLOCK = 32  # elements of Q8_0 that share a scale


def _string(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def _value(v):
    """Returns the type of a metadata value and its bytes."""
    if isinstance(v, bool):
        return BOOL, struct.pack("<?", v)
    if isinstance(v, str):
        return STRING, _string(v)
    if isinstance(v, int):
        return UINT32, struct.pack("<I", v)
    if isinstance(v, float):
        return FLOAT32, struct.pack("<f", v)
    if isinstance(v[0], str):
        return ARRAY, struct.pack("<IQ", STRING, len(v)) + b"".join(map(_string, v))
    return ARRAY, struct.pack("<IQ", INT32, len(v)) + np.asarray(v, np.int32).tobytes()


def write_file(path, meta, tensors):
    """Writes pairs of metadata, and tensors as name, dimensions (adjacent one first), type and bytes."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(meta))
    for key, value in meta:
        kind, data = _value(value)
        head += _string(key) + struct.pack("<I", kind) + data
    offset = 0
    for tensor, dims, kind, data in tensors:
        head += _string(tensor) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)
        offset += -(-len(data) // ALIGNMENT) * ALIGNMENT
    temporary = path + ".part"
    with open(temporary, "wb") as f:
        f.write(head)
        f.write(b"\0" * (-len(head) % ALIGNMENT))
        for _, _, _, data in tensors:
            f.write(data)
            f.write(b"\0" * (-len(data) % ALIGNMENT))
    os.replace(temporary, path)


def floats(name, w):
    """Returns an array as float32, for a file."""
    w = np.ascontiguousarray(w, np.float32)
    if not np.isfinite(w).all():
        raise ValueError(f"{name} has values that are not finite")
    return w


def quantise(w):
    """Quantises a matrix to int8 with one float32 scale for each row."""
    scale = (np.abs(w).max(axis=1) / np.float32(127)).astype(np.float32)
    safe = np.where(scale == 0, np.float32(1), scale)
    q = np.clip(np.rint(w / safe[:, None]), -127, 127).astype(np.int8)
    return q, scale


def quantise_blocks(w):
    """Returns the bytes of a matrix as Q8_0: a float16 scale and 32 int8 for each block."""
    blocks = w.reshape(-1, BLOCK)
    scale = (np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)).astype(np.float32)
    inverse = np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=scale != 0)
    out = np.empty(len(blocks), [("d", "<f2"), ("q", "i1", BLOCK)])
    out["d"], out["q"] = scale[:, 0], np.clip(np.rint(blocks * inverse), -127, 127)
    return out.tobytes()


def tensors_of(cell, layers, weights, quantised):
    """Yields the tensors of a recurrent network in the file's order."""
    names = ["embedding.weight"]
    for layer in range(layers):
        names += [f"{cell}.{kind}_l{layer}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    for name in names + ["fc.weight", "fc.bias"]:
        w = floats(name, weights[name])
        if w.ndim == 1 or not quantised:
            yield name, w.shape[::-1], F32, w.tobytes()
            continue
        q, scale = quantise(w)
        yield name, q.shape[::-1], I8, q.tobytes()
        yield name + ".scale", scale.shape, F32, scale.tobytes()


def write(path, cell, layers, hidden, embed, weights, name="", quantised=True):
    """Writes the weights of a recurrent network (name to array, with PyTorch's names and shapes) to path."""
    meta = [("general.architecture", "llmz-rnn")]
    if name:
        meta.append(("general.name", name))
    meta += [("llmz.cell", cell), ("llmz.layers", layers), ("llmz.hidden", hidden),
             ("llmz.embed", embed), ("llmz.numerics", 1)]
    write_file(path, meta, list(tensors_of(cell, layers, weights, quantised)))


def write_transformer(path, shape, vocabulary, weights, name="", quantised=True):
    """Writes a transformer that llama.cpp loads, too. Names and layout of the weights are the file's."""
    family = "llama" if shape.arch == "gpt" else "gpt2"
    meta = [("general.architecture", family)]
    if name:
        meta.append(("general.name", name))
    meta += [("general.file_type", 7 if quantised else 0), ("general.quantization_version", 2),
             (f"{family}.block_count", shape.layers), (f"{family}.context_length", shape.context),
             (f"{family}.embedding_length", shape.hidden), (f"{family}.feed_forward_length", shape.inner),
             (f"{family}.attention.head_count", shape.heads)]
    if family == "llama":
        meta += [("llama.attention.head_count_kv", shape.heads), ("llama.attention.layer_norm_rms_epsilon", 1e-5),
                 ("llama.rope.dimension_count", shape.hidden // shape.heads), ("llama.rope.freq_base", 10000.0),
                 ("llama.vocab_size", shape.vocabulary)]
    else:
        meta.append(("gpt2.attention.layer_norm_epsilon", 1e-5))
    tensors = []
    for key, w in weights.items():
        w = floats(key, w)
        if w.ndim == 2 and quantised and not key.startswith("position_embd") and w.shape[1] % BLOCK == 0:
            tensors.append((key, w.shape[::-1], Q8_0, quantise_blocks(w)))
        else:
            tensors.append((key, w.shape[::-1], F32, w.tobytes()))
    meta.append(("llmz.window.start", True))  # no window was without the start symbol
    write_file(path, meta + vocabulary.metadata(), tensors)


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def scalar(self, kind):
        v, = struct.unpack_from(SCALARS[kind], self.data, self.at)
        self.at += struct.calcsize(SCALARS[kind])
        return v

    def string(self):
        n = self.scalar(10)
        self.at += n
        return self.data[self.at - n:self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind != ARRAY:
            return self.scalar(kind)
        kind, n = self.scalar(UINT32), self.scalar(10)
        return [self.value(kind) for _ in range(n)]


def read(path):
    """Returns the metadata and the tensors (name to float32 array) of a model file."""
    with open(path, "rb") as f:
        r = _Reader(f.read())
    if r.data[:4] != b"GGUF":
        raise ValueError(f"{path} is no GGUF file")
    r.at = 4
    if r.scalar(UINT32) not in (2, 3):
        raise ValueError(f"{path} is of another version of GGUF")
    tensors, entries = r.scalar(10), r.scalar(10)
    meta = {}
    for _ in range(entries):
        key = r.string()
        meta[key] = r.value(r.scalar(UINT32))
    infos = []
    for _ in range(tensors):
        name = r.string()
        dims = [r.scalar(10) for _ in range(r.scalar(UINT32))]
        infos.append((name, dims, r.scalar(UINT32), r.scalar(10)))
    start = -(-r.at // ALIGNMENT) * ALIGNMENT
    return meta, {name: _tensor(r.data, start + at, dims, kind) for name, dims, kind, at in infos}


def _tensor(data, at, dims, kind):
    n = int(np.prod(dims))
    if kind == Q8_0:
        b = np.frombuffer(data, [("d", "<f2"), ("q", "i1", BLOCK)], n // BLOCK, at)
        w = b["q"].astype(np.float32) * b["d"].astype(np.float32)[:, None]
    elif kind in (F32, F16):
        w = np.frombuffer(data, {F32: "<f4", F16: "<f2"}[kind], n, at).astype(np.float32)
    else:
        raise ValueError(f"tensors of type {kind} are not read here")
    return w.reshape(dims[::-1])
