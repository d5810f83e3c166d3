"""The mixer, versions 1 and 2, without tokens, stretches and rests: written only from
engine/mixer/SPECIFICATION.md."""
import os
import struct

WARM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../engine/mixer/warm.bin")

M32, M64 = (1 << 32) - 1, (1 << 64) - 1
PHI, A, B = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xCAF649A9F5D1C3E5


def clamp(v, a, b):
    return a if v < a else b if v > b else v


def hash2(a, b):
    h = (a + PHI) * A & M64
    h ^= h >> 32
    h = (h + b) * B & M64
    return h ^ h >> 29


def i32(v):
    return (v + (1 << 31) & M32) - (1 << 31)


# ---- Parts

def logistic():
    sq, e = {}, 1 << 62
    for i in range(3072):
        d = e + (1 << 62)
        q = clamp((2 * (1 << 78) + d) // (2 * d), 1, 65535)
        sq[i], sq[-i] = q, 65536 - q
        e = e * 0xFF007FD55FFDDE39 >> 64
    sq[-3072] = sq[-3071]
    st, lo = [0] * 65536, -3072
    for p in range(1, 65536):
        while lo < 3071 and sq[lo] < p:
            lo += 1
        hi = lo
        while hi < 3071 and sq[hi + 1] == sq[lo]:
            hi += 1
        x = (lo + 3072 + hi + 3072) // 2 - 3072
        if sq[lo] > p and lo > -3072 and p - sq[lo - 1] < sq[lo] - p:
            x = lo - 1
        st[p] = x
    for p in range(1, 32768):
        st[65536 - p] = -st[p]
    st[32768], st[0] = 0, st[1]
    return sq, st


SQUASH, STRETCH = logistic()


def squash(x):
    return SQUASH[clamp(x, -3071, 3071)]


class Adaptive:
    __slots__ = ("p", "c")

    def __init__(self, p16, c):
        self.p, self.c = p16 * 64, c

    def P(self):
        return self.p >> 6

    def train(self, bit, limit):
        target = (1 << 22) - 1 if bit else 0
        self.p += (target - self.p) * (131072 // (2 * self.c + 3)) >> 16
        if self.c < limit:
            self.c += 1


class Map:
    def __init__(self, k):
        self.n = 1 << k
        self.t = [squash((j - 16) * 192) for j in range(33)] * self.n

    def refine(self, x, ctx):
        v = x + 3072
        j, w = v // 192, v % 192
        i = ctx % self.n * 33 + j
        self.used = i + 1 if w >= 96 else i
        return (self.t[i] * (192 - w) + self.t[i + 1] * w) // 192

    def train(self, bit, rate):
        t = self.t[self.used]
        self.t[self.used] = t + ((65535 if bit else 0) - t >> rate)


def histories():
    bound = [40, 20, 10, 6, 5]

    def after(s, y):
        n0, n1, last = s
        if n0 + n1 < 4:
            return (n0 + (y == 0), n1 + (y == 1), last << 1 | y)
        same, other = (n1, n0) if y else (n0, n1)
        same += 1
        other = other if other <= 2 else 2 if other == 3 else 3 if other <= 6 else 4 if other <= 12 else 5 if other <= 24 else 6
        while max(same, other) > (bound[min(same, other)] if min(same, other) < 5 else 0):
            if same > other:
                same -= 1
            else:
                other -= 1
        n0, n1 = (other, same) if y else (same, other)
        last = y
        if n0 + n1 <= 4:
            last = 2**n1 - 1
            if y == 0:
                last <<= n0
        return (n0, n1, last)

    all = [(0, 0, 0)]
    for s in all:
        for y in (0, 1):
            t = after(s, y)
            if t not in all:
                all.append(t)
    all.sort(key=lambda s: s[0] + s[1])
    number = {s: i for i, s in enumerate(all)}
    return [(number[after(s, 0)], number[after(s, 1)]) for s in all]


NEXT = histories()
assert len(NEXT) == 171 and NEXT[0] == (1, 2) and NEXT[1] == (3, 4) and NEXT[100] == (52, 104)


def letter(b):
    return 97 <= b <= 122 or 65 <= b <= 90


def lower(b):
    return b + 32 if 65 <= b <= 90 else b


def classof(b):
    if 97 <= b <= 122:
        return 1
    if 65 <= b <= 90:
        return 2
    if 48 <= b <= 57:
        return 3
    if b in (32, 9):
        return 4
    if b in (10, 13):
        return 5
    if 33 <= b <= 126:
        return 6
    return 7 if b >= 128 else 0


SETS = (768, 768, 1152, 192, 768, 384, 1536, 768)


def warm(path):
    data = open(path, "rb").read()
    at = 0

    def take(kind, n):
        nonlocal at
        v = struct.unpack_from(f"<{n}{kind}", data, at)
        at += 2 * n
        return v
    parts = [take("h", 2 * 8 * 40), take("h", 2 * 8), take("H", 2 * 3 * 12 * 256), take("H", 2 * 2 * 384)]
    assert at == len(data)
    return [[p[v * len(p) // 2:(v + 1) * len(p) // 2] for p in parts] for v in (0, 1)]


class Own:
    def __init__(self, w, model):
        weights, final, hist, _ = w
        self.sm = [[[Adaptive(hist[(m * 12 + i) * 256 + s], 24) for s in range(256)] for i in range(12)] for m in range(3)]
        self.order0 = [Adaptive(32768, 0) for _ in range(288)]
        self.order1 = [Adaptive(32768, 0) for _ in range(256 * 288)]
        self.ind1, self.ind2 = [0] * 256, [0] * 65536
        self.w = [[[x * 256 for x in weights[k * 40:k * 40 + 40]] for _ in range(n)] for k, n in enumerate(SETS)]
        self.f = [[x * 256 for x in final] for _ in range(768)]
        self.g = [[x * 256 for x in final] for _ in range(384)]
        self.final, self.count = Map(11), 0
        self.map = Map(8) if model else None


class Match:
    ptr = length = misses = byte = mc = 0
    active = ok = False


class Lane:
    c8 = word = last_word = classes = oddness = mode = 0
    c0 = node = 1
    group = hits = base2 = 0


def length(n):
    return n.bit_length()


class Mixer:
    def __init__(self, n, lanes, kind, model, version):
        self.n, self.L, self.version, self.model = n, lanes, version, model
        w = warm(WARM)[1 if model else 0]
        self.T = clamp(length(n // 4 + 1), 8, 22)
        self.table = [None] * (1 << self.T)
        self.log2 = clamp(length(n), 12, 21)
        self.order2 = [Adaptive(32768, 0) for _ in range(1 << self.log2)]
        self.H = clamp(length(n), 10, 21)
        self.heads = [[0] * (1 << self.H) for _ in range(2)]
        self.conf = [[[Adaptive(w[3][i * 384 + c], 24) for c in range(384)] for _ in range(2)] for i in range(2)]
        self.byte_map = Map(clamp(length(n), 10, 16))
        self.model_map = Map(16) if model else None
        self.hist = bytearray(n)
        O = min(lanes, 32)
        own = [Own(w, model) for _ in range(O)]
        self.lanes, at = [], 0
        for i in range(lanes):
            l = Lane()
            l.id, l.own = i % 64, own[i * O // lanes]
            size = n // lanes + (i < n % lanes)
            l.start = l.pos = l.origin = l.line_start = l.last_line = at
            at += size
            l.end = at
            l.match = [Match(), Match()]
            l.slot, l.last, l.dist, l.votes, l.count, l.R = [None] * 12, [0] * 256, [0] * 256, [0] * 1024, 0, 0
            if kind == 1:
                l.mode, l.oddness = 1, 32768
            self.lanes.append(l)
        for l in self.lanes:
            self.begin(l)

    def see(self, l, b):
        l.c8 = (l.c8 << 8 | b) & M64
        odd = 65535 if b < 32 and b not in (10, 13, 9) or b >= 0xF8 or b == 127 else 0
        l.oddness += (odd - l.oddness) >> 5
        if l.oddness > 6000:
            l.mode = 1
        elif l.oddness < 1500:
            l.mode = 0
        l.classes = (l.classes << 3 | classof(b)) % 512
        if letter(b) or 48 <= b <= 57 or b >= 128:
            l.word = hash2(l.word, lower(b))
        elif l.word != 0:
            l.last_word, l.word = l.word, 0
        if b == 10:
            l.last_line, l.line_start = l.line_start, l.pos

    def records(self, l, c, at):
        if l.last[c] > 0:
            d = at + 1 - l.last[c]
            if 1 < d < 1024:
                if d == l.dist[c]:
                    l.votes[d] = (l.votes[d] + min(d, 32)) & 65535
                l.dist[c] = d
            elif d > 1:
                l.dist[c] = 0
        l.last[c] = at + 1
        l.count += 1
        if l.count % 256 == 0:
            best, found = 64, 0
            for d in range(1024):
                v = l.votes[d]
                if d == l.R:
                    v = (v + (v >> 2)) & 65535
                if v > best:
                    best, found = v, d
                l.votes[d] -= l.votes[d] >> 2
            if found > 0:
                l.R = found

    def end(self, l, b):
        l.c0 = l.node = 1
        l.group = 0
        if l.pos >= l.end:
            return
        self.hist[l.pos] = b
        l.pos += 1
        o, c1, c2 = l.own, l.c8 & 255, l.c8 & 65535
        o.ind1[c1] = (o.ind1[c1] << 8 | b) & 65535
        o.ind2[c2] = (o.ind2[c2] << 8 | b) & 65535
        self.see(l, b)
        self.records(l, lower(b), l.pos - 1)

    def back(self, l, d):
        return 0 if d < 1 or l.pos - d < l.origin else self.hist[l.pos - d]

    def begin(self, l):
        if l.pos >= l.end:
            return
        c8, pos, hist, o = l.c8, l.pos, self.hist, l.own
        c1 = c8 & 255
        ctx = [c8 & 0xFFFF, c8 & 0xFFFFFF, c8 & M32, c8 & (1 << 48) - 1, hash2(o.ind1[c1], c1), hash2(o.ind2[c8 & 65535], c1)]
        if l.mode == 0:
            col = pos - l.line_start
            p = l.last_line + col
            above = above_next = 0
            if p < l.line_start:
                above = hist[p]
                if p + 1 < pos:
                    above_next = hist[p + 1]
            ctx += [hash2(l.word, c1), hash2((l.word + (c1 << 56)) & M64, l.last_word), hash2(min(col, 255) << 8 | above, c1),
                    hash2(above << 8 | above_next, c8 & 65535), c8 & 0xFFFF00, c8 & 0xF0F0FFFF]
        else:
            R = l.R
            above, above2, above_next = self.back(l, R), self.back(l, 2 * R), self.back(l, R - 1)
            col = (pos - l.origin) % R if R > 0 else 0
            ctx += [above << 8 | c1, hash2(above << 8 | above2, col), hash2(col, R), above << 16 | above2 << 8 | above_next,
                    c8 & 0xFF00FF, c8 & 0xFF0000 | pos % 4]
        l.key = []
        for i in range(12):
            k = i + (16 * l.mode if i >= 6 else 0) + (l.id << 32 if i < 2 or i >= 10 else 0)
            l.key.append(hash2((ctx[i] + (k << 58)) & M64, k * PHI & M64))
        self.hash(l, 0)
        self.move(l, 0, (c8 & (1 << 40) - 1) * PHI & M64)
        if pos - l.origin >= 12:
            old = int.from_bytes(hist[pos - 12:pos - 8], "little")
            self.move(l, 1, ((c8 * PHI & M64) ^ (old * B & M64)) * PHI & M64)

    def hash(self, l, z):
        l.bucket, l.check = [], []
        for k in l.key:
            h = (k + z * A) * PHI & M64
            h ^= h >> 31
            h = h * B & M64
            l.bucket.append(h >> 64 - self.T)
            l.check.append(h & 255)
        h = ((l.c8 & 65535) * 18 + l.group) * 0x9E3779B1 & M32
        l.base2 = (h ^ h >> 15) % (1 << self.log2) & ~15

    def find(self, l):
        for i in range(12):
            slots = self.table[l.bucket[i]]
            if slots is None:
                slots = self.table[l.bucket[i]] = [bytearray(16) for _ in range(4)]
            for s in slots:
                if s[0] == l.check[i]:
                    break
            else:
                s = min(slots, key=lambda s: s[1])
                s[:] = bytes([l.check[i]]) + bytes(15)
            l.slot[i] = s
        l.hits = sum(s[1] != 0 for s in l.slot[:4])

    def coded(self, p):
        return p < self.n and p < self.lane_at(p).pos

    def lane_at(self, p):
        return next(l for l in reversed(self.lanes) if l.start <= p)

    def move(self, l, i, h):
        t = l.match[i]
        if t.active:
            t.ptr += 1
            if t.byte == l.c8 & 255:
                t.length = min(t.length + 1, 65535)
                t.misses = t.misses << 1 & M32
            else:
                t.length = 0
                t.misses = (t.misses << 1 | 1) & M32
                if t.misses & 255 == 255:
                    t.active = False
        search = not t.active or t.misses & 255 != 0 and t.length < 16
        found = False
        heads = self.heads[i]
        apart = self.L > 1 and self.version > 1
        if apart:
            at = (h + (l.id + 1) * PHI) * A % (1 << 64) >> 64 - self.H
            found = search and self.follow(l, i, heads[at])
            heads[at] = l.pos
        if not apart or i == 1:
            at = h >> 64 - self.H
            if search and not found:
                self.follow(l, i, heads[at])
            heads[at] = l.pos
        t.ok = t.active = t.active and self.coded(t.ptr)
        if t.ok:
            t.byte = self.hist[t.ptr]
            k = t.length
            k = k if k < 16 else 16 + (k - 16) // 4 if k < 32 else 20 if k < 64 else 21 if k < 256 else 22 if k < 1024 else 23
            t.mc = k * 16 + t.misses % 16

    def follow(self, l, i, p):
        if p == 0:
            return False
        s = self.common(l, p)
        t = l.match[i]
        if s < (5, 12)[i] or s <= t.length:
            return False
        t.ptr, t.length, t.misses, t.active = p, s, 0, True
        return True

    def common(self, l, p):
        start = self.lane_at(p).start if p < self.n else -1
        n, at = 0, l.pos
        while n < 40 and p > 0 and at > l.origin:
            b = self.hist[p - 1]
            if p <= start and not self.coded(p - 1):
                b = 0
            if b != self.hist[at - 1]:
                break
            p, at, n = p - 1, at - 1, n + 1
        return n

    def code(self, decoder, lane, freqs):
        l = self.lanes[lane]
        self.find(l)
        for i in range(8):
            if i == 4:
                l.node, l.group = 1, l.c0 - 15
                self.hash(l, l.c0)
                self.find(l)
            pm = 0
            if freqs:
                k = 8 - i
                S = sum(freqs[(l.c0 << k) - 256:(l.c0 + 1 << k) - 256])
                S1 = sum(freqs[((l.c0 * 2 + 1) << k - 1) - 256:(l.c0 + 1 << k) - 256])
                pm = clamp((65536 * S1 + S // 2) // S, 1, 65535)
            bit = self.bit(decoder, l, i, pm)
            l.c0 = l.c0 << 1 | bit
            l.node = l.node << 1 | bit
        b = l.c0 & 255
        self.end(l, b)
        self.begin(l)
        return b

    def bit(self, decoder, l, bitpos, pm):
        m, o, c0, c1 = l.mode, l.own, l.c0, l.c8 & 255
        x, a = [0] * 40, []
        for i in range(12):
            s = l.slot[i][l.node]
            a.append(o.sm[m][i][s])
            if s:
                P = a[i].P()
                x[2 * i], x[2 * i + 1] = STRETCH[P], P - 32768 >> 6
        orders = (o.order0[l.group * 16 + l.node], o.order1[c1 * 288 + l.group * 16 + l.node], self.order2[l.base2 + l.node])
        for i in range(3):
            x[24 + i] = STRETCH[orders[i].P()]
        mctx = expect = ebyte = 0
        for i, t in enumerate(l.match):
            if t.ok:
                y = t.byte >> 7 - bitpos & 1
                P = self.conf[i][0][t.mc].P()
                st, lin = STRETCH[P], P - 32768 >> 5
                if y == 0:
                    st, lin = -st, -lin
                x[27 + 2 * i], x[28 + 2 * i] = st, lin
                mctx, expect, ebyte = 1 + t.mc % 383, 1 + y, t.byte
        cf = 0
        if pm:
            st = STRETCH[pm]
            x[31], x[32] = st, pm - 32768 >> 5
            x[33], x[34] = STRETCH[o.map.refine(st, c0)], STRETCH[self.model_map.refine(st, c0 | c1 << 8)]
            cf = min(abs(st) // 128, 15)
        x[35] = 256
        chosen = (m * 256 + c0, m * 256 + c1, m * 384 + mctx, m * 64 + l.hits * 8 + bitpos, m * 256 + (l.c8 >> 8 & 255),
                  (m * 16 + cf) * 8 + bitpos, m * 512 + l.classes, m * 256 + ebyte)
        vectors = [o.w[k][c] for k, c in enumerate(chosen)]
        ys = [clamp(i32(sum((w >> 8) * v for w, v in zip(vec, x))) >> 12, -3071, 3071) for vec in vectors]
        q = [squash(y) for y in ys]
        finals = (o.f[m * 256 + c0], o.g[mctx])
        ts = [clamp(sum(f * y for f, y in zip(fin, ys)) >> 20, -3071, 3071) for fin in finals]
        v = ts[0] + ts[1] >> 1
        r0 = o.final.refine(v, c0 | (m * 2 + min(expect, 1)) << 8)
        r1 = self.byte_map.refine(v, c0 | c1 << 8)
        p = clamp((squash(v) + r0 + 2 * r1 + 2) // 4, 1, 65535)
        bit = decoder.bit(p)
        target = 65535 if bit else 0
        for fin, t in zip(finals, ts):
            e = target - squash(t)
            for k in range(8):
                fin[k] += ys[k] * e + 8192 >> 14
        o.count += 1
        rate = 60 + 1228800 // (4096 + o.count // 8)
        for k, vec in enumerate(vectors):
            e = (target - q[k]) * rate + 128 >> 8
            for i in range(40):
                if x[i]:
                    vec[i] = clamp(vec[i] + (x[i] * e + 512 >> 10), -8388607, 8388607)
        o.final.train(bit, 6)
        self.byte_map.train(bit, 6)
        for i in range(12):
            s = l.slot[i][l.node]
            if s:
                a[i].train(bit, 511)
            l.slot[i][l.node] = NEXT[s][bit]
        for t in orders:
            t.train(bit, 1023)
        for i, t in enumerate(l.match):
            if t.ok:
                hit = (t.byte >> 7 - bitpos & 1) == bit
                self.conf[i][0][t.mc].train(hit, 1023)
                t.ok = hit
        if pm:
            o.map.train(bit, 6)
            self.model_map.train(bit, 6)
        return bit


def decode(decoder, n, lanes, kind, version, states):
    """The bytes of a block; states are a model's in each lane, None without a model."""
    m = Mixer(n, lanes, kind, states is not None, version)
    for step in range((n + lanes - 1) // lanes):
        for i in range(lanes if step < n // lanes else n % lanes):
            s = m.code(decoder, i, states[i].frequencies() if states else None)
            if states:
                states[i].take(s)
    return bytes(m.hist)
