"""A tracker that can die without hurting a run."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol

from adabench.catalogue import load
from adabench.errors import one_line
from adabench.events import Event


class Tracker(Protocol):
    """What listens to a sweep: told every event, closed at the end."""

    def __call__(self, event: Event) -> None:
        """Take note of what happened."""

    def close(self) -> None:
        """Write what is left."""


class Guarded:
    """One tracker, opened when the sweep begins and given up at its first error.

    Args:
        name: what people call it.
        target: its class, as ``package.module:attribute``.
        folder: where it may write.
        warn: told in one line when it fails.
    """

    def __init__(self, name: str, target: str, folder: Path, warn: Callable[[str], None]) -> None:
        self._name, self._target, self._folder, self._warn = name, target, folder, warn
        self._sink: Tracker | None = None

    def __enter__(self) -> "Guarded":
        self._try(self._start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            self._try(sink.close)

    def __call__(self, event: Event) -> None:
        """Pass the event on, unless the tracker has failed."""
        sink = self._sink
        if sink is not None:
            self._try(lambda: sink(event))

    def _start(self) -> None:
        self._sink = load(self._target)(self._folder)

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # whatever it is, the run matters more
            self._sink = None
            self._warn(f"{self._name} is logged to no longer: {one_line(error)}; the run goes on")
