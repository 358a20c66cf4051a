"""A file of events that grows on another machine, read as it grows."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from adabench.events import Event
from adabench.launchers.wire import decode

MOST_BYTES = 1 << 24
"""Read at a time."""


class Tail:
    """What is new in a file of events since the last look.

    Args:
        path: the file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, 0

    def events(self) -> Iterator[Event]:
        """The events on the lines that are whole; what is none, as a killed process leaves, is passed over.

        The file is opened anew, which has network file systems look for what others have written.
        """
        while lines := self._lines():
            for line in lines:
                with suppress(ValueError):
                    yield decode(line)

    def _lines(self) -> list[str]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                data = file.read(MOST_BYTES)
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        return whole.decode(errors="replace").splitlines()
