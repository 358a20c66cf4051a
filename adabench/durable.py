"""Files that a crash cannot tear: written beside their place, flushed, and only then given their name.

Everything that must reach the disk goes through `os`, one call for each operation, so that a test can
stop the process at any of them.
"""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EXDEV, errno.EMLINK}
"""What file systems without hard links answer, and those that cannot link these two places."""

_NO_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
"""What file systems answer that have no flushing of folders."""


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; the names of new ones are flushed."""
    missing = list(takewhile(lambda place: not place.exists(), (folder, *folder.parents)))
    folder.mkdir(parents=True, exist_ok=True)
    for place in missing:
        flush_folder(place.parent)


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, and flush it.

    Raises:
        OSError: the file system refuses; part of the file may be there.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, content: bytes) -> None:
    """Put a flushed file in its place, whatever stood there; a reader sees the old one or the new one, whole.

    Its name is not flushed: see `flush_folder`.

    Raises:
        OSError: the file system refuses; what stood there is still there.
    """
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        write_new(temporary, content)
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise


def copy_new(source: Path, path: Path) -> None:
    """Let ``path``, which is not there yet, be the same file as ``source``, or a flushed copy of it.

    Raises:
        OSError: the file system refuses.
    """
    if not source.is_symlink():
        with suppress(OSError):
            os.link(source, path)
            return
    write_new(path, source.read_bytes())


def name_first(temporary: Path, final: Path) -> bool:
    """Give a flushed file its name unless the name is taken.

    Returns:
        Whether the file has it now; of several processes at once, one is told yes.

    Raises:
        OSError: the file system refuses.
    """
    try:
        os.link(temporary, final)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with alone_in(final.parent):
            if final.exists():
                return False
            os.replace(temporary, final)  # noqa: PTH105
    return True


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Run the block while no other process runs one for this folder; the system lets go of the dead.

    Where folders cannot be locked, the block just runs.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable, where folders can be flushed."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FLUSH:
            raise
    finally:
        os.close(descriptor)
