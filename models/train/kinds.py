"""What differs between the kinds of models in training: their data, loss and file."""
import contextlib
import math

import numpy as np
import torch
from torch import nn

import gguf
from data import START, Streams
from gpt import Shape, Transformer
from model import ByteRNN
from tokens import Sequences, sample, sequence
from vocab import Vocabulary


def mixed(device, kind=torch.bfloat16):
    """Products in 16 bits where they are fast."""
    return torch.autocast("cuda", kind) if device.startswith("cuda") else contextlib.nullcontext()


class Recurrent:
    """A GRU or LSTM over bytes, by truncated back-propagation through time."""

    def __init__(self, a, corpus):
        self.a, self.corpus = a, corpus
        self.streams = Streams(corpus, a.streams, a.steps, a.seed, not a.no_augment)
        self.net = ByteRNN(a.arch, a.layers, a.hidden, a.embed).to(a.device)
        if a.init:
            self.net.load_state_dict(torch.load(a.init, map_location=a.device, weights_only=True))
        self.state = self.net.start(a.streams, a.device)
        self.last = torch.full((a.streams,), START, device=a.device)
        self.chunk_bytes = a.streams * a.steps
        # cuDNN has its fast recurrent kernels for float16, whose gradients need lifting.
        self.scale = 2.0**14 if a.device.startswith("cuda") else 1.0

    def maps(self):
        """Returns the matrices for Muon, each with the number of maps in it."""
        return [(w, w.shape[0] // self.a.hidden) for w in self.net.rnn.parameters() if w.ndim > 1]

    def step(self, update):
        """Computes the gradient of the next chunk; returns its bits, as a tensor, and bytes."""
        a = self.a
        symbols, fresh = (torch.as_tensor(v, device=a.device) for v in self.streams.chunk())
        y = symbols.t().long().contiguous()
        x = torch.cat([torch.where(fresh, torch.full_like(self.last, START), self.last)[None], y[:-1]])
        self.last = y[-1]
        keep = (~fresh)[None, :, None]
        self.state = self.state.detach() * keep if a.arch == "gru" else tuple(s.detach() * keep for s in self.state)
        with mixed(a.device, torch.float16):
            logits, self.state = self.net(x, self.state)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1).float(), y.flatten())
        (loss * self.scale).backward()
        return loss.detach() * (y.numel() / math.log(2)), y.numel()

    def measure(self):
        """Returns the bits per byte of the held-out texts; None without any."""
        texts = self.corpus.held_out()
        return self.net.bits(texts, self.a.device) if texts and texts[0] else None

    def state_dict(self):
        return {}

    def load_state_dict(self, c, update):
        """Goes on with other texts, from their beginnings."""
        a = self.a
        self.streams.close()
        self.streams = Streams(self.corpus, a.streams, a.steps, a.seed, not a.no_augment, update)

    def export(self, weights, name):
        a = self.a
        gguf.write(a.output, a.arch, a.layers, a.hidden, a.embed, weights, name, not a.float)

    def close(self):
        self.streams.close()


class Tokens:
    """A transformer over the tokens of a vocabulary."""

    def __init__(self, a, corpus, vocabulary=None):
        self.a, self.corpus = a, corpus
        weights = None
        if a.init:
            meta, weights = gguf.read(a.init)
            vocabulary, shape = Vocabulary.read(meta), Shape.read(meta)
            if shape.arch == "gpt":
                shape.context = a.context
        else:
            if vocabulary is None:
                vocabulary = self.learn()
            shape = Shape.of(a.arch, a.layers, a.hidden, a.heads, len(vocabulary.tokens), a.context)
        self.vocabulary, self.shape = vocabulary, shape
        self.sequences = Sequences(corpus, vocabulary, a.streams, shape.context, a.seed, not a.no_augment, ahead=a.ahead)
        self.net = Transformer(shape)
        if weights:
            self.net.load_state_dict({k: torch.as_tensor(w) for k, w in weights.items()})
        self.net.to(a.device)
        self.chunk_bytes, self.scale = a.streams * shape.context * 4, 1.0
        self.run = torch.compile(self.net.nats) if a.compile else self.net.nats

    def learn(self):
        """Takes the vocabulary of a model file, or learns one."""
        if not self.a.vocabulary.isdecimal():
            return Vocabulary.read(gguf.read(self.a.vocabulary)[0])
        return Vocabulary.learn(sample(self.corpus, self.a.seed, not self.a.no_augment), int(self.a.vocabulary))

    def maps(self):
        return self.net.parts()

    def step(self, update):
        a = self.a
        x, y, length = self.sequences.chunk()
        predictions, nats = int((y >= 0).sum()), 0.0
        for i in range(0, len(x), a.batch):
            part, targets = (torch.as_tensor(v[i:i + a.batch], device=a.device).long() for v in (x, y))
            with mixed(a.device):
                loss = self.run(part, targets)
            (loss / predictions).backward()
            nats += loss.detach()
        return nats / math.log(2), length

    @torch.no_grad()
    def measure(self):
        texts = self.corpus.held_out(64, 4 * self.shape.context)
        if not texts or not texts[0]:
            return None
        nats, length = 0.0, 0
        for text in texts:
            x, y, n = sequence(self.vocabulary, text, self.shape.context)
            x, y = (torch.as_tensor(v, device=self.a.device).long()[None] for v in (x, y))
            with mixed(self.a.device):
                nats += self.net.nats(x, y).item()
            length += n
        return nats / math.log(2) / length

    def state_dict(self):
        v = self.vocabulary
        return {"vocabulary": (v.tokens, v.types, v.merges, v.start)}

    def load_state_dict(self, c, update):
        self.sequences.close()
        self.sequences = Sequences(self.corpus, self.vocabulary, self.a.streams, self.shape.context, self.a.seed, not self.a.no_augment, update, self.a.ahead)

    def export(self, weights, name):
        gguf.write_transformer(self.a.output, self.shape, self.vocabulary, {k: np.asarray(w) for k, w in weights.items()}, name, not self.a.float)

    def close(self):
        self.sequences.close()


def make(a, corpus, checkpoint=None):
    """Returns the kind of model that is asked for; a checkpoint has the vocabulary."""
    if a.arch in ("gru", "lstm"):
        return Recurrent(a, corpus)
    vocabulary = Vocabulary(*checkpoint["kind"]["vocabulary"]) if checkpoint else None
    return Tokens(a, corpus, vocabulary)
