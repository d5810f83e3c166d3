"""Muon for the matrices inside the layers, as in `llmz train`.

A step goes along the orthogonalised momentum of a matrix (Jordan et al., "Muon: an
optimizer for hidden layers in neural networks", 2024), each gate's part for itself. Its
length is such that it shares one learning rate with AdamW.
"""
import math

import torch

MOMENTUM, SCALE, ROUNDS = 0.95, 5, 5
A, B, C = 3.4445, -4.7750, 2.0315  # the quintic of the Newton-Schulz iteration


def orthogonalise(x):
    """Returns [maps, rows, cols] with the singular values of each map near 1."""
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.transpose(1, 2)
    x = x / x.flatten(1).norm(dim=1).clamp(min=1e-12)[:, None, None]
    for _ in range(ROUNDS):
        gram = x @ x.transpose(1, 2)
        x = A * x + (B * gram + C * gram @ gram) @ x
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, matrices, lr, weight_decay):
        """Takes pairs of a matrix and the number of maps in it, one below the other."""
        groups = {}
        for w, parts in matrices:
            groups.setdefault((w.shape[0] // parts, w.shape[1], parts), []).append(w)
        # Matrices of one shape are stepped together: by themselves they are too small for a GPU.
        super().__init__([{"params": list_, "parts": key[2]} for key, list_ in sorted(groups.items())],
                         {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            along = []
            for w in group["params"]:
                state = self.state[w]
                if not state:
                    state["momentum"] = torch.zeros_like(w)
                momentum = state["momentum"].mul_(MOMENTUM).add_(w.grad)
                along.append((w.grad + MOMENTUM * momentum).view(group["parts"], -1, w.shape[1]))
            steps = orthogonalise(torch.cat(along))
            length = group["lr"] * SCALE * math.sqrt(max(1, steps.shape[1] / steps.shape[2]))
            for w, step in zip(group["params"], steps.split(group["parts"])):
                w.mul_(1 - group["lr"] * group["weight_decay"]).add_(step.reshape_as(w), alpha=-length)
