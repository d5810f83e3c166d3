"""Writes model files that llmz runs: GGUF version 3, architecture llmz-rnn."""
import os
import struct

import numpy as np

UINT32, STRING = 4, 8  # metadata types
F32, I8 = 0, 24  # tensor types
ALIGNMENT = 32


def _string(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def quantise(w):
    """Quantises a matrix to int8 with one float32 scale for each row."""
    scale = (np.abs(w).max(axis=1) / np.float32(127)).astype(np.float32)
    safe = np.where(scale == 0, np.float32(1), scale)
    q = np.clip(np.rint(w / safe[:, None]), -127, 127).astype(np.int8)
    return q, scale


def tensors_of(cell, layers, weights, quantised):
    """Yields name, dimensions (adjacent one first), type and bytes in the file's order."""
    names = ["embedding.weight"]
    for layer in range(layers):
        names += [f"{cell}.{kind}_l{layer}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    for name in names + ["fc.weight", "fc.bias"]:
        w = np.ascontiguousarray(weights[name], np.float32)
        if not np.isfinite(w).all():
            raise ValueError(f"{name} has values that are not finite")
        if w.ndim == 1 or not quantised:
            yield name, w.shape[::-1], F32, w.tobytes()
            continue
        q, scale = quantise(w)
        yield name, q.shape[::-1], I8, q.tobytes()
        yield name + ".scale", scale.shape, F32, scale.tobytes()


def write(path, cell, layers, hidden, embed, weights, name="", quantised=True):
    """Writes the weights (name to array, with PyTorch's names and shapes) to path."""
    meta = [("general.architecture", "llmz-rnn")]
    if name:
        meta.append(("general.name", name))
    meta += [("llmz.cell", cell), ("llmz.layers", layers), ("llmz.hidden", hidden),
             ("llmz.embed", embed), ("llmz.numerics", 1)]
    tensors = list(tensors_of(cell, layers, weights, quantised))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(meta))
    for key, value in meta:
        head += _string(key)
        if isinstance(value, str):
            head += struct.pack("<I", STRING) + _string(value)
        else:
            head += struct.pack("<II", UINT32, value)
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
