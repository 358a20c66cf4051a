"""Clocks that say what they time: each phase apart, the device idle at both edges."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Clock:
    """Seconds spent in each named phase of a job on one device.

    A phase within another one pauses it: no second is counted twice.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.seconds: dict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._edge = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time until the block ends, and all the device's work in it, to ``name``."""
        self._credit()
        self._running.append(name)
        try:
            yield
        finally:
            self._credit()
            self._running.pop()

    def _credit(self) -> None:
        """Give the time since the last edge to the innermost phase that is running."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        now = time.perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._edge
        self._edge = now
