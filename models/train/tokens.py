"""Sequences of tokens cut from a corpus, as `llmz train` cuts them, made by other processes.

A sequence is a text from a random place: a model reads the start symbol and then the
tokens, and starts from nothing. Which texts an update has depends on the seed and its
number alone.
"""
import collections
import concurrent.futures
import multiprocessing
import os
import signal

import numpy as np

TEXT_PER_TOKEN = 8  # bytes of text that are cut for each token
NOTHING = -1  # the target where a text has ended
LEARN_FROM = 24 << 20  # bytes, to learn a vocabulary

_shared = None  # corpus, vocabulary and settings, in the processes that cut sequences


def sequence(vocabulary, text, context):
    """Returns what is read, what is to be predicted, and of how many bytes that is."""
    ids = vocabulary.encode(text[:context * TEXT_PER_TOKEN // 2], context)
    if len(ids) < context and len(text) > context * TEXT_PER_TOKEN // 2:
        ids = vocabulary.encode(text, context)
    x, y = np.zeros(context, np.int32), np.full(context, NOTHING, np.int32)
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


def _chunk(update):
    corpus, vocabulary, context, seed, augmented, count = _shared
    made = []
    for i in range(count):
        rng = np.random.Generator(np.random.PCG64([seed, update, i]))
        made.append(sequence(vocabulary, corpus.draw(rng, context * TEXT_PER_TOKEN, augmented), context))
    x, y, lengths = zip(*made)
    return np.stack(x), np.stack(y), sum(lengths)


def _start():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the trainer ends its helpers


class Sequences:
    """Chunks of sequences, update after update; ahead of them are prepared."""

    def __init__(self, corpus, vocabulary, count, context, seed, augmented, update=0, ahead=0):
        global _shared
        _shared = corpus, vocabulary, context, seed, augmented, count
        workers = max(1, (os.cpu_count() or 2) - 1)
        self.following, self.ahead, self.pending = update, max(ahead, 2 * workers), collections.deque()
        # Forked, so that the corpus is not copied; before CUDA is touched.
        self.pool = concurrent.futures.ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _start)
        self.fill()

    def fill(self):
        """Has the chunks ahead prepared."""
        while len(self.pending) < self.ahead:
            self.pending.append(self.pool.submit(_chunk, self.following))
            self.following += 1

    def chunk(self):
        """Returns input and target tokens, each of shape [count, context], and the bytes predicted."""
        self.fill()
        return self.pending.popleft().result()

    def close(self):
        self.pool.shutdown(wait=False, cancel_futures=True)
