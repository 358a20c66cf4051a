"""Results and folders that the fault harnesses share; importing it lets them find the tests' factories."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from factories import make_result

from adabench.errors import ResultError
from adabench.results import Result, ResultStore, read

GOOD = make_result(seed=0, accuracy=0.98, reason="x" * 3000)
BETTER = make_result(seed=0, accuracy=0.99)
BESIDE = make_result(seed=1, accuracy=0.97)
FAILED = make_result(seed=0, status="failed", accuracy=None, reason="out of memory")


def in_a_process(work: Callable[[], int]) -> int:
    """Do the work in a forked process; its exit code, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def visible(folder: Path) -> dict[str, bytes]:
    """Every result file's bytes by its path, as a reader that lists the folder would find them."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.json"))}


def unreadable(folder: Path) -> list[str]:
    """One line for each visible file that is no whole result."""
    problems = []
    for path in folder.rglob("*.json"):
        try:
            read(path)
        except ResultError as error:
            problems.append(str(error))
    return problems


def place_of(folder: Path, result: Result) -> Path:
    return ResultStore(folder).path_of(result.job)
