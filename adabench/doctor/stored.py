"""Folders of results, file by file: damaged, doubled, misplaced, foreign, left over."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from adabench.doctor.finding import Finding
from adabench.errors import ResultError
from adabench.results.merging import LONGEST_TITLE
from adabench.results.reading import read_sealed, result_files, shown
from adabench.results.store import TEMPORARY, ResultStore
from adabench.spec import Job

Places = dict[str, list[Path]]
"""Files of each job, by its key."""


def examine(paths: Sequence[Path]) -> list[Finding]:
    """Read every result in the given files and folders, and say what is wrong with them.

    Raises:
        RequestError: a path does not exist.
    """
    places: Places = defaultdict(list)
    titles: dict[str, str] = {}
    states = Counter[str]()
    unsealed = 0
    found: list[Finding] = []
    for file in result_files(paths):
        try:
            result, sealed = read_sealed(file)
        except ResultError as error:
            cure = "restore the file, or delete it and run the job again"
            found.append(Finding(name="unreadable", state="wrong", detail=str(error), cure=cure))
            continue
        states[result.status] += 1
        unsealed += not sealed
        places[result.job.key].append(file)
        titles[result.job.key] = result.job.title[:LONGEST_TITLE]
        found += _misplaced(file, result.job)
    found += _doubled(places, titles)
    if unsealed:
        detail = f"{unsealed} have no sha256, so that a changed digit in them cannot be found"
        found.append(Finding(name="unsealed", state="note", detail=detail))
    found += (finding for path in paths if path.is_dir() for finding in _surroundings(path))
    return [_counted(states), *sorted(found, key=lambda finding: (finding.state != "wrong", finding.name))]


def _counted(states: Counter[str]) -> Finding:
    if not states:
        return Finding(name="results", state="note", detail="none", cure="make some with: adabench run")
    tally = ", ".join(f"{count} {status}" for status, count in sorted(states.items()))
    return Finding(name="results", state="ok", detail=f"{states.total()} readable: {tally}")


def _misplaced(file: Path, job: Job) -> Iterator[Finding]:
    """A result where `adabench run` would not look for it."""
    expected = ResultStore(Path()).path_of(job)
    if file.parts[-3:] != expected.parts:
        yield Finding(
            name="misplaced",
            state="wrong",
            detail=f"{shown(file)} holds {shown(job.title[:LONGEST_TITLE])}, which belongs in {expected}",
            cure="compare and report read it, run does not find it; adabench merge puts it in its place: "
            "adabench merge OLD --out NEW",
        )


def _doubled(places: Places, titles: dict[str, str]) -> Iterator[Finding]:
    for key, files in places.items():
        if len(files) > 1:
            yield Finding(
                name="doubled",
                state="wrong",
                detail=f"{shown(titles[key])} is in {len(files)} files: {', '.join(map(shown, files))}",
                cure="keep one; adabench merge keeps the first, and says where they contradict each other",
            )


def _surroundings(folder: Path) -> Iterator[Finding]:
    """What else lies in a folder, and what in it cannot be looked at."""
    refused: list[str] = []
    left_over: list[Path] = []
    foreign: list[Path] = []
    for here, folders, names in os.walk(folder, onerror=lambda error: refused.append(str(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.startswith(".") and name.endswith(TEMPORARY):
                left_over.append(Path(here, name))
            elif not name.startswith(".") and not name.endswith(".json"):
                foreign.append(Path(here, name))
    for place in refused:
        cure = f"let yourself read it: chmod u+rx {shown(place)}"
        yield Finding(name="closed", state="wrong", detail=f"{shown(place)} may not be read", cure=cure)
    if left_over:
        cure = f"while nothing runs: find {shown(folder)} -name '.*{TEMPORARY}' -delete"
        yield Finding(name="left over", state="note", detail=_several(left_over, "half-written"), cure=cure)
    if foreign:
        yield Finding(name="foreign", state="note", detail=_several(foreign, "passed over: no *.json"))


def _several(files: Sequence[Path], what: str) -> str:
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    return f"{count} {what}, such as {shown(min(files))}"
