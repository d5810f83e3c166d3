"""A decoder of .llmz archives, written only from engine/archive/FORMAT.md,
engine/mixer/SPECIFICATION.md and ggml/NUMERICS.md, with Python's standard library. It is slow and plain: it is here to
show that these pages are enough, and to read archives if everything else is gone.

    python3 llmz.py list FILE...            headers, blocks, checksums; stored blocks are decoded
    python3 llmz.py cat FILE [--model M]    the content, to standard output

M is a GRU or LSTM in a GGUF file whose archive was made with --no-mix, "none" for archives
of the mixer alone, or "counting", the model of the engine's golden archives. Blocks of the
rich mixer, of tokens, and of a bundled model that is mixed are checked up to their record CRC.
"""
import hashlib
import sys

MAGIC = b"\xf1LMZ"


class Refused(Exception):
    """What the page's last table calls it, and where."""

    def __init__(self, kind, what):
        super().__init__(f"{kind}: {what}")
        self.kind = kind


# ---- Conventions

def crc_table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        yield n


CRC_TABLE = list(crc_table())


def crc(*parts):
    c = 0xFFFFFFFF
    for part in parts:
        for b in part:
            c = c >> 8 ^ CRC_TABLE[(c ^ b) & 255]
    return c ^ 0xFFFFFFFF


class Bytes:
    """What is left of an archive, and what was read of it."""

    def __init__(self, data, at=0, end=None):
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    def take(self, n):
        if n > self.end - self.at:
            raise Refused("truncated", f"{n} bytes wanted at {self.at}, {self.end - self.at} are left")
        self.at += n
        return self.data[self.at - n:self.at]

    def uint(self, n):
        return int.from_bytes(self.take(n), "little")

    def varint(self):
        v = shift = 0
        while True:
            b = self.uint(1)
            v |= (b & 127) << shift
            shift += 7
            if b < 128:
                break
            if shift > 63:
                raise Refused("corrupt", "a varint is too long")
        if shift > 7 and b == 0 or v >= 1 << 63:
            raise Refused("corrupt", "a varint is not in its shortest form or too large")
        return v

    def bytes(self, limit):
        n = self.varint()
        if n > limit:
            raise Refused("corrupt", f"{n} bytes where {limit} are the most")
        return self.take(n)

    def since(self, mark):
        return self.data[mark:self.at]


def need(ok, what, kind="corrupt"):
    if not ok:
        raise Refused(kind, what)


# ---- Header

