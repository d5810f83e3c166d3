"""Sequences of tokens cut from a corpus, as `llmz train` cuts them, made by other processes.

A sequence is a text from a random place: a model reads the start symbol and then the
tokens, and starts from nothing. Which texts an update has depends on the seed and its
number alone.
"""
import concurrent.futures
import multiprocessing
import os

import numpy as np

TEXT_PER_TOKEN = 8  # bytes of text that are cut for each token
NOTHING = -1  # the target where a text has ended
LEARN_FROM = 24 << 20  # bytes, to learn a vocabulary
AHEAD = 8  # updates that are prepared

_shared = None  # corpus, vocabulary and settings, in the processes that cut sequences


def sequence(vocabulary, text, context):
    """Returns what is read, what is to be predicted, and of how many bytes that is."""
    ids = vocabulary.encode(text[:context * TEXT_PER_TOKEN // 2], context)
    if len(ids) < context and len(text) > context * TEXT_PER_TOKEN // 2:
        ids = vocabulary.encode(text, context)
    x, y = np.zeros(context, np.int64), np.full(context, NOTHING, np.int64)
    y[:len(ids)] = ids
    x[0] = vocabulary.start
    x[1:len(ids)] = ids[:-1]
    return x, y, sum(vocabulary.lengths[i] for i in ids)


def sample(corpus, seed, augmented):
    """Yields the texts that a vocabulary is learned from."""
    rng = np.random.Generator(np.random.PCG64([seed, 1 << 32]))
    left = min(LEARN_FROM, 2 * corpus.bytes)
    while left > 0:
        text = corpus.draw(rng, None, augmented)
        left -= len(text)
        yield text


def _chunk(update, first, count):
    corpus, vocabulary, context, seed, augmented = _shared
    made = []
    for i in range(first, first + count):
        rng = np.random.Generator(np.random.PCG64([seed, update, i]))
        made.append(sequence(vocabulary, corpus.draw(rng, context * TEXT_PER_TOKEN, augmented), context))
    x, y, lengths = zip(*made)
    return np.stack(x), np.stack(y), sum(lengths)


class Sequences:
    """Chunks of sequences, update after update."""

    def __init__(self, corpus, vocabulary, count, context, seed, augmented, update=0):
        global _shared
        _shared = corpus, vocabulary, context, seed, augmented
        workers = max(1, min(count, (os.cpu_count() or 2) - 1))
        self.count, self.per, self.following, self.pending = count, -(-count // workers), update, []
        # Forked, so that the corpus is not copied; before CUDA is touched.
        self.pool = concurrent.futures.ProcessPoolExecutor(workers, multiprocessing.get_context("fork"))

    def _submit(self):
        jobs = [self.pool.submit(_chunk, self.following, i, min(self.per, self.count - i)) for i in range(0, self.count, self.per)]
        self.pending.append(jobs)
        self.following += 1

    def chunk(self):
        """Returns input and target tokens, each of shape [count, context], and the bytes predicted."""
        while len(self.pending) < AHEAD:
            self._submit()
        x, y, lengths = zip(*(job.result() for job in self.pending.pop(0)))
        return np.concatenate(x), np.concatenate(y), sum(lengths)

    def close(self):
        self.pool.shutdown(cancel_futures=True)
