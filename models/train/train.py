"""Trains a byte-level GRU or LSTM for llmz with PyTorch; see README.md."""
import argparse
import contextlib
import math
import os
import signal
import sys
import time

import torch
from torch import nn

import gguf
from data import Corpus, Streams
from model import ByteRNN
from muon import Muon


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("corpus", nargs="+", help="files, directories or - for standard input")
    p.add_argument("-o", "--output", required=True, help="the GGUF file to write")
    p.add_argument("--weights", help="shares of the texts to cut from each corpus, such as 3,1,1")
    p.add_argument("--arch", choices=("gru", "lstm"), default="gru")
    p.add_argument("--layers", type=int, default=3)
    p.add_argument("--hidden", type=int, default=512)
    p.add_argument("--embed", type=int, default=128)
    p.add_argument("--init", help="state dict (.pt) to start from")
    p.add_argument("--minutes", type=float, help="how long to train")
    p.add_argument("--epochs", type=float, help="train on this many times the corpus instead")
    p.add_argument("--updates", type=int, help="make this many updates instead")
    p.add_argument("--streams", type=int, default=512, help="texts read in parallel")
    p.add_argument("--steps", type=int, default=128, help="bytes of back-propagation through time")
    p.add_argument("--optimiser", choices=("muon", "adamw"), default="muon", help="of the recurrent matrices")
    p.add_argument("--rate", type=float, default=0.002, help="peak learning rate")
    p.add_argument("--final-rate", type=float, default=0.02, help="share of it at the end of the cosine")
    p.add_argument("--warm-up", type=int, default=200, help="updates until the peak")
    p.add_argument("--decay", type=float, default=0.01, help="weight decay of the matrices")
    p.add_argument("--clip", type=float, default=1.0, help="largest norm of the gradient")
    p.add_argument("--validation", type=float, default=0.01, help="share of the corpus to hold back")
    p.add_argument("--validate-every", type=float, default=60, help="seconds between validations")
    p.add_argument("--no-augment", action="store_true", help="leave the texts as they are")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--float", action="store_true", help="write float32 weights")
    p.add_argument("--resume", action="store_true", help="go on from OUTPUT.checkpoint.pt")
    a = p.parse_args()
    if sum(v is not None for v in (a.minutes, a.epochs, a.updates)) != 1:
        p.error("give one of --minutes, --epochs and --updates")
    return a


