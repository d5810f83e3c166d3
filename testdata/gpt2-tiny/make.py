#!/usr/bin/env python3
"""Makes the GPT-2 models that the tests and the speed table use, and the
reference logits they are compared with. Needs Python 3, numpy, torch and regex.

  make.py train VOCAB CORPUS... -o DIR [--minutes 10]
      trains a two-layer GPT-2 on the head of each CORPUS file and writes a
      Hugging Face folder (config.json, model.safetensors, vocab.json, merges.txt)
  make.py random VOCAB -o DIR --shape gpt2|distilgpt2
      the same folder with random weights: for speed, not for prediction
  make.py reference DIR TEXT -o reference.json
      tokenises the head of TEXT, rounds the matrices to Q8_0 as a conversion does,
      and writes logits and the cross-entropy, context refills included

VOCAB holds GPT-2's encoder.json (or vocab.json) and vocab.bpe (or merges.txt).
Everything here is written from the papers and file formats: it shares no code
with the Go packages, so that agreement means something.
"""
import argparse
import hashlib
import json
import math
import os
import shutil
import struct
import sys
import time

import numpy as np
import regex
import torch
import torch.nn.functional as F

SPLIT = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
EOT = 50256


def byte_alphabet():
    """GPT-2's printable stand-ins for the 256 bytes."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + extra)
            extra += 1
    return table


class Tokenizer:
    def __init__(self, folder):
        def first(*names):
            for n in names:
                p = os.path.join(folder, n)
                if os.path.exists(p):
                    return p
            sys.exit(f"{folder}: none of {names}")

        self.vocab_path = first("vocab.json", "encoder.json")
        self.merges_path = first("merges.txt", "vocab.bpe")
        self.vocab = json.load(open(self.vocab_path, encoding="utf-8"))
        lines = open(self.merges_path, encoding="utf-8").read().split("\n")
        pairs = [tuple(l.split(" ")) for l in lines if l and not l.startswith("#version")]
        self.ranks = {p: i for i, p in enumerate(pairs)}
        self.bytes = byte_alphabet()
        self.cache = {}

    def word(self, piece):
        if piece in self.cache:
            return self.cache[piece]
        parts = [self.bytes[b] for b in piece.encode("utf-8")]
        while len(parts) > 1:
            rank, i = min((self.ranks.get((parts[j], parts[j + 1]), math.inf), j) for j in range(len(parts) - 1))
            if rank is math.inf:
                break
            parts[i:i + 2] = [parts[i] + parts[i + 1]]
        ids = [self.vocab[p] for p in parts]
        self.cache[piece] = ids
        return ids

    def encode(self, text):
        out = []
        for m in SPLIT.finditer(text):
            out.extend(self.word(m.group()))
        return out


def layer_norm(x, w, b):
    return F.layer_norm(x, (x.shape[-1],), w, b, 1e-5)


def forward(P, cfg, tokens):
    """Hidden states after the last norm: [batch, time, n_embd]."""
    B, T = tokens.shape
    h = cfg["n_head"]
    x = P["wte.weight"][tokens] + P["wpe.weight"][:T]
    mask = torch.full((T, T), float("-inf")).triu(1)
    for i in range(cfg["n_layer"]):
        p = f"h.{i}."
        y = layer_norm(x, P[p + "ln_1.weight"], P[p + "ln_1.bias"])
        q, k, v = (y @ P[p + "attn.c_attn.weight"] + P[p + "attn.c_attn.bias"]).split(x.shape[-1], dim=2)
        q, k, v = (t.view(B, T, h, -1).transpose(1, 2) for t in (q, k, v))
        a = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]) + mask, dim=-1) @ v
        a = a.transpose(1, 2).reshape(B, T, -1)
        x = x + a @ P[p + "attn.c_proj.weight"] + P[p + "attn.c_proj.bias"]
        y = layer_norm(x, P[p + "ln_2.weight"], P[p + "ln_2.bias"])
        y = y @ P[p + "mlp.c_fc.weight"] + P[p + "mlp.c_fc.bias"]
        y = 0.5 * y * (1 + torch.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y ** 3)))
        x = x + y @ P[p + "mlp.c_proj.weight"] + P[p + "mlp.c_proj.bias"]
    return layer_norm(x, P["ln_f.weight"], P["ln_f.bias"])


def init(cfg, seed=1):
    g = torch.Generator().manual_seed(seed)
    E, L = cfg["n_embd"], cfg["n_layer"]

    def normal(*shape, std=0.02):
        return torch.randn(*shape, generator=g) * std

    P = {"wte.weight": normal(cfg["vocab_size"], E), "wpe.weight": normal(cfg["n_ctx"], E, std=0.01),
         "ln_f.weight": torch.ones(E), "ln_f.bias": torch.zeros(E)}
    for i in range(L):
        p = f"h.{i}."
        for n in ("ln_1", "ln_2"):
            P[p + n + ".weight"], P[p + n + ".bias"] = torch.ones(E), torch.zeros(E)
        for n, a, b in (("attn.c_attn", E, 3 * E), ("attn.c_proj", E, E), ("mlp.c_fc", E, 4 * E), ("mlp.c_proj", 4 * E, E)):
            std = 0.02 / math.sqrt(2 * L) if n.endswith("c_proj") else 0.02
            P[p + n + ".weight"], P[p + n + ".bias"] = normal(a, b, std=std), torch.zeros(b)
    return P


def write_folder(out, cfg, P, tok, dtype):
    os.makedirs(out, exist_ok=True)
    json.dump({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "activation_function": "gelu_new",
               "layer_norm_epsilon": 1e-5, "bos_token_id": EOT, "eos_token_id": EOT,
               "n_positions": cfg["n_ctx"], **cfg}, open(os.path.join(out, "config.json"), "w"), indent=1)
    shutil.copyfile(tok.vocab_path, os.path.join(out, "vocab.json"))
    shutil.copyfile(tok.merges_path, os.path.join(out, "merges.txt"))
    head, at = {}, 0
    arrays = {k: np.ascontiguousarray(v.detach().numpy().astype(dtype)) for k, v in sorted(P.items())}
    for k, a in arrays.items():
        head[k] = {"dtype": {"float16": "F16", "float32": "F32"}[dtype], "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
    blob = json.dumps(head).encode()
    blob += b" " * (-len(blob) % 8)
    with open(os.path.join(out, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(blob)) + blob)
        for a in arrays.values():
            f.write(a.tobytes())


def read_folder(folder):
    cfg = json.load(open(os.path.join(folder, "config.json")))
    raw = open(os.path.join(folder, "model.safetensors"), "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    head = json.loads(raw[8:8 + n])
    P = {}
    for k, t in head.items():
        a, b = t["data_offsets"]
        P[k] = np.frombuffer(raw[8 + n + a:8 + n + b], {"F16": "<f2", "F32": "<f4"}[t["dtype"]]).reshape(t["shape"]).astype(np.float32)
    return cfg, P


def train(args):
    tok = Tokenizer(args.vocab)
    rng = np.random.default_rng(1)
    ids, began = [], time.time()
    for path in args.corpus:
        text = open(path, encoding="utf-8", errors="ignore").read()[:args.bytes]
        ids.append(np.array([EOT] + tok.encode(text), dtype=np.int64))
        print(f"{path}: {len(ids[-1])} tokens, {time.time() - began:.0f} s", flush=True)
    data = np.concatenate(ids)
    cfg = {"n_layer": 2, "n_head": 2, "n_embd": 64, "n_ctx": 256, "vocab_size": len(tok.vocab)}
    P = init(cfg)
    # Start from the unigram model: one dimension of the hidden state is constant and
    # meets the tokens' log frequencies. It saves most of the training.
    count = np.bincount(data, minlength=len(tok.vocab)) + 0.2
    prob = count / count.sum()
    logq = torch.from_numpy(np.log(count / count.sum()).astype(np.float32))
    P["wte.weight"][:, 0] = (logq - logq.mean()) / 15
    P["ln_f.weight"][0], P["ln_f.bias"][0] = 0, 15
    P = {k: v.requires_grad_() for k, v in P.items()}
    opt = torch.optim.AdamW(P.values(), lr=1, betas=(0.9, 0.98), weight_decay=0.0)
    T, B, limit, began, step, ema = cfg["n_ctx"], 8, args.minutes * 60, time.time(), 0, None
    while (gone := time.time() - began) < limit:
        f = gone / limit
        for g in opt.param_groups:
            g["lr"] = 6e-3 * min(1, (step + 1) / 20) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * f)))
        at = rng.integers(0, len(data) - T - 1, B)
        chunk = torch.from_numpy(np.stack([data[a:a + T + 1] for a in at]))
        chunk[: B // 2, 0] = EOT
        y = forward(P, cfg, chunk[:, :-1]).reshape(-1, cfg["n_embd"])
        # Softmax over a sample of the vocabulary: the batch's own tokens and some others,
        # corrected for how likely a token is to be in the sample.
        want = chunk[:, 1:].reshape(-1)
        drawn = np.unique(rng.choice(len(count), 2048, p=prob))
        classes, index = torch.unique(torch.cat([want, torch.from_numpy(drawn)]), return_inverse=True)
        fix = torch.from_numpy(-np.log1p(-(1 - prob[classes.numpy()]) ** (2048 + len(want))).astype(np.float32))
        loss = F.cross_entropy(y @ P["wte.weight"][classes].T + fix, index[: len(want)])
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(P.values(), 1.0)
        opt.step()
        ema = loss.item() if ema is None else 0.95 * ema + 0.05 * loss.item()
        if step % 20 == 0:
            print(f"step {step} {gone:.0f} s loss {ema:.3f} nats/token", flush=True)
        step += 1
    write_folder(args.output, cfg, P, tok, "float16")


SHAPES = {"gpt2": (12, 12, 768), "distilgpt2": (6, 12, 768)}


def random(args):
    L, H, E = SHAPES[args.shape]
    tok = Tokenizer(args.vocab)
    cfg = {"n_layer": L, "n_head": H, "n_embd": E, "n_ctx": 1024, "vocab_size": len(tok.vocab)}
    write_folder(args.output, cfg, init(cfg), tok, "float16")


def q8_0(w):
    """Rounds each 32 weights of a row to d*q, d = max|w|/127 in half precision."""
    b = w.reshape(-1, 32)
    d = np.abs(b).max(axis=1, keepdims=True) / np.float32(127)
    inv = np.divide(np.float32(1), d, out=np.zeros_like(d), where=d != 0)
    x = b * inv
    q = np.sign(x) * np.floor(np.abs(x) + np.float32(0.5))  # halves away from zero
    return (q * d.astype(np.float16).astype(np.float32)).reshape(w.shape).astype(np.float32)


def reference(args):
    cfg, P = read_folder(args.folder)
    for k, w in P.items():
        if k == "wte.weight":
            P[k] = q8_0(w)
        elif w.ndim == 2 and k != "wpe.weight":  # stored [in, out]; the rows of a GGUF matrix are the outputs
            P[k] = np.ascontiguousarray(q8_0(np.ascontiguousarray(w.T)).T)
    P = {k: torch.from_numpy(v.astype(np.float64)) for k, v in P.items()}
    torch.set_default_dtype(torch.float64)
    text = open(args.text, "rb").read()[:args.bytes]
    ids = Tokenizer(args.folder).encode(text.decode("utf-8"))[:args.tokens]
    n, keep = cfg["n_ctx"], int(args.keep * cfg["n_ctx"])
    # The window rule: the context starts with EOT; when all n places are taken, it is
    # rebuilt from the last `keep` tokens.
    seq, cost, logits, at = [EOT], [], [], 0
    bounds = []
    with torch.no_grad():
        while at < len(ids):
            room = min(n - len(seq) + 1, len(ids) - at)
            full = seq + ids[at:at + room - 1]
            y = forward(P, cfg, torch.tensor([full]))[0, len(seq) - 1:]
            lp = F.log_softmax(y @ P["wte.weight"].T, dim=-1)
            want = torch.tensor(ids[at:at + room])
            cost.extend((-lp[torch.arange(room), want] / math.log(2)).tolist())
            for p in (0, 1, 2, room - 1):
                if at + p in args.positions:
                    row = y[p] @ P["wte.weight"].T
                    logits.append({"position": at + p, "logits": [round(v, 5) for v in row[:: args.stride].tolist()],
                                   "max": round(row.max().item(), 5), "argmax": int(row.argmax())})
            bounds.append(at)
            seq = (full + [ids[at + room - 1]])[-keep:]
            at += room
    bits = sum(cost)
    json.dump({"text": os.path.basename(args.text), "bytes": args.bytes, "tokens": len(ids),
               "tokens_sha256": hashlib.sha256(struct.pack(f"<{len(ids)}i", *ids)).hexdigest(),
               "first_tokens": ids[:64], "n_ctx": n, "keep": keep, "windows": len(bounds), "bits": round(bits, 4),
               "short": {"tokens": 2000, "bits": round(sum(cost[:2000]), 4)},
               "logits_stride": args.stride, "logits": logits}, open(args.output, "w"), indent=1)
    print(f"{len(ids)} tokens, {bits / len(ids):.5f} bits per token, {len(bounds)} windows")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = p.add_subparsers(required=True)
    s = sub.add_parser("train")
    s.add_argument("vocab")
    s.add_argument("corpus", nargs="+")
    s.add_argument("-o", "--output", required=True)
    s.add_argument("--minutes", type=float, default=10)
    s.add_argument("--bytes", type=int, default=8_000_000, help="characters read from each corpus file")
    s.set_defaults(run=train)
    s = sub.add_parser("random")
    s.add_argument("vocab")
    s.add_argument("-o", "--output", required=True)
    s.add_argument("--shape", choices=SHAPES, required=True)
    s.set_defaults(run=random)
    s = sub.add_parser("reference")
    s.add_argument("folder")
    s.add_argument("text")
    s.add_argument("-o", "--output", required=True)
    s.add_argument("--bytes", type=int, default=100_000)
    s.add_argument("--tokens", type=int, default=20_000)
    s.add_argument("--keep", type=float, default=0.25)
    s.add_argument("--stride", type=int, default=331)
    s.add_argument("--positions", type=int, nargs="*", default=[0, 1, 2, 255, 256, 257, 448])
    s.set_defaults(run=reference)
    a = p.parse_args()
    a.run(a)


if __name__ == "__main__":
    main()
