"""Joining folders of results: each job once, nothing overwritten, contradictions refused.

Two results of one job contradict each other when both are finished and tell different outcomes. What
they cost in time and memory, and where they ran, may differ.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adabench.errors import RequestError, ResultError
from adabench.events import Summary
from adabench.results.archive import is_archive, write_archive
from adabench.results.format import Result
from adabench.results.reading import read, result_files, shown
from adabench.results.store import ResultStore

COSTS = frozenset(
    name
    for name in Summary.model_fields
    if "second" in name or name in ("peak_memory_bytes", "resumed_at_step")
)
"""What may differ between two runs of one job: times, memory, and whether one was interrupted."""

LONGEST_TITLE = 200
"""Characters of a job's title that are told; a stranger's may have millions."""


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Two finished results of one job that contradict each other.

    Args:
        title: the job in a few words.
        key: the job's key.
        files: both results.
        differs: what they disagree on, such as ``summary.final_test_accuracy``.
    """

    title: str
    key: str
    files: tuple[str, str]
    differs: tuple[str, ...]

    def __str__(self) -> str:
        more = f" and {len(self.differs) - 1} more" if len(self.differs) > 1 else ""
        one, other = self.files
        return shown(f"{one} and {other} are both {self.title}, but differ in {self.differs[0]}{more}")


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What came of joining folders.

    Args:
        out: the folder that they were joined into.
        added: results that it has now and had not before.
        present: jobs whose result was there already.
        left_out: one line for each file that cannot be read.
        conflicts: contradictions; where there are any, nothing was added.
    """

    out: str
    added: int
    present: int
    left_out: tuple[str, ...]
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    file: Path
    finished: bool


def merge(folders: Sequence[Path], out: Path) -> Merged:
    """Join folders of results into one, or into one archive; the results in them stay as they are.

    A finished result wins over one that failed or was interrupted, else the first one named does.

    Args:
        folders: result files, or folders or archives of them.
        out: the folder or, by its name, the archive to join them into; results that it holds come first.

    Raises:
        RequestError: a path does not exist, there is no readable result, or ``out`` refuses writing.
        ResultError: the file system refuses.
    """
    return _pack(folders, out) if is_archive(out) else _join(folders, out)


def _pack(folders: Sequence[Path], archive: Path) -> Merged:
    """Join results in a folder that does not stay, and pack that."""
    ResultStore(archive.parent).check_writable()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if archive.exists():
            _join([archive], folder)
        merged = replace(_join(folders, folder), out=str(archive))
        if not merged.conflicts:
            files = result_files([folder])
            packed = [(file.relative_to(folder.resolve()).as_posix(), file.read_bytes()) for file in files]
            try:
                write_archive(archive, packed)
            except OSError as error:
                raise ResultError(
                    f"cannot write {archive}: {error.strerror}; make room or change --out"
                ) from error
    return merged


def _join(folders: Sequence[Path], out: Path) -> Merged:
    store = ResultStore(out)
    store.check_writable()
    here = result_files([out]) if out.is_dir() else []
    best: dict[str, _Candidate] = {}
    left_out, conflicts = [], []
    for file in dict.fromkeys([*here, *(file for folder in folders for file in result_files([folder]))]):
        try:
            conflicts += _consider(file, best)
        except ResultError as error:
            left_out.append(str(error))
    if not best:
        raise RequestError(f"no results in {', '.join(map(str, folders))}; make some with: adabench run")
    new = {candidate.file for candidate in best.values()}.difference(here)
    added = 0 if conflicts else sum(map(store.adopt, sorted(new)))
    return Merged(
        out=str(out),
        added=added,
        present=0 if conflicts else len(best) - added,
        left_out=tuple(left_out),
        conflicts=tuple(conflicts),
    )


def differences(one: Result, other: Result) -> tuple[str, ...]:
    """What two results of a job say differently, as names such as ``curve.test_accuracy``.

    Costs are not looked at, nor is what only one of them tells.
    """
    left, right = _outcome(one), _outcome(other)
    return tuple(
        name
        for name, value in left.items()
        if value is not None and right.get(name) is not None and right[name] != value
    )


def _consider(file: Path, best: dict[str, _Candidate]) -> list[Conflict]:
    """Let a file be the candidate of its job where it is the first or the better one."""
    result = read(file)
    key, new = result.job.key, _Candidate(file=file, finished=result.finished)
    old = best.setdefault(key, new)
    if old is new or not new.finished:
        return []
    if not old.finished:
        best[key] = new
        return []
    differs = differences(read(old.file), result)
    names = (str(old.file), str(file))
    return (
        [Conflict(title=result.job.title[:LONGEST_TITLE], key=key, files=names, differs=differs)]
        if differs
        else []
    )


def _outcome(result: Result) -> dict[str, Any]:
    environment = result.environment
    outcome: dict[str, Any] = {
        "status": result.status,
        "data": environment.dataset_fingerprint if environment else None,
    }
    for part, values in (
        ("summary", vars(result.summary)),
        ("curve", result.curve),
        ("probes", result.probes),
    ):
        outcome |= {f"{part}.{name}": value for name, value in values.items() if name not in COSTS}
    return outcome
