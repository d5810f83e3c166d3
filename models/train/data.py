"""Texts cut from a corpus, as `llmz train` cuts them.

A stream is an endless sequence of texts of 0.5 to 16 kB, each from a random
place of a source, some of them rewritten. A model reads the start symbol before
the first byte of a text, with its state zeroed: that is what the lanes of an
archive do.
"""
import math
import multiprocessing
import os
import signal
import sys

import numpy as np

START = 256
MIN_TEXT, MAX_TEXT = 512, 16 << 10
WORKERS, AHEAD = 4, 8  # processes that feed streams, and the chunks that each prepares


def read_source(path):
    """Returns the bytes of a file, of all files below a directory, or of stdin ("-")."""
    if path == "-":
        return sys.stdin.buffer.read()
    if not os.path.isdir(path):
        with open(path, "rb") as f:
            return f.read()
    parts = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(d for d in folders if not d.startswith("."))
        for name in sorted(n for n in names if not n.startswith(".")):
            full = os.path.join(folder, name)
            if os.path.isfile(full) and not os.path.islink(full):
                with open(full, "rb") as f:
                    parts.append(f.read())
    return b"\n\n\n".join(parts)


class Corpus:
    """Sources with the share of the texts to cut from each; the end of each is held out."""

    def __init__(self, paths, weights=None, validation=0.01):
        data = [read_source(p) for p in paths]
        weights = weights or [len(d) for d in data]
        if len(weights) != len(data):
            raise ValueError(f"{len(weights)} weights for {len(data)} sources")
        kept = [(d, w) for d, w in zip(data, weights) if len(d) >= 64 and w > 0]
        if not kept:
            raise ValueError("corpus is too small: fewer than 64 bytes in each source")
        self.train, self.valid = [], []
        for d, w in kept:
            held = min(int(validation * len(d)), 1 << 20)
            self.train.append(d[:len(d) - held])
            if held >= 16:
                self.valid.append((d[len(d) - held:], w))
        total = sum(w for _, w in kept)
        self.shares = np.cumsum([w / total for _, w in kept])
        self.bytes = sum(len(d) for d in self.train)

    def draw(self, rng, length=None, augmented=True):
        """Returns a text from a random place, of a length that is drawn unless it is given."""
        data = self.train[int(np.searchsorted(self.shares, rng.random()).clip(0, len(self.train) - 1))]
        if length is None:
            length = int(MIN_TEXT * math.exp(rng.random() * math.log(MAX_TEXT / MIN_TEXT)))
        length = min(length, len(data))
        at = int(rng.integers(0, len(data) - length + 1))
        text = data[at:at + length]
        return augment(rng, text) if augmented else text

    def held_out(self, count=32, length=3072):
        """Returns count texts spread over the held-out parts, all of one length."""
        total = sum(w for _, w in self.valid)
        texts = []
        for i in range(count):
            p, s = (i + 0.5) / count * total, 0
            while s < len(self.valid) - 1 and p >= self.valid[s][1]:
                p -= self.valid[s][1]
                s += 1
            d = self.valid[s][0]
            n = min(len(d), length)
            at = (len(d) - n) * i // count
            texts.append(d[at:at + n])
        shortest = min(map(len, texts), default=0)
        return [t[:shortest] for t in texts]


def augment(rng, text):
    """Rewrites some texts, so that a model has seen what its corpus happens not to hold."""
    kind, line = rng.random(), rng.random()
    if kind < 0.02:  # tabs for leading spaces
        text = b"".join(_tabs(l) for l in text.splitlines(keepends=True))
    elif kind < 0.035:
        text = text.upper()
    elif kind < 0.065:
        text = _latin1(text)
    elif kind < 0.095:
        pad = b" " * int(rng.choice([1, 2, 4, 5, 8, 10, 16]))
        text = b"".join(pad + l if l.strip(b"\r\n") else l for l in text.splitlines(keepends=True))
    if line < 0.3 and b"\r" not in text:
        text = text.replace(b"\n", b"\r\n")
    return text


def _tabs(line):
    n = 0
    while line.startswith(b"    ", 4 * n):
        n += 1
    return b"\t" * n + line[4 * n:]


def _latin1(text):
    """Recodes the two-byte characters up to U+00FF; everything else stays as it is."""
    out, i = bytearray(), 0
    while i < len(text):
        if text[i] in (0xC2, 0xC3) and i + 1 < len(text) and 0x80 <= text[i + 1] <= 0xBF:
            out.append((text[i] & 3) << 6 | text[i + 1] & 0x3F)
            i += 2
        else:
            out.append(text[i])
            i += 1
    return bytes(out)


class Streams:
    """Parallel streams, fed by other processes. A text ends with a chunk, so that states are zeroed between chunks only."""

    def __init__(self, corpus, count, steps, seed, augmented=True, update=0):
        workers = max(1, min(count // 64, (os.cpu_count() or 2) - 1, WORKERS))
        fork = multiprocessing.get_context("fork")  # the corpus is not copied
        self.queues, self.processes = [], []
        for i in range(workers):
            part = range(count * i // workers, count * (i + 1) // workers)
            queue = fork.Queue(AHEAD)
            self.processes.append(fork.Process(target=_feed, args=(corpus, part, steps, seed, augmented, update, queue), daemon=True))
            self.processes[-1].start()
            self.queues.append(queue)

    def chunk(self):
        """Returns the next symbols of each stream, [streams, steps], and which streams begin a text."""
        symbols, fresh = zip(*(q.get() for q in self.queues))
        return np.concatenate(symbols), np.concatenate(fresh)

    def close(self):
        for p in self.processes:
            p.terminate()


def _feed(corpus, part, steps, seed, augmented, update, queue):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the trainer ends its feeders
    rngs = [np.random.Generator(np.random.PCG64([seed, i, update])) for i in part]
    texts, positions = [np.zeros(0, np.uint8)] * len(part), [0] * len(part)
    while True:
        symbols, fresh = np.empty((len(part), steps), np.uint8), np.zeros(len(part), bool)
        for i, rng in enumerate(rngs):
            if positions[i] + steps > len(texts[i]):
                text = np.frombuffer(corpus.draw(rng, None, augmented), np.uint8)
                texts[i] = text if len(text) >= steps else np.resize(text, steps)
                positions[i], fresh[i] = 0, True
            symbols[i] = texts[i][positions[i]:positions[i] + steps]
            positions[i] += steps
        queue.put((symbols, fresh))
