"""The networks of llmz in PyTorch: embedding of 257 symbols, GRU or LSTM, linear layer."""
import torch
from torch import nn

from data import START


class ByteRNN(nn.Module):
    """Predicts the next byte. The names of its weights are those of model files."""

    def __init__(self, cell="gru", layers=3, hidden=512, embed=128):
        super().__init__()
        self.cell, self.layers, self.hidden, self.embed = cell, layers, hidden, embed
        self.embedding = nn.Embedding(257, embed)
        rnn = {"gru": nn.GRU, "lstm": nn.LSTM}[cell](embed, hidden, layers)
        self.add_module(cell, rnn)
        self.fc = nn.Linear(hidden, 256)
        nn.init.normal_(self.embedding.weight, std=0.5)
        if cell == "lstm":  # forget gates start open
            with torch.no_grad():
                for layer in range(layers):
                    getattr(rnn, f"bias_ih_l{layer}")[hidden:2 * hidden] += 1

    @property
    def rnn(self):
        return getattr(self, self.cell)

    def start(self, streams, device):
        """Returns the zero state of that many streams."""
        h = torch.zeros(self.layers, streams, self.hidden, device=device)
        return h if self.cell == "gru" else (h, torch.zeros_like(h))

    def forward(self, x, state):
        """Takes symbols [steps, streams]; returns logits [steps, streams, 256] and the state."""
        h, state = self.rnn(self.embedding(x), state)
        return self.fc(h), state

    @torch.no_grad()
    def bits(self, texts, device):
        """Returns the mean bits per byte of texts of one length, each from a cold start."""
        import numpy as np

        y = torch.as_tensor(np.stack([np.frombuffer(t, np.uint8) for t in texts], 1).astype(np.int64), device=device)
        x = torch.cat([torch.full_like(y[:1], START), y[:-1]])
        logits, _ = self(x, self.start(len(texts), device))
        loss = nn.functional.cross_entropy(logits.flatten(0, 1).float(), y.flatten())
        return loss.item() / 0.6931471805599453
