"""Byte-level vocabularies by pair merging within GPT-2's words, as `llmz train` learns and uses them."""
import heapq
import re
import sys
import unicodedata

START = "<|endoftext|>"
LEAST = 257  # the start symbol and the bytes
NORMAL, CONTROL = 1, 3  # token types
LONGEST_WORD = 256


def _classes():
    """Returns the letters and the numbers of Unicode as parts of a character class."""
    ranges = {"L": [], "N": []}
    for c in range(sys.maxunicode + 1):
        kind = ranges.get(unicodedata.category(chr(c))[0])
        if kind is None:
            continue
        if kind and kind[-1][1] == c - 1:
            kind[-1][1] = c
        else:
            kind.append([c, c])
    return ("".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in ranges[k]) for k in "LN")


def _pattern():
    letters, numbers = _classes()
    space = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    invalid = r"\udc80-\udcff"  # bytes that are not UTF-8, see words
    return re.compile(rf"'(?:[sdmt]|ll|ve|re)| ?[{letters}]+| ?[{numbers}]+| ?[^{space}{letters}{numbers}{invalid}]+"
                      rf"|[{space}]+(?![^{space}])|[{space}]+(?=[{space}])|[{space}]|[{invalid}]")


PATTERN = _pattern()


def words(text):
    """Yields the words of bytes, as bytes."""
    for w in PATTERN.findall(text.decode("utf-8", "surrogateescape")):
        b = w.encode("utf-8", "surrogateescape")
        while len(b) > LONGEST_WORD:  # rare: where exactly it is cut matters little
            yield b[:LONGEST_WORD]
            b = b[LONGEST_WORD:]
        yield b


def _alphabet():
    """Returns the characters that stand for the bytes in vocabularies."""
    table, following = [], 256
    for b in range(256):
        if 0x21 <= b <= 0x7E or 0xA1 <= b <= 0xAC or b >= 0xAE:
            table.append(chr(b))
        else:
            table.append(chr(following))
            following += 1
    return table


ALPHABET = _alphabet()
BYTES = {c: i for i, c in enumerate(ALPHABET)}


class Vocabulary:
    """Tokens and merges; the start symbol is what a model reads before the first token."""

    def __init__(self, tokens, types, merges, start=0):
        self.tokens, self.types, self.merges, self.start = tokens, types, merges, start
        ids = {t: i for i, t in enumerate(tokens)}
        self.single = [ids[c] for c in ALPHABET]
        self.lengths = [len(t) if k == NORMAL else 0 for t, k in zip(tokens, types)]
        self.rank = {}
        for rank, m in enumerate(merges):
            a, b = m.split(" ")
            self.rank.setdefault((ids[a], ids[b]), (rank, ids[a + b]))
        self.cache = {}

    @classmethod
    def read(cls, meta):
        """Takes the vocabulary from the metadata of a model file."""
        if meta.get("tokenizer.ggml.model") != "gpt2" or meta.get("tokenizer.ggml.pre", "gpt-2") != "gpt-2":
            raise ValueError("only vocabularies that merge pairs within GPT-2's words can be trained with")
        tokens = meta["tokenizer.ggml.tokens"]
        types = meta.get("tokenizer.ggml.token_type") or [NORMAL] * len(tokens)
        return cls(tokens, types, meta["tokenizer.ggml.merges"], meta["tokenizer.ggml.bos_token_id"])

    @classmethod
    def learn(cls, texts, size):
        """Learns at most size tokens from texts."""
        counts = {}
        for text in texts:
            for w in words(text):
                counts[w] = counts.get(w, 0) + 1
        learner = _Learner(counts)
        tokens, types = [START] + ALPHABET, [CONTROL] + [NORMAL] * 256
        known, merges = set(tokens), []
        while len(tokens) < size:
            pair = learner.best()
            if pair is None:
                break
            both = tokens[pair[0]] + tokens[pair[1]]
            if both in known:  # two ways to one token would make it two
                del learner.pairs[pair]
                continue
            known.add(both)
            merges.append(f"{tokens[pair[0]]} {tokens[pair[1]]}")
            learner.merge(pair, len(tokens))
            tokens.append(both)
            types.append(NORMAL)
        return cls(tokens, types, merges)

    def metadata(self):
        return [("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", "gpt-2"), ("tokenizer.ggml.tokens", self.tokens),
                ("tokenizer.ggml.token_type", self.types), ("tokenizer.ggml.merges", self.merges),
                ("tokenizer.ggml.bos_token_id", self.start), ("tokenizer.ggml.eos_token_id", self.start),
                ("tokenizer.ggml.add_bos_token", False)]

    def encode(self, text, most):
        """Returns up to most tokens of bytes."""
        ids = []
        for w in words(text):
            if w not in self.cache:
                if len(self.cache) > 1 << 17:
                    self.cache.clear()
                self.cache[w] = self._merge([self.single[b] for b in w])
            ids += self.cache[w]
            if len(ids) >= most:
                return ids[:most]
        return ids

    def _merge(self, ids):
        while len(ids) > 1:
            at = min(range(len(ids) - 1), key=lambda i: self.rank.get((ids[i], ids[i + 1]), (1 << 31,))[0])
            found = self.rank.get((ids[at], ids[at + 1]))
            if found is None:
                break
            ids[at:at + 2] = [found[1]]
        return ids


class _Learner:
    """Words as tokens, and how often each pair is there."""

    def __init__(self, counts):
        self.words = [([1 + b for b in w], n) for w, n in sorted(counts.items())]
        self.pairs, self.touched = {}, set()
        for i in range(len(self.words)):
            self._count(i, 1)
        self.queue = [(-n[0], p) for p, n in self.pairs.items()]
        heapq.heapify(self.queue)
        self.touched.clear()

    def _count(self, i, sign):
        tokens, n = self.words[i]
        for p in zip(tokens, tokens[1:]):
            entry = self.pairs.setdefault(p, [0, set()])
            entry[0] += sign * n
            entry[1].add(i)
            self.touched.add(p)

    def best(self):
        """Returns the pair that is there most often, of equals the one of older tokens; None if none is twice."""
        while self.queue:
            count, pair = heapq.heappop(self.queue)
            if pair in self.pairs and self.pairs[pair][0] == -count:
                return pair if -count > 1 else None
        return None

    def merge(self, pair, token):
        for i in list(self.pairs[pair][1]):
            tokens, n = self.words[i]
            out, at = [], 0
            while at < len(tokens):
                if at + 1 < len(tokens) and (tokens[at], tokens[at + 1]) == pair:
                    out.append(token)
                    at += 2
                else:
                    out.append(tokens[at])
                    at += 1
            if len(out) == len(tokens):
                continue
            self._count(i, -1)
            self.words[i] = (out, n)
            self._count(i, 1)
        for p in self.touched:
            if self.pairs[p][0] > 0:
                heapq.heappush(self.queue, (-self.pairs[p][0], p))
            else:
                del self.pairs[p]
        self.touched.clear()