class Training:
    """Everything that a checkpoint keeps."""

    def __init__(self, a):
        self.a = a
        torch.manual_seed(a.seed)
        weights = [float(w) for w in a.weights.split(",")] if a.weights else None
        self.corpus = Corpus(a.corpus, weights, a.validation)
        self.streams = Streams(self.corpus, a.streams, a.seed, not a.no_augment)
        self.net = ByteRNN(a.arch, a.layers, a.hidden, a.embed).to(a.device)
        if a.init:
            self.net.load_state_dict(torch.load(a.init, map_location=a.device, weights_only=True))
        recurrent = [w for w in self.net.rnn.parameters() if w.ndim > 1] if a.optimiser == "muon" else []
        rest = [w for w in self.net.parameters() if not any(w is r for r in recurrent)]
        matrices, biases = ([w for w in rest if (w.ndim > 1) == matrix] for matrix in (True, False))
        self.optimisers = [torch.optim.AdamW(
            [{"params": matrices, "weight_decay": a.decay}, {"params": biases, "weight_decay": 0.0}],
            lr=a.rate, betas=(0.9, 0.99), eps=1e-8)]
        if recurrent:
            self.optimisers.append(Muon(recurrent, a.hidden, a.rate, a.decay))
        self.state = self.net.start(a.streams, a.device)
        self.update, self.before, self.begun = 0, 0.0, time.monotonic()
        self.best, self.best_bpc = None, math.inf
        self.total = a.updates
        if a.epochs is not None:
            self.total = max(1, math.ceil(a.epochs * self.corpus.bytes / (a.streams * a.steps)))
        self.checkpoint = a.output + ".checkpoint.pt"
        if a.resume and os.path.exists(self.checkpoint):
            self.load()

    def elapsed(self):
        return self.before + time.monotonic() - self.begun

    def fraction(self):
        if self.total is not None:
            return min(1.0, self.update / self.total)
        return min(1.0, self.elapsed() / (60 * self.a.minutes)) if self.a.minutes > 0 else 1.0

    def rate(self):
        a = self.a
        cosine = a.final_rate + (1 - a.final_rate) * 0.5 * (1 + math.cos(math.pi * self.fraction()))
        return a.rate * cosine * min(1.0, (self.update + 1) / a.warm_up)

    def step(self):
        """Trains on one chunk and returns its loss in bits per byte."""
        a = self.a
        x, y, first = self.streams.chunk(a.steps)
        x, y = torch.as_tensor(x, device=a.device), torch.as_tensor(y, device=a.device)
        self.state = self.state.detach() if a.arch == "gru" else tuple(s.detach() for s in self.state)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.rate()
        mixed = torch.autocast(a.device, torch.bfloat16) if a.device.startswith("cuda") else contextlib.nullcontext()
        with mixed:
            logits, self.state = self.net(x, self.state, first)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1).float(), y.flatten())
        self.net.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), a.clip)
        for optimiser in self.optimisers:
            optimiser.step()
        self.update += 1
        return loss.item() / math.log(2)

    def validate(self):
        texts = self.corpus.held_out()
        if not texts or not texts[0]:
            return
        bpc = self.net.bits(texts, self.a.device)
        if bpc < self.best_bpc:
            self.best_bpc = bpc
            self.best = {k: v.detach().clone() for k, v in self.net.state_dict().items()}
        print(f"update {self.update}: {bpc:.4f} bits per byte on held-out text, best {self.best_bpc:.4f}", file=sys.stderr)

    def save(self):
        state = self.state if self.a.arch == "gru" else list(self.state)
        torch.save({"net": self.net.state_dict(), "optimisers": [o.state_dict() for o in self.optimisers], "state": state,
                    "streams": self.streams.state_dict(), "update": self.update, "seconds": self.elapsed(),
                    "best": self.best, "best_bpc": self.best_bpc}, self.checkpoint + ".part")
        os.replace(self.checkpoint + ".part", self.checkpoint)

    def load(self):
        # weights_only=False: the generators' states are plain Python objects. Resume
        # only from your own checkpoints.
        c = torch.load(self.checkpoint, map_location=self.a.device, weights_only=False)
        self.net.load_state_dict(c["net"])
        for optimiser, state in zip(self.optimisers, c["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        self.streams.load_state_dict(c["streams"])
        self.state = c["state"] if self.a.arch == "gru" else tuple(c["state"])
        self.update, self.before, self.best, self.best_bpc = c["update"], c["seconds"], c["best"], c["best_bpc"]

    def export(self):
        weights = {k: v.detach().float().cpu().numpy() for k, v in (self.best or self.net.state_dict()).items()}
        name = os.path.splitext(os.path.basename(self.a.output))[0]
        gguf.write(self.a.output, self.a.arch, self.a.layers, self.a.hidden, self.a.embed, weights, name, not self.a.float)


def main():
    a = arguments()
    t = Training(a)
    parameters = sum(p.numel() for p in t.net.parameters())
    print(f"{a.arch}: {parameters:,} parameters on {a.device}, {t.corpus.bytes:,} bytes of corpus", file=sys.stderr)
    stop = []
    signal.signal(signal.SIGINT, lambda *_: stop.append(True))
    shown = validated = saved = time.monotonic()
    smooth, since = None, 0
    while t.fraction() < 1 and not stop:
        bpc = t.step()
        if not math.isfinite(bpc):
            sys.exit("training diverged: use a lower --rate")
        smooth = bpc if smooth is None else smooth + 0.02 * (bpc - smooth)
        since += a.streams * a.steps
        now = time.monotonic()
        if now - shown >= 5:
            print(f"{100 * t.fraction():3.0f}% update {t.update} bpc {smooth:.3f} {since / (now - shown) / 1000:.1f} kB/s "
                  f"lr {t.rate():.2e}", file=sys.stderr)
            shown, since = now, 0
        if now - validated >= a.validate_every:
            t.validate()
            validated = time.monotonic()
        if now - saved >= 180:
            t.save()
            saved = time.monotonic()
    if stop:
        t.save()
        print(f"saved {t.checkpoint}; the same command with --resume goes on", file=sys.stderr)
        sys.exit(130)
    t.validate()
    t.export()
    if os.path.exists(t.checkpoint):
        os.remove(t.checkpoint)
    print(f"{a.output}: {os.path.getsize(a.output):,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
