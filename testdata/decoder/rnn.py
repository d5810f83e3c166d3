"""The bundled recurrent models, computed as ggml/NUMERICS.md says, bit for bit."""
import hashlib
import operator
import struct


def f32(x):
    """x rounded to float32: the exact result of one operation on float32 values in double precision is rounded once more, which for +, -, * and / changes nothing."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def read_gguf(data):
    """The metadata and the tensors (type, shape, bytes) of a GGUF file."""
    at = 0

    def num(fmt):
        nonlocal at
        v, = struct.unpack_from("<" + fmt, data, at)
        at += struct.calcsize("<" + fmt)
        return v

    def text():
        nonlocal at
        n = num("Q")
        at += n
        return data[at - n:at].decode()

    kinds = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def value(t):
        if t == 8:
            return text()
        if t == 9:
            t, n = num("I"), num("Q")
            return [value(t) for _ in range(n)]
        return num(kinds[t])

    if data[:4] != b"GGUF":
        raise ValueError("not a GGUF file")
    at = 8
    tensors, n = num("Q"), num("Q")
    meta = {}
    for _ in range(n):
        key = text()
        meta[key] = value(num("I"))
    infos = []
    for _ in range(tensors):
        name = text()
        shape = [num("Q") for _ in range(num("I"))]
        infos.append((name, shape, num("I"), num("Q")))
    align = meta.get("general.alignment", 32)
    base = -(-at // align) * align
    out = {}
    for name, shape, kind, offset in infos:
        size = {0: 4, 24: 1}[kind]
        for d in shape:
            size *= d
        out[name] = (kind, shape, data[base + offset:base + offset + size])
    return meta, out


# Constants of the functions, as float32.
P0, P1, P2, P3 = map(f32, (0.999997295489, 0.121936219613, 0.00217962080022, 3.47920978639e-6))
Q1, Q2, Q3 = map(f32, (0.455251021991, 0.02061829374, 0.000131838233733))
C1, C2, C3, C4, C5 = map(f32, (0.693146976375, 0.240222404556, 0.0555073504235, 0.00967161922927, 0.0013264587522))
LOG2E = f32(1.44269504088896)


def horner(t, *c):
    p = c[0]
    for x in c[1:]:
        p = f32(f32(p * t) + x)
    return p


def tanh32(x):
    x = max(-8.0, min(8.0, x))
    t = f32(x * x)
    y = f32(f32(horner(t, P3, P2, P1, P0) * x) / horner(t, Q3, Q2, Q1, 1.0))
    return max(-1.0, min(1.0, y))


def sigmoid32(x):
    return f32(f32(tanh32(f32(x * 0.5)) * 0.5) + 0.5)


def frequency(x):
    """1 + trunc(exp32(x)), with exp32's factor of 2^23."""
    t = max(f32(x * LOG2E), -40.0)
    n = round(t)  # ties to even
    bits, = struct.unpack("<I", struct.pack("<f", horner(f32(t - n), C5, C4, C3, C2, C1, 1.0)))
    return 1 + int(struct.unpack("<f", struct.pack("<I", bits + ((n + 23) << 23)))[0])


class Model:
    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        self.digest = hashlib.sha256(data).digest()
        meta, tensors = read_gguf(data)
        self.cell, self.layers, self.hidden = meta["llmz.cell"], meta["llmz.layers"], meta["llmz.hidden"]
        if meta["general.architecture"] != "llmz-rnn" or meta["llmz.numerics"] != 1:
            raise ValueError("a model of another kind, or of other numerics than 1")

        def floats(name):
            kind, _, b = tensors[name]
            assert kind == 0
            return struct.unpack(f"<{len(b) // 4}f", b)

        def matrix(name):
            kind, (cols, rows), b = tensors[name]
            assert kind == 24
            q = struct.unpack(f"{len(b)}b", b)
            return [q[r * cols:(r + 1) * cols] for r in range(rows)], floats(name + ".scale")

        self.embedding = matrix("embedding.weight")
        self.ih, self.hh, self.b_ih, self.b_hh = [], [], [], []
        for l in range(self.layers):
            self.ih.append(matrix(f"{self.cell}.weight_ih_l{l}"))
            self.hh.append(matrix(f"{self.cell}.weight_hh_l{l}"))
            self.b_ih.append(floats(f"{self.cell}.bias_ih_l{l}"))
            self.b_hh.append(floats(f"{self.cell}.bias_hh_l{l}"))
        self.fc, self.b_fc = matrix("fc.weight"), floats("fc.bias")
        self.table = {}  # T[s]

    def fits(self, h):
        return h.klass >> 3 == 1 and len(h.digest) >= 8 and self.digest.startswith(h.digest)

    def start(self):
        return State(self)

    def first(self, s):
        """x_0 for symbol s: the embedding's row through the first layer's input weights."""
        if s not in self.table:
            row, scale = self.embedding[0][s], self.embedding[1][s]
            q, scales = self.ih[0]
            self.table[s] = [f32(f32(f32(f32(sum(map(operator.mul, row, w))) * scales[r]) * scale) + self.b_ih[0][r]) for r, w in enumerate(q)]
        return self.table[s]


def product(matrix, bias, q):
    rows, scales = matrix
    return [f32(f32(f32(sum(map(operator.mul, w, q))) * f32(scales[r] / 127)) + bias[r]) for r, w in enumerate(rows)]


class State:
    def __init__(self, m):
        self.m = m
        self.q = [[0] * m.hidden for _ in range(m.layers)]
        self.h = [[0.0] * m.hidden for _ in range(m.layers)]  # the LSTM's c
        self.take(256)

    def take(self, s):
        m, n = self.m, self.m.hidden
        for l in range(m.layers):
            x = m.first(s) if l == 0 else product(m.ih[l], m.b_ih[l], self.q[l - 1])
            p = product(m.hh[l], m.b_hh[l], self.q[l])
            h = self.h[l]
            for u in range(n):
                if m.cell == "gru":
                    r = sigmoid32(f32(x[u] + p[u]))
                    z = sigmoid32(f32(x[n + u] + p[n + u]))
                    c = tanh32(f32(x[2 * n + u] + f32(r * p[2 * n + u])))
                    h[u] = max(-1.0, min(1.0, f32(c + f32(z * f32(h[u] - c)))))
                    self.q[l][u] = round(f32(h[u] * 127))
                else:
                    i, f = sigmoid32(f32(x[u] + p[u])), sigmoid32(f32(x[n + u] + p[n + u]))
                    g, o = tanh32(f32(x[2 * n + u] + p[2 * n + u])), sigmoid32(f32(x[3 * n + u] + p[3 * n + u]))
                    h[u] = f32(f32(f * h[u]) + f32(i * g))
                    self.q[l][u] = round(f32(f32(o * tanh32(h[u])) * 127))

    def frequencies(self):
        logits = product(self.m.fc, self.m.b_fc, self.q[-1])
        top = max(logits)
        return [frequency(f32(v - top)) for v in logits]
