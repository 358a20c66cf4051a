"""Being told to stop: Ctrl-C and SIGTERM, once and twice."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = "\x1b[?25h"


class Stop(KeyboardInterrupt):
    """The process was told to stop.

    Args:
        number: the signal that said so.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn the first signal to stop into a `Stop` raised in the block; a second ends the process at once.

    After a `Stop` the process is on its way out, so the second signal keeps its meaning.
    """
    before = {number: signal.signal(number, _stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is _stop:
                signal.signal(number, handler)


def _stop(number: int, _: FrameType | None) -> None:
    for each in _SIGNALS:
        signal.signal(each, _end_at_once)
    raise Stop(number)


def _end_at_once(number: int, _: FrameType | None) -> None:
    """Leave without tidying up; workers notice that nobody is listening any more and end as well."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), _SHOW_CURSOR.encode())
    os._exit(128 + number)
