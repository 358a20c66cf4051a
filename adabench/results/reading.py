"""Reading results back: every damaged file is named in one line, and none stops the others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from adabench.errors import RequestError, ResultError
from adabench.results.format import Result
from adabench.spec import FORMAT


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
    """The result in one file.

    Raises:
        ResultError: the file cannot be read, is damaged, or is of a newer format.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResultError(f"cannot read {_shown(path)}: {error.strerror}") from error
    try:
        result = Result.model_validate_json(content)
    except ValidationError as error:
        _refuse_newer(path, _format_of(content))
        raise ResultError(f"{_shown(path)} is not a result: {_first_fault(error)}") from error
    _refuse_newer(path, result.format)
    return result


def read_all(paths: Iterable[Path]) -> Loaded:
    """Every result in the given files and, recursively, in the ``*.json`` of the given folders.

    Raises:
        RequestError: a path does not exist, or there is no readable result at all.
    """
    paths = tuple(paths)
    results, problems = [], []
    for file in sorted(set(_files(paths))):
        try:
            results.append(read(file))
        except ResultError as error:
            problems.append(str(error))
    if not results:
        places = ", ".join(map(_shown, paths))
        damage = f" ({len(problems)} unreadable, such as: {problems[0]})" if problems else ""
        raise RequestError(f"no results in {places}{damage}; make some with: adabench run")
    return Loaded(results=tuple(sorted(results, key=_place)), problems=tuple(problems))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (file for file in path.resolve().rglob("*.json") if file.is_file())
        elif path.exists():
            yield path.resolve()
        else:
            raise RequestError(f"{_shown(path)} does not exist; give result files or folders of them")


def _place(result: Result) -> tuple[str, str, int, str, str, str]:
    job = result.job
    ended = result.environment.ended if result.environment else ""
    return job.problem.label, job.optimizer.label, job.seed, job.key, ended, result.status


def _refuse_newer(path: Path, number: int) -> None:
    if number > FORMAT:
        raise ResultError(
            f"{_shown(path)} has format {number}, this adabench reads up to {FORMAT}: upgrade adabench"
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


def _shown(path: Path) -> str:
    """The path as text on one line, with nothing in it that a terminal would obey."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(path))
