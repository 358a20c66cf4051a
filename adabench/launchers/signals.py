"""Being told to stop: Ctrl-C and SIGTERM, once and twice."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

GRACE_SECONDS = 0.8
"""How long what is under way may take to reach a place where its state is whole, and to write it."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = "\x1b[?25h"
_HAS_TIMER = hasattr(signal, "setitimer")


class Stop(KeyboardInterrupt):
    """The process was told to stop.

    Args:
        number: the signal that said so.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@dataclass
class _Patience:
    """Whether a signal waits, and which one does."""

    blocks: int = 0
    asked: int | None = None


_patience = _Patience()


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn the first signal to stop into a `Stop` raised in the block; a second ends the process at once.

    After a `Stop` the process is on its way out, so the second signal keeps its meaning.
    """
    before = {number: signal.signal(number, _stop) for number in _SIGNALS}
    if _HAS_TIMER:
        signal.signal(signal.SIGALRM, _patience_is_over)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is _stop:
                signal.signal(number, handler)


@contextmanager
def deferred() -> Iterator[None]:
    """Let a signal in the block wait until `heed` is called or the block ends, so that nothing is cut in two.

    It waits for `GRACE_SECONDS` at most, after which `Stop` is raised wherever the block then is. Only
    `stoppable` makes signals wait; without it this does nothing.
    """
    _patience.blocks += 1
    try:
        yield
        if _patience.blocks == 1:
            heed()
    finally:
        _patience.blocks -= 1
        if not _patience.blocks:
            _patience.asked = None
            _set_timer(0)


def heed() -> None:
    """Stop here, if a signal is waiting.

    Raises:
        Stop: one is.
    """
    if _patience.asked is not None:
        raise Stop(_patience.asked)


def _stop(number: int, _: FrameType | None) -> None:
    for each in _SIGNALS:
        signal.signal(each, _end_at_once)
    if not _patience.blocks or not _HAS_TIMER:
        raise Stop(number)
    _patience.asked = number
    _set_timer(GRACE_SECONDS)


def _patience_is_over(_: int, __: FrameType | None) -> None:
    heed()  # nothing waits any more if the block has just ended


def _set_timer(seconds: float) -> None:
    if _HAS_TIMER:
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _end_at_once(number: int, _: FrameType | None) -> None:
    """Leave without tidying up; workers notice that nobody is listening any more and end as well."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), _SHOW_CURSOR.encode())
    os._exit(128 + number)
