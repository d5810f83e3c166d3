"""Trains a GRU, an LSTM or a transformer for llmz with PyTorch; see README.md."""
import argparse
import inspect
import math
import os
import signal
import sys
import time

import torch
from torch import nn

import kinds
from data import Corpus
from muon import Muon


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("corpus", nargs="+", help="files, directories or - for standard input")
    p.add_argument("-o", "--output", required=True, help="the GGUF file to write")
    p.add_argument("--weights", help="shares of the texts to cut from each corpus, such as 3,1,1")
    p.add_argument("--arch", choices=("gru", "lstm", "gpt", "gpt2"), default="gru")
    p.add_argument("--layers", type=int, help="default: gru and lstm 3, gpt 8")
    p.add_argument("--hidden", type=int, default=512)
    p.add_argument("--embed", type=int, default=128, help="size of a byte's embedding; gru and lstm")
    p.add_argument("--heads", type=int, help="of a gpt; default: one for 64 units")
    p.add_argument("--vocabulary", default="8192", help="of a gpt: how many tokens to learn, or a GGUF to take it from")
    p.add_argument("--context", type=int, default=512, help="tokens that a gpt looks back on")
    p.add_argument("--batch", type=int, default=64, help="sequences of a gpt that fit the memory at once")
    p.add_argument("--ahead", type=int, default=0, help="updates of a gpt that are prepared ahead; default: what keeps all cores busy")
    p.add_argument("--compile", action="store_true", help="compile the network of a gpt first, which takes a minute")
    p.add_argument("--init", help="weights to start from: a state dict (.pt), or a GGUF for a gpt")
    p.add_argument("--minutes", type=float, help="how long to train")
    p.add_argument("--epochs", type=float, help="train on this many times the corpus instead")
    p.add_argument("--updates", type=int, help="make this many updates instead")
    p.add_argument("--streams", type=int, help="texts read in parallel; default: gru and lstm 512, gpt 64")
    p.add_argument("--steps", type=int, default=128, help="bytes of back-propagation through time")
    p.add_argument("--optimiser", choices=("muon", "adamw"), default="muon", help="of the matrices inside the layers")
    p.add_argument("--rate", type=float, help="peak learning rate; default: gru and lstm 0.002, gpt 0.004")
    p.add_argument("--final-rate", type=float, default=0.02, help="share of it at the end")
    p.add_argument("--cool-down", type=float, default=0, help="share of the training at whose end the rate falls, after having been even; 0: a cosine")
    p.add_argument("--warm-up", type=int, default=200, help="updates until the peak")
    p.add_argument("--decay", type=float, help="weight decay of the matrices; default: gru and lstm 0.01, gpt 0.1")
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
    gpt = a.arch.startswith("gpt")
    for name, recurrent, transformer in (("layers", 3, 8), ("streams", 512, 64), ("rate", 0.002, 0.004), ("decay", 0.01, 0.1)):
        if getattr(a, name) is None:
            setattr(a, name, transformer if gpt else recurrent)
    return a


# Old versions of PyTorch have no such argument.
UNSAFE = {"weights_only": False} if "weights_only" in inspect.signature(torch.load).parameters else {}


def fused(device):
    """AdamW in one kernel, where there are such."""
    return {"fused": True} if device.startswith("cuda") else {}


