"""Blocks of attention and MLP with the normalization first, for images and for text.

Attention is written out: its gradients are deterministic on a GPU and can be differentiated again,
and many models can run as one batch; the fast kernels promise none of this.
"""

import torch
from torch import Tensor, nn

from adabench.errors import BadValueError

SMALL = 0.02
"""Standard deviation of the initial positions and embeddings."""


class Attention(nn.Module):
    """Multi-head self-attention.

    Args:
        width: numbers that stand for a token; a multiple of ``heads``.
        heads: how many look at once.
        causal: a token sees none after it.

    Raises:
        BadValueError: heads that do not divide the width.

    Source: Vaswani et al. 2017, arXiv 1706.03762.
    """

    def __init__(self, width: int, heads: int, *, causal: bool) -> None:
        super().__init__()
        if width % heads:
            raise BadValueError(f"width={width} is not a multiple of heads={heads}; name one that is")
        self.heads, self.causal = heads, causal
        self.into = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Softmax(q k^T / sqrt(d)) v, head by head; (B, T, width) to the same."""
        # (B, T, 3 width) -> three times (B, heads, T, d)
        q, k, v = self.into(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind()
        scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
        if self.causal:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(later, -torch.inf)
        seen = scores.softmax(dim=-1) @ v
        mixed: Tensor = self.out(seen.transpose(1, 2).flatten(-2))
        return mixed


class Block(nn.Module):
    """Attention, then an MLP four times as wide, each added to what it read through a normalization.

    Args:
        width: numbers that stand for a token.
        heads: of the attention.
        causal: a token sees none after it.
    """

    def __init__(self, width: int, heads: int, *, causal: bool) -> None:
        super().__init__()
        self.attend = nn.Sequential(nn.LayerNorm(width), Attention(width, heads, causal=causal))
        self.think = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to the same."""
        x = x + self.attend(x)
        thought: Tensor = x + self.think(x)
        return thought


class Positions(nn.Module):
    """Adds a learned vector for each place.

    Args:
        length: number of places.
        width: numbers that stand for a token.
    """

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(length, width) * SMALL)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to the same."""
        return x + self.places
