"""Results packed into one zip file, to publish or to send: read in place, as a folder of them is.

A result in an archive is named as if the archive were a folder: ``paper.zip/mlp-mnist/adam/0-….json``.
Names inside are never used to write anything.
"""

import functools
import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from adabench.durable import flush_folder, make_folder, replace

SUFFIX = ".zip"
_MARK = f"{SUFFIX}{os.sep}"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same results make the same bytes."""


def is_archive(path: Path | str) -> bool:
    """Whether this names an archive, by the end of its name."""
    return str(path).endswith(SUFFIX)


def members(archive: str) -> Iterator[str]:
    """The paths of the results in an archive.

    Raises:
        OSError: it cannot be read.
        zipfile.BadZipFile: it is damaged, or no zip file.
    """
    for name in _open(archive).namelist():
        if name.endswith(".json") and not any(part.startswith(".") for part in name.split("/")):
            yield f"{archive}{os.sep}{name}"


def content_of(path: str, limit: int) -> bytes | None:
    """The bytes of a result in an archive.

    Args:
        path: as `members` gives it; other paths are told by None.
        limit: most bytes to read: more than these are not a result's.

    Raises:
        OSError: the archive cannot be read, holds no such member, or that is damaged.
    """
    archive, mark, name = path.partition(_MARK)
    if not mark or Path(path).exists():
        return None
    try:
        with _open(archive + SUFFIX).open(name) as member:
            return member.read(limit)
    except (KeyError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise OSError(0, f"not in a readable archive: {error}") from error


def write_archive(archive: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write an archive, in the place of one that is there; a reader never sees half of it.

    Args:
        archive: where it goes.
        files: each result's path inside, with forward slashes, and its bytes.

    Raises:
        OSError: the file system refuses; what stood there is still there.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for name, content in sorted(files):
            made.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED, 9)
    make_folder(archive.parent)
    replace(archive, packed.getvalue())
    flush_folder(archive.parent)


def _open(archive: str) -> zipfile.ZipFile:
    status = os.stat(archive)  # noqa: PTH116  called for each result
    return _opened(archive, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=4)
def _opened(archive: str, _time: int, _size: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)
