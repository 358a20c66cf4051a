"""Reading results back: every damaged file is named in one line, and none stops the others."""

import gc
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from adabench.errors import RequestError, ResultError
from adabench.results import archive
from adabench.results.format import Result
from adabench.results.numbers import wild_number
from adabench.results.order import ordered
from adabench.results.seal import unseal
from adabench.spec import FORMAT

LARGEST_FILE_BYTES = 2**26
"""A result of a hundred thousand epochs has half as many."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a set of files held.

    Args:
        results: the readable ones, in an order that does not depend on the files' order.
        problems: one line for each file that could not be read.
    """

    results: tuple[Result, ...]
    problems: tuple[str, ...]


class _Header(BaseModel):
    """The one field that every format has."""

    format: int


def read(path: Path) -> Result:
    """The result in one file, or in one member of an archive.

    Raises:
        ResultError: the file cannot be read, is damaged, or is of a newer format.
    """
    return _read(str(path))[0]


def read_sealed(path: Path) -> tuple[Result, bool]:
    """The result in one file, and whether it carries a seal; raises as `read` does."""
    return _read(str(path))


def _read(path: str) -> tuple[Result, bool]:
    try:
        content = _content(path)
    except OSError as error:
        raise ResultError(f"cannot read {shown(path)}: {error.strerror}") from error
    if len(content) > LARGEST_FILE_BYTES:
        raise ResultError(f"{shown(path)} is not a result: it has more than {LARGEST_FILE_BYTES:,} bytes")
    return _understood(path, content)


def _content(path: str) -> bytes:
    """A file's bytes, or one byte too many of a file that is too large."""
    packed = archive.content_of(path, LARGEST_FILE_BYTES + 1) if archive.SUFFIX in path else None
    if packed is not None:
        return packed
    with open(path, "rb") as file:  # noqa: PTH123  a Path for each of thousands takes as long as reading
        return file.read(LARGEST_FILE_BYTES + 1)


def _understood(path: str, content: bytes) -> tuple[Result, bool]:
    document, intact = unseal(content)
    try:
        result = Result.model_validate_json(document)
    except ValidationError as error:
        _refuse_newer(path, _format_of(document))
        raise ResultError(f"{shown(path)} is not a result: {_first_fault(error)}") from error
    _refuse_newer(path, result.format)
    if intact is False:
        raise ResultError(
            f"{shown(path)} was changed after it was written: its sha256 does not fit; "
            "restore it, or delete it and run the job again"
        )
    wild = wild_number(result)
    if wild is not None:
        raise ResultError(f"{shown(path)} is not a result: no run has such a {wild!r}")
    return result, intact is not None


def read_all(paths: Iterable[Path]) -> Loaded:
    """Every result in the given files and, recursively, in the ``*.json`` of the given folders and archives.

    Raises:
        RequestError: a path does not exist, or there is no readable result at all.
    """
    paths = tuple(paths)
    results, problems = [], []
    with _uncollected():
        for file in sorted(set(_files(paths))):
            try:
                results.append(_read(file)[0])
            except ResultError as error:
                problems.append(str(error))
        results = ordered(results)
    if not results:
        places = ", ".join(map(shown, paths))
        damage = f" ({len(problems)} unreadable, such as: {problems[0]})" if problems else ""
        raise RequestError(f"no results in {places}{damage}; make some with: adabench run")
    return Loaded(results=tuple(results), problems=tuple(problems))


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection, now or later, of what is made here.

    Results hold no cycles: counting references frees them. Searching thousands of them again and again
    takes longer than reading them.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()


def read_bytes(path: Path) -> bytes:
    """A result's bytes as they are stored, unread.

    Raises:
        OSError: the file, or its archive, cannot be read.
    """
    return _content(str(path))


def result_files(paths: Iterable[Path]) -> list[Path]:
    """The files that `read_all` would read, in the order of their names.

    Raises:
        RequestError: a path does not exist.
    """
    return [Path(file) for file in sorted(set(_files(paths)))]


def _files(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        if path.is_dir():
            yield from _within(str(path.resolve()))
        elif archive.is_archive(path) and path.is_file():
            yield from _packed(path)
        elif path.exists():
            yield str(path.resolve())
        else:
            raise RequestError(f"{shown(path)} does not exist; give result files or folders of them")


def _packed(path: Path) -> Iterator[str]:
    """The results in an archive.

    Raises:
        RequestError: it is damaged, or no zip file.
    """
    try:
        yield from archive.members(str(path.resolve()))
    except (OSError, zipfile.BadZipFile) as error:
        raise RequestError(f"{shown(path)} is not a readable archive of results: {error}") from error


def _within(folder: str) -> Iterator[str]:
    """The ``*.json`` files under a folder.

    What is hidden, folders that are links, and folders that may not be read are passed over.
    """
    with suppress(PermissionError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _within(entry.path)
            elif entry.name.endswith(".json") and entry.is_file():
                yield entry.path


def _refuse_newer(path: str, number: int) -> None:
    if number > FORMAT:
        raise ResultError(
            f"{shown(path)} has format {number}, this adabench reads up to {FORMAT}: upgrade adabench"
        )


def _format_of(content: bytes) -> int:
    try:
        return _Header.model_validate_json(content).format
    except ValidationError:
        return FORMAT


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, fault["loc"]))
    return f"{place[:80]!r}: {fault['msg']}" if place else fault["msg"]


def shown(path: Path | str) -> str:
    """The path as text on one line, with nothing in it that a terminal would obey."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(path))
