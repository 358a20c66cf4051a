"""A folder of results: ``<problem>/<optimizer>/<seed>-<key>.json``, each published whole or not at all.

A result is written to a temporary file beside its place, flushed to the disk, and linked into place:
the first of several writers wins and no reader sees half a file. What did not finish gives way to what
did, one writer at a time. The folders' names are for people; a result's identity is its job's key.
"""

import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from adabench.durable import alone_in, copy_new, flush_folder, make_folder, name_first, write_new
from adabench.errors import RequestError, ResultError
from adabench.results.format import Result
from adabench.results.reading import read, read_bytes
from adabench.results.seal import seal
from adabench.spec import Job

TEMPORARY = ".tmp"
"""What the names of files end in that are not yet results; a crash may leave one behind."""


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
        return result if result.finished and result.job.key == job.key else None

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
        content = _to_bytes(result)
        replace = replace and result.status != "interrupted"
        return self._commit(result, len(content), lambda path: write_new(path, content), replace=replace)

    def adopt(self, file: Path) -> bool:
        """Take in a result file from elsewhere as it is: by a hard link where that is possible, or copied.

        Args:
            file: a result, or one in an archive; a finished one already here stays.

        Returns:
            Whether this result is now the stored one.

        Raises:
            ResultError: it is damaged, or the file system refuses.
        """
        result = read(file)
        if file.is_file():
            return self._commit(result, file.stat().st_size, lambda path: copy_new(file, path), replace=False)
        content = read_bytes(file)  # of an archive's member
        return self._commit(result, len(content), lambda path: write_new(path, content), replace=False)

    def _commit(self, result: Result, size: int, make: Callable[[Path], None], *, replace: bool) -> bool:
        final = self.path_of(result.job)
        temporary = final.with_name(f".{final.stem}.{secrets.token_hex(4)}{TEMPORARY}")
        try:
            make_folder(final.parent)
            make(temporary)
            if not name_first(temporary, final):
                with alone_in(final.parent):
                    if self.finished(result.job) and not replace:
                        return False
                    os.replace(temporary, final)  # noqa: PTH105  every durable operation is one of os
            flush_folder(final.parent)
        except OSError as error:
            cure = "make room or change --out"
            raise ResultError(f"cannot write {final} ({size:,} bytes): {error.strerror}; {cure}") from error
        finally:
            with suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108
        return True

    @property
    def runs_folder(self) -> Path:
        """Where runs under way are kept, each in a folder named by its jobs' ``run_key``."""
        return self.folder / ".runs"

    def forget_run(self, job: Job) -> None:
        """Remove what was kept of a job's run, once its result is there or is no longer wanted."""
        shutil.rmtree(self.runs_folder / job.run_key, ignore_errors=True)
        with suppress(OSError):
            self.runs_folder.rmdir()  # when it was the last one

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


def _to_bytes(result: Result) -> bytes:
    return seal(_layout(result.model_dump()))


def _layout(value: Any, margin: str = "") -> str:
    """Strict JSON with one key a line and every list on one line, so that a curve reads as columns."""
    if not (isinstance(value, dict) and value):
        return _compact(value)
    inner = margin + "  "
    lines = (f"{inner}{_compact(key)}: {_layout(item, inner)}" for key, item in value.items())
    return "{\n" + ",\n".join(lines) + f"\n{margin}}}"


def _compact(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _upwards(folder: Path) -> tuple[Path, ...]:
    return (folder, *folder.absolute().parents)