class Training:
    """Everything that a checkpoint keeps."""

    def __init__(self, a):
        self.a = a
        torch.manual_seed(a.seed)
        weights = [float(w) for w in a.weights.split(",")] if a.weights else None
        self.corpus = Corpus(a.corpus, weights, a.validation)
        self.checkpoint = a.output + ".checkpoint.pt"
        c = None
        if a.resume and os.path.exists(self.checkpoint):
            # weights_only=False: the generators' states are plain Python objects. Resume
            # only from your own checkpoints.
            c = torch.load(self.checkpoint, map_location=a.device, **UNSAFE)
        self.kind = kinds.make(a, self.corpus, c)
        self.net = self.kind.net
        maps = self.kind.maps() if a.optimiser == "muon" else []
        rest = [w for w in self.net.parameters() if not any(w is m for m, _ in maps)]
        matrices, vectors = ([w for w in rest if (w.ndim > 1) == matrix] for matrix in (True, False))
        self.optimisers = [torch.optim.AdamW(
            [{"params": matrices, "weight_decay": a.decay}, {"params": vectors, "weight_decay": 0.0}],
            lr=a.rate, betas=(0.9, 0.99), eps=1e-8, **fused(a.device))]
        if maps:
            self.optimisers.append(Muon(maps, a.rate, a.decay))
        self.update, self.before, self.begun = 0, 0.0, time.monotonic()
        self.best, self.best_bpc = None, math.inf
        self.total = a.updates
        if a.epochs is not None:
            self.total = max(1, math.ceil(a.epochs * self.corpus.bytes / self.kind.chunk_bytes))
        if c:
            self.load(c)

    def elapsed(self):
        return self.before + time.monotonic() - self.begun

    def fraction(self):
        if self.total is not None:
            return min(1.0, self.update / self.total)
        return min(1.0, self.elapsed() / (60 * self.a.minutes)) if self.a.minutes > 0 else 1.0

    def rate(self):
        a = self.a
        left = 0.5 * (1 + math.cos(math.pi * self.fraction()))
        if a.cool_down > 0:
            left = min(1.0, (1 - self.fraction()) / a.cool_down)
        warm = min(1.0, max((self.update + 1) / a.warm_up, self.fraction() / 0.05))
        return a.rate * (a.final_rate + (1 - a.final_rate) * left) * warm

    def step(self):
        """Trains on one chunk and returns its bits, as a tensor, and bytes."""
        rate = self.rate()
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
        self.net.zero_grad(set_to_none=True)
        bits, length = self.kind.step(self.update)
        self.clip()
        for optimiser in self.optimisers:
            optimiser.step()
        self.update += 1
        return bits, length

    @torch.no_grad()
    def clip(self):
        """Bounds the gradient's norm; a gradient beyond float16 counts as none. Nothing waits for the GPU."""
        gradients = [w.grad for w in self.net.parameters()]
        norm = torch.stack([g.norm() for g in gradients]).norm() / self.kind.scale
        factor = (self.a.clip / norm.clamp(min=self.a.clip)) / self.kind.scale
        for g in gradients:
            g.copy_(torch.where(norm.isfinite(), g * factor, torch.zeros_like(g)))

    def validate(self):
        bpc = self.kind.measure()
        if bpc is None:
            return
        if bpc < self.best_bpc:
            self.best_bpc = bpc
            self.best = {k: v.detach().clone() for k, v in self.net.state_dict().items()}
        print(f"update {self.update}: {bpc:.4f} bits per byte on held-out text, best {self.best_bpc:.4f}", file=sys.stderr)

    def save(self):
        torch.save({"net": self.net.state_dict(), "optimisers": [o.state_dict() for o in self.optimisers], "kind": self.kind.state_dict(),
                    "update": self.update, "seconds": self.elapsed(), "best": self.best, "best_bpc": self.best_bpc}, self.checkpoint + ".part")
        os.replace(self.checkpoint + ".part", self.checkpoint)

    def load(self, c):
        self.net.load_state_dict(c["net"])
        for optimiser, state in zip(self.optimisers, c["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        self.update, self.before, self.best, self.best_bpc = c["update"], c["seconds"], c["best"], c["best_bpc"]
        self.kind.load_state_dict(c["kind"], self.update)

    def export(self):
        weights = {k: v.detach().float().cpu().numpy() for k, v in (self.best or self.net.state_dict()).items()}
        self.kind.export(weights, os.path.splitext(os.path.basename(self.a.output))[0])


def must_be_finite(loss):
    if not math.isfinite(loss):
        sys.exit("training diverged: use a lower --rate")


def main():
    a = arguments()
    t = Training(a)
    parameters = sum(p.numel() for p in t.net.parameters())
    print(f"{a.arch}: {parameters:,} parameters on {a.device}, {t.corpus.bytes:,} bytes of corpus", file=sys.stderr)
    stop = []
    signal.signal(signal.SIGINT, lambda *_: stop.append(True))
    shown = validated = saved = time.monotonic()
    bits, length, smooth = 0.0, 0, None
    while t.fraction() < 1 and not stop:
        more, n = t.step()
        bits, length = bits + more, length + n
        now = time.monotonic()
        if now - shown >= 5:
            bpc, now = float(bits) / length, time.monotonic()
            must_be_finite(bpc)
            smooth = bpc if smooth is None else smooth + 0.3 * (bpc - smooth)
            print(f"{100 * t.fraction():3.0f}% update {t.update} bpc {smooth:.3f} {length / (now - shown) / 1000:.1f} kB/s "
                  f"lr {t.rate():.2e}", file=sys.stderr)
            bits, length, shown = 0.0, 0, now
        if now - validated >= a.validate_every:
            t.validate()
            validated = time.monotonic()
        if now - saved >= 180:
            t.save()
            saved = time.monotonic()
    t.kind.close()
    must_be_finite(float(bits))  # of what has not been shown
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
