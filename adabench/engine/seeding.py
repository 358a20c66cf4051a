"""One seed, many independent streams: weights, order, augmentation and dropout never share one.

A stream is a function of the seed, its name and its counters, so any point of a run can be entered
without replaying what came before it.
"""

import hashlib
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Streams:
    """The random streams of one seed."""

    seed: int

    def number(self, name: str, *counters: int) -> int:
        """A 63-bit number for this seed, stream and place in it."""
        text = "/".join(map(str, (self.seed, name, *counters)))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1

    def generator(self, name: str, *counters: int) -> torch.Generator:
        """A CPU generator seeded with `number`; the CPU's, so that every device sees the same draws."""
        return torch.Generator().manual_seed(self.number(name, *counters))
