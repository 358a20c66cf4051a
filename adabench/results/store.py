"""A folder of results: ``<problem>/<optimizer>/<seed>-<key>.json``, each published whole or not at all.

A result is written to a temporary file beside its place, flushed to the disk, and linked into place:
the first of several writers wins and no reader sees half a file. The folders' names are for people;
a result's identity is its job's key.
"""

import errno
import json
import os
import re
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from adabench.errors import RequestError, ResultError
from adabench.results.format import Result
from adabench.results.reading import read
from adabench.spec import Job

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS}
"""What file systems without hard links answer."""


class ResultStore:
    """The results under one folder.

    Args:
        folder: where they are; it is made when the first result is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, job: Job) -> Path:
        """The file that a job's result goes to."""
        name = f"{job.seed}-{job.key}.json"
        return self.folder / _slug(job.problem.label) / _slug(job.optimizer.label) / name

    def finished(self, job: Job) -> Result | None:
        """The stored result when it need not be run again: completed or diverged, and of this very job."""
        try:
            result = read(self.path_of(job))
        except ResultError:
            return None
        done = result.status in ("completed", "diverged") and result.job.key == job.key
        return result if done else None

    def write(self, result: Result, *, replace: bool = False) -> bool:
        """Store a result for good; the first finished one of a job stays.

        Args:
            result: what to store; its numbers are finite.
            replace: put it in the place of a finished one, unless it was itself interrupted.

        Returns:
            Whether this result is now the stored one.

        Raises:
            ResultError: the file system refuses.
        """
        final = self.path_of(result.job)
        temporary = final.with_name(f".{final.stem}.{secrets.token_hex(4)}.tmp")
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            _write_durably(temporary, _to_text(result))
            if not _link(temporary, final):
                if self.finished(result.job) and not (replace and result.status != "interrupted"):
                    return False
                temporary.replace(final)
            _flush_folder(final.parent)
        except OSError as error:
            raise ResultError(f"cannot write {final}: {error.strerror}; make room or change --out") from error
        finally:
            with suppress(OSError):
                temporary.unlink()
        return True

    def check_writable(self) -> None:
        """Find out whether results could be written, leaving nothing behind.

        Raises:
            RequestError: the folder, or the one it would be made in, is a file or refuses writing.
        """
        cure = "name another folder with --out"
        try:
            nearest = next(place for place in _upwards(self.folder) if place.exists())
            if not nearest.is_dir():
                raise RequestError(f"cannot write results to {self.folder}: {nearest} is a file; {cure}")
            with tempfile.TemporaryFile(dir=nearest):
                pass
        except OSError as error:
            raise RequestError(f"cannot write results to {self.folder}: {error.strerror}; {cure}") from error


def _slug(label: str) -> str:
    """A label as a file name: letters, digits and ``._=-`` only, at most 60 of them."""
    return re.sub(r"[^A-Za-z0-9._=]+", "-", label).strip("-.")[:60] or "unnamed"


def _to_text(result: Result) -> str:
    return _layout(result.model_dump()) + "\n"


def _layout(value: Any, margin: str = "") -> str:
    """Strict JSON with one key a line and every list on one line, so that a curve reads as columns."""
    if not (isinstance(value, dict) and value):
        return _compact(value)
    inner = margin + "  "
    lines = (f"{inner}{_compact(key)}: {_layout(item, inner)}" for key, item in value.items())
    return "{\n" + ",\n".join(lines) + f"\n{margin}}}"


def _compact(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _write_durably(path: Path, text: str) -> None:
    with path.open("xb") as file:
        file.write(text.encode("utf-8", errors="replace"))
        file.flush()
        os.fsync(file.fileno())


def _link(temporary: Path, final: Path) -> bool:
    """Publish the file unless its place is taken; whether it was published."""
    try:
        os.link(temporary, final)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if final.exists():
            return False
        temporary.replace(final)
    return True


def _flush_folder(folder: Path) -> None:
    """Make a new file's name durable, where folders can be flushed."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _upwards(folder: Path) -> tuple[Path, ...]:
    return (folder, *folder.absolute().parents)