class Header:
    model = digest = runtime = mixer = name = time = mode = part = None
    klass, digests = 0, False

    def __init__(self, r):
        mark = r.at
        need(r.take(4) == MAGIC, "the magic is another", "not an archive")
        version = r.uint(1)
        need(version == 1, f"version {version}", "unsupported")
        length = r.varint()
        need(length <= 65536, f"{length} bytes of fields")
        f = Bytes(r.data, r.at, r.at + length)
        r.take(length)
        check = crc(r.since(mark))
        self.id = r.take(4)
        need(self.id == check.to_bytes(4, "little"), "header CRC", "checksum mismatch")
        self.record = r.since(mark)
        self.fields(f)
        need(f.at == f.end, "the fields do not fill their length")

    def fields(self, f):
        flags = f.varint()
        need(flags & ~0xFF == 0, f"flags {flags:#x}", "unsupported")
        need(not flags & 0x20 or flags & 1, "runtime settings without a model")
        if flags & 1:
            self.model, self.digest, self.klass = f.bytes(1024), f.bytes(32), f.varint()
            need(self.model, "the model has no name")
            need(self.klass >> 35 == 0 and self.klass & 3 != 3, f"class {self.klass:#x}", "unsupported")
        if flags & 0x20:
            n = f.varint()
            need(1 <= n <= 64, f"{n} settings")
            pairs = [(f.bytes(256), f.bytes(4096)) for _ in range(n)]
            keys = [k for k, _ in pairs]
            need(all(keys) and all(a < b for a, b in zip(keys, keys[1:])), "the settings are not in order")
            self.runtime = pairs
        if flags & 2:
            self.mixer = f.uint(1)
            need(self.mixer, "mixer version 0")
        if flags & 4:
            self.name = f.bytes(1024)
            need(self.name not in (b"", b".", b"..") and not any(c in self.name for c in b"/\\\0"), "the name is not one of a file")
        if flags & 8:
            t = f.uint(8)
            t -= t >> 63 << 64
            self.time = (t >> 30, t & (1 << 30) - 1)
            need(self.time[1] < 10**9, "the time has too many nanoseconds")
        if flags & 16:
            self.mode = f.varint()
            need(self.mode < 4096, "the mode")
        self.digests = bool(flags & 64)
        if flags & 128:
            need(self.digests, "a part without digests")
            self.part = [f.varint() for _ in range(5)]
            number, of, total, size, lanes = self.part
            need(1 <= number <= of <= 1 << 26, f"part {number} of {of}")
            need(1 <= size <= 1 << 30 and total // size < 1 << 26 and lanes <= 4096, f"part of {total} bytes in blocks of {size}")

    @property
    def tokens(self):
        return bool(self.klass & 4)

    def __str__(self):
        def text(b):
            return b.decode("utf-8", "backslashreplace").encode("unicode_escape").decode()
        s = []
        if self.model is not None:
            s.append(f"model {text(self.model)} {self.digest.hex()} portability {self.klass & 3} numerics {self.klass >> 3}" + (" tokens" if self.tokens else ""))
        if self.runtime:
            s.append("runtime " + ", ".join(f"{text(k)}={text(v)}" for k, v in self.runtime))
        if self.mixer:
            s.append(f"mixer {self.mixer}")
        if self.name is not None:
            s.append(f"name {text(self.name)}")
        if self.time is not None:
            s.append(f"time {self.time[0]}.{self.time[1]:09}")
        if self.mode is not None:
            s.append(f"mode {self.mode:04o}")
        if self.digests:
            s.append("digests")
        if self.part:
            number, of, total, size, lanes = self.part
            s.append(f"part {number} of {of} of {total} bytes in blocks of {size}, lanes {lanes or 'by default'}")
        return "; ".join(s) or "no fields"


# ---- Blocks

class Block:
    offset = lanes = symbols = kind = probe = None

    def __init__(self, r, h, first):
        mark = r.at
        r.take(1)
        flags = r.uint(1)
        need(flags & ~7 == 0, f"block flags {flags:#x}", "unsupported")
        self.stored, self.whole = bool(flags & 1), bool(flags & 4)
        need(not self.whole or first, "a whole block that is not the first")
        if not self.whole:
            self.offset = r.varint()
        self.length = self.size = r.varint()
        need(1 <= self.length <= 1 << 30, f"a block of {self.length} bytes")
        need(self.stored or h.model is not None or h.mixer, "a coded block without model and mixer")
        need(not (self.stored and flags & 2), "a stored block with a probe")
        if not self.stored:
            self.size, self.lanes = r.varint(), r.varint()
            need(self.size < self.length, f"a payload of {self.size} bytes for {self.length}")
            n = self.length
            if h.model is not None and h.tokens:
                n = self.symbols = r.varint()
                need(1 <= n <= self.length, f"{n} tokens")
            need(1 <= self.lanes <= min(n, 4096), f"{self.lanes} lanes")
            if h.mixer:
                self.kind = r.uint(1)
                need(self.kind <= (1 if h.mixer < 3 else 16), f"mixer kind {self.kind}", "unsupported")
            if flags & 2:
                steps = r.varint()
                need(1 <= steps <= 1024, f"a probe over {steps} steps")
                self.probe = (steps, r.take(8))
        self.sum = r.uint(4)
        check = crc(h.id, r.since(mark)) & 0xFFFF
        need(r.uint(2) == check, "block header check", "checksum mismatch")
        self.payload = r.take(self.size)
        check = crc(h.id, r.since(mark))
        need(r.uint(4) == check, "block record CRC", "checksum mismatch")
        self.record = r.at - mark

    def __str__(self):
        s = f"{self.length} bytes, " + ("stored" if self.stored else f"coded in {self.size}, {self.lanes} lanes")
        if self.symbols is not None:
            s += f", {self.symbols} tokens"
        if self.kind is not None:
            s += f", mixer kind {self.kind}"
        if self.probe:
            s += f", probe over {self.probe[0]} steps"
        return s + (", whole" if self.whole else f", at {self.offset}")

    def content(self, h, model):
        """The original bytes, None where they need what is not here."""
        if self.stored:
            content = self.payload
        elif h.mixer and model is not None and model.fits(h) and mixes(h, self):
            import mixer
            d = RangeDecoder(self.payload)
            states = None if h.model is None else [model.start() for _ in range(self.lanes)]
            content = mixer.decode(d, self.length, self.lanes, self.kind, h.mixer, states)
            d.finish()
        elif h.mixer or h.tokens or model is None:
            return None
        else:
            need(model.fits(h), "the model is another one", "mismatch")
            content = decode(self.payload, self.length, self.lanes, model)
        need(crc(content) == self.sum, "content CRC", "checksum mismatch")
        return content


# ---- Members

def members(data, model=None):
    """Yields (header, blocks, contents) of each member; a content that cannot be decoded is None."""
    r = Bytes(data)
    need(data[:4] == MAGIC, "the magic is another", "not an archive" if len(data) >= 4 or data != MAGIC[:len(data)] else "truncated")
    while r.at < r.end:
        if r.at > 0:
            need(data[r.at:r.at + 4] == MAGIC[:r.end - r.at], "something that is no header after a member")
        start = r.at
        h = Header(r)
        blocks, contents, at = [], [], 0
        while not (blocks and blocks[-1].whole):
            index = r.at
            mark = r.uint(1)
            r.at -= 1
            if mark == 0xE9:
                read_index(r, h, start, index, blocks, contents)
                break
            need(mark == 0xB7, f"a record that begins with {mark:#x}")
            b = Block(r, h, not blocks)
            need(b.whole or b.offset == at, f"a block at {b.offset} where {at} is its place")
            at += b.length
            blocks.append(b)
            contents.append(b.content(h, model))
        yield h, blocks, contents


def read_index(r, h, start, mark, blocks, contents):
    r.take(1)
    need(r.varint() == mark - start, "the index stands elsewhere")
    need(r.varint() == len(blocks), "the index has another number of blocks")
    if len(blocks) > 1 or h.part:
        for b in blocks:
            need((r.varint(), r.varint()) == (b.record, b.length), "the index describes other blocks")
        sum = r.take(32)
        if None not in contents:
            pieces = [hashlib.sha256(c).digest() for c in contents] if h.digests else contents
            need(hashlib.sha256(b"".join(pieces)).digest() == sum, "SHA-256", "checksum mismatch")
        need(r.bytes(65600) == h.record, "the copy of the header is another")
    if h.part:
        digests = [r.take(32) for _ in blocks]
        need(hashlib.sha256(b"".join(digests)).digest() == sum, "the digests", "checksum mismatch")
        for c, d in zip(contents, digests):
            need(c is None or hashlib.sha256(c).digest() == d, "a block's digest", "checksum mismatch")
    check = crc(h.id, r.since(mark))
    need(r.uint(4) == check, "index CRC", "checksum mismatch")
    size, back = r.at - mark, b""
    while True:
        back += bytes([size & 127 | (128 if size > 127 else 0)])
        size >>= 7
        if not size:
            break
    need(r.take(len(back)) == back[::-1], "the size of the index")


# ---- Coded blocks and the range coder

class RangeDecoder:
    def __init__(self, payload):
        self.payload, self.read = payload, 8
        self.code = int.from_bytes(payload[:8].ljust(8, b"\0"), "big")
        self.range = 2**64 - 1

    def narrow(self, a, r):
        self.code -= a
        self.range = r
        while self.range < 1 << 48:
            two = self.payload[self.read:self.read + 2].ljust(2, b"\0")
            self.read += 2
            self.code = self.code << 16 | int.from_bytes(two, "big")
            self.range <<= 16

    def symbol(self, freqs):
        total = sum(freqs)
        unit = self.range // total
        target = min(self.code // unit, total - 1)
        before = s = 0
        while before + freqs[s] <= target:
            before += freqs[s]
            s += 1
        self.narrow(unit * before, unit * freqs[s])
        return s

    def bit(self, p, shift=16):
        ones = (self.range >> shift) * p
        if self.code < ones:
            self.narrow(0, ones)
            return 1
        self.narrow(ones, self.range - ones)
        return 0

    def finish(self):
        need(self.read - 8 <= len(self.payload) <= self.read - 6, "a payload of another length")


def decode(payload, n, lanes, model):
    d = RangeDecoder(payload)
    out = bytearray(n)
    small, more = divmod(n, lanes)
    states = [model.start() for _ in range(lanes)]
    for step in range(small + (more > 0)):
        for lane, state in enumerate(states):
            if step < small + (lane < more):
                s = d.symbol(state.frequencies())
                out[lane * small + min(lane, more) + step] = s
                state.take(s)
    d.finish()
    return bytes(out)


def mixes(h, b):
    """Whether a block is of bytes and the fast mixer, in one stretch and without rests."""
    if h.mixer > 2 or h.tokens:
        return False
    return h.model is None or h.mixer == 1 or h.klass & 3 != 0 or 1 < b.lanes and b.length < 4096 * b.lanes


class Alone:
    """Stands for no model: of archives of the mixer alone."""

    def fits(self, h):
        return h.model is None


class Counting:
    """The model of the engine's golden archives: how often a byte followed the one before it, in its lane."""

    def fits(self, h):
        return h.model == b"a"

    def start(self):
        return CountingState()


class CountingState:
    def __init__(self):
        self.rows, self.before = {}, 256

    def frequencies(self):
        return self.rows.setdefault(self.before, [1] * 256)

    def take(self, s):
        self.rows[self.before][s] += 32
        self.before = s


# ---- The command line

def main(args):
    if len(args) < 2 or args[0] not in ("list", "cat"):
        sys.exit(__doc__)
    model = None
    if "--model" in args:
        at = args.index("--model")
        if args[at + 1] == "counting":
            model = Counting()
        elif args[at + 1] == "none":
            model = Alone()
        else:
            import rnn
            model = rnn.Model(args[at + 1])
        del args[at:at + 2]
    status = 0
    for path in args[1:]:
        with open(path, "rb") as f:
            data = f.read()
        try:
            for n, (h, blocks, contents) in enumerate(members(data, model)):
                if args[0] == "list":
                    print(f"{path}: member {n + 1}: {h}")
                    for b, c in zip(blocks, contents):
                        print(f"{path}:   {b}, " + ("content checked" if c is not None else "record checked"))
                    continue
                need(None not in contents, "a block of the mixer, of tokens, or of a model that is not given", "unsupported")
                sys.stdout.buffer.write(b"".join(contents))
        except Refused as e:
            print(f"{path}: {e}", file=sys.stderr)
            status = 3
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
