"""The transformers of llmz in PyTorch. The names of their weights are those of model files."""
import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional as F


@dataclasses.dataclass
class Shape:
    arch: str  # "gpt", Llama's architecture, or "gpt2"
    layers: int
    hidden: int
    heads: int
    inner: int
    vocabulary: int
    context: int

    @classmethod
    def of(cls, arch, layers, hidden, heads, vocabulary, context):
        inner = (8 * hidden // 3 + 63) // 64 * 64 if arch == "gpt" else 4 * hidden
        return cls(arch, layers, hidden, heads or max(1, hidden // 64), inner, vocabulary, context)

    @classmethod
    def read(cls, meta):
        """Takes the shape from the metadata of a model file."""
        family = meta["general.architecture"]
        if family not in ("llama", "gpt2"):
            raise ValueError(f"the architecture is {family}; llama and gpt2 can be trained")
        get = lambda key: meta[f"{family}.{key}"]
        if meta.get(f"{family}.attention.head_count_kv", get("attention.head_count")) != get("attention.head_count"):
            raise ValueError("models with shared heads of keys and values cannot be trained here")
        return cls("gpt" if family == "llama" else "gpt2", get("block_count"), get("embedding_length"), get("attention.head_count"),
                   get("feed_forward_length"), len(meta["tokenizer.ggml.tokens"]), get("context_length"))


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        x32 = x.float()
        return (x32 * torch.rsqrt(x32.square().mean(-1, keepdim=True) + 1e-5) * self.weight).to(x.dtype)


def attention(q, k, v):
    """Causal attention of [batch, heads, tokens, size]; fused where PyTorch has it."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    n = q.shape[2]
    scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
    later = torch.ones(n, n, dtype=torch.bool, device=q.device).triu(1)
    return scores.masked_fill(later, -math.inf).softmax(-1) @ v


def rotate(x, cos, sin):
    """Turns pairs of neighbours in [batch, heads, tokens, size]."""
    a, b = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2).to(x.dtype)


class Block(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s, biases = s, s.arch == "gpt2"
        norm = RMSNorm if s.arch == "gpt" else nn.LayerNorm
        self.attn_norm, self.ffn_norm = norm(s.hidden), norm(s.hidden)
        linear = lambda rows, cols: nn.Linear(cols, rows, bias=biases)
        if s.arch == "gpt":
            self.attn_q, self.attn_k, self.attn_v = (linear(s.hidden, s.hidden) for _ in range(3))
            self.ffn_gate = linear(s.inner, s.hidden)
        else:
            self.attn_qkv = linear(3 * s.hidden, s.hidden)
        self.attn_output = linear(s.hidden, s.hidden)
        self.ffn_up, self.ffn_down = linear(s.inner, s.hidden), linear(s.hidden, s.inner)

    def forward(self, x, cos, sin):
        s, n = self.s, self.attn_norm(x)
        if s.arch == "gpt":
            parts = self.attn_q(n), self.attn_k(n), self.attn_v(n)
        else:
            parts = self.attn_qkv(n).chunk(3, -1)
        q, k, v = (p.unflatten(-1, (s.heads, -1)).transpose(1, 2) for p in parts)
        if s.arch == "gpt":
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        x = x + self.attn_output(attention(q, k, v).transpose(1, 2).flatten(2))
        n = self.ffn_norm(x)
        if s.arch == "gpt":
            return x + self.ffn_down(F.silu(self.ffn_gate(n)) * self.ffn_up(n))
        return x + self.ffn_down(gelu(self.ffn_up(n)))


def gelu(x):
    return F.gelu(x, approximate="tanh")


class Transformer(nn.Module):
    """Predicts the next token; the output is the embedding transposed."""

    def __init__(self, s):
        super().__init__()
        self.s = s
        self.token_embd = nn.Embedding(s.vocabulary, s.hidden)
        if s.arch == "gpt2":
            self.position_embd = nn.Embedding(s.context, s.hidden)
        self.blk = nn.ModuleList(Block(s) for _ in range(s.layers))
        self.output_norm = RMSNorm(s.hidden) if s.arch == "gpt" else nn.LayerNorm(s.hidden)
        size = s.hidden // s.heads
        angles = torch.outer(torch.arange(s.context).double(), 10000.0 ** (-torch.arange(0, size, 2).double() / size))
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)
        self._init()

    @torch.no_grad()
    def _init(self):
        residual = 0.4 / math.sqrt(2 * self.s.layers)
        for name, w in self.named_parameters():
            if w.ndim < 2:
                if name.endswith("bias"):
                    w.zero_()
            elif name == "token_embd.weight":
                w.normal_(0, 0.02)
            elif name == "position_embd.weight":
                w.normal_(0, 0.01)
            else:
                adds = "attn_output" in name or "ffn_down" in name
                w.normal_(0, (residual if adds else INIT) / math.sqrt(w.shape[1]))

    def parts(self):
        """Returns the matrices inside the layers, each with the number of maps in it."""
        return [(w, 3 if "attn_qkv" in name else 1) for name, w in self.named_parameters() if w.ndim > 1 and name.startswith("blk.")]

    def forward(self, x):
        """Takes tokens [batch, tokens] and returns what the output's logits are products of."""
        h = self.token_embd(x)
        if self.s.arch == "gpt2":
            h = h + self.position_embd(torch.arange(x.shape[1], device=x.device))
        cos, sin = self.cos[:x.shape[1]], self.sin[:x.shape[1]]
        for block in self.blk:
            h = block(h, cos, sin)
        return self.output_norm(h)

    def nats(self, x, y):
        """Returns the cross-entropy of the targets that are not negative, summed."""
        logits = F.linear(self(x), self.token_embd.weight)
        return F.cross_entropy(logits.flatten(0, 1).float(), y.flatten(), ignore_index=-1, reduction="sum")


INIT = 0.5  # deviation of what a map puts out, for an input of deviation 1
