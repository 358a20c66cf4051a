"""Stop the storing of a result at each of its durable operations: real processes, real SIGKILL.

Every scenario is first run whole to count its operations. Then, for every k, a fresh process is killed
before, in the middle of, or after its k-th operation, or that operation fails. No torn file may be
visible, nothing stored before may be lost, and the same request once more must end as it would have.

    python tests/faults/results_kill.py [--json]
"""

import errno
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stored import BESIDE, BETTER, FAILED, GOOD, in_a_process, place_of, unreadable, visible
from tally import Tally, finish

from adabench.errors import ResultError
from adabench.results import ResultStore

OPERATIONS = ("mkdir", "open", "write", "fsync", "close", "link", "replace", "unlink")
KILLS = ("before", "torn", "after")
FAILURES = (errno.EIO, errno.ENOSPC)
REFUSED = 3


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What stands in the folder before, and what is done to it."""

    name: str
    prepare: Callable[[Path], object]
    act: Callable[[Path], object]


class Interposer:
    """Counts the durable operations of this process and stops it at one of them.

    Args:
        stop_at: the number of the operation, from 1; 0 for none.
        how: one of `KILLS`, or an errno to fail with.
    """

    def __init__(self, stop_at: int = 0, how: str | int = "before") -> None:
        self.count, self._stop_at, self._how = 0, stop_at, how
        for name in OPERATIONS:
            setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any, **named: Any) -> Any:
            self.count += 1
            if self.count != self._stop_at:
                return real(*arguments, **named)
            if isinstance(self._how, int):
                raise OSError(self._how, os.strerror(self._how))
            if self._how == "torn" and name == "write":
                real(arguments[0], arguments[1][: len(arguments[1]) // 2])
            elif self._how == "after":
                with suppress(OSError):
                    real(*arguments, **named)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("unreachable")

        return operation


def no_links(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def without_links(act: Callable[[Path], object]) -> Callable[[Path], object]:
    def acting(folder: Path) -> None:
        os.link = no_links
        act(folder)

    return acting


def put(*results: Any) -> Callable[[Path], object]:
    return lambda folder: [ResultStore(folder).write(result) for result in results]


def damaged(folder: Path) -> None:
    put(BESIDE, GOOD)(folder)
    place = place_of(folder, GOOD)
    place.write_bytes(place.read_bytes()[:100])


def elsewhere(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-elsewhere")


def and_elsewhere(prepare: Callable[[Path], object], *, linked: bool = False) -> Callable[[Path], object]:
    def preparing(folder: Path) -> None:
        prepare(folder)
        put(GOOD)(elsewhere(folder))
        if linked:
            place = place_of(elsewhere(folder), GOOD)
            place.rename(place.with_suffix(".real"))
            place.symlink_to(place.with_suffix(".real"))

    return preparing


def adopt(folder: Path) -> None:
    ResultStore(folder).adopt(place_of(elsewhere(folder), GOOD))


def replace(folder: Path) -> None:
    ResultStore(folder).write(BETTER, replace=True)


SCENARIOS = (
    Scenario(name="first of a new folder", prepare=put(), act=put(GOOD)),
    Scenario(name="beside another", prepare=put(BESIDE), act=put(GOOD)),
    Scenario(name="over a failed one", prepare=put(BESIDE, FAILED), act=put(GOOD)),
    Scenario(name="over a damaged one", prepare=damaged, act=put(GOOD)),
    Scenario(name="second to a finished one", prepare=put(BESIDE, GOOD), act=put(BETTER)),
    Scenario(name="run again", prepare=put(BESIDE, GOOD), act=replace),
    Scenario(name="no hard links", prepare=put(BESIDE), act=without_links(put(GOOD))),
    Scenario(name="no hard links, over a failed one", prepare=put(FAILED), act=without_links(put(GOOD))),
    Scenario(name="adopted by a link", prepare=and_elsewhere(put(BESIDE)), act=adopt),
    Scenario(name="adopted over a failed one", prepare=and_elsewhere(put(FAILED)), act=adopt),
    Scenario(name="adopted by a copy", prepare=and_elsewhere(put(BESIDE), linked=True), act=adopt),
)


def cases(root: Path) -> list[Tally]:
    """Every scenario, every operation, every way to stop there."""
    return [_tallied(scenario, root) for scenario in SCENARIOS]


def _tallied(scenario: Scenario, root: Path) -> Tally:
    tally = Tally(scenario.name)
    whole = root / "whole"
    scenario.prepare(whole)
    operations = in_a_process(lambda: _counted(scenario, whole))
    wanted = visible(whole)
    assert 0 < operations < 60, operations
    for k in range(1, operations + 1):
        for how in (*KILLS, *FAILURES):
            tally.cases += 1
            folder = root / f"{k}-{how}"
            tally.violations += [
                f"{scenario.name}, operation {k}, {how}: {text}"
                for text in _violations(scenario, folder, k, how, wanted)
            ]
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(elsewhere(folder), ignore_errors=True)
    shutil.rmtree(whole)
    shutil.rmtree(elsewhere(whole), ignore_errors=True)
    return tally


def _counted(scenario: Scenario, folder: Path) -> int:
    interposer = Interposer()
    scenario.act(folder)
    return interposer.count


def _stopped(scenario: Scenario, folder: Path, k: int, how: str | int) -> int:
    Interposer(k, how)
    try:
        scenario.act(folder)
    except ResultError as error:
        return REFUSED if str(place_of(folder, GOOD)) in str(error) and "bytes)" in str(error) else 98
    return 0


def _violations(
    scenario: Scenario, folder: Path, k: int, how: str | int, wanted: dict[str, bytes]
) -> Iterator[str]:
    scenario.prepare(folder)
    before, broken = visible(folder), unreadable(folder)
    code = in_a_process(lambda: _stopped(scenario, folder, k, how))
    now = visible(folder)
    if isinstance(how, str) and code != -signal.SIGKILL:
        yield f"the process ended with {code}, not by the signal"
    if isinstance(how, int) and code not in (0, REFUSED):
        yield f"the error was not told with path and need, but ended with {code}"
    if code == 0 and now != wanted:
        yield "told of success, but the result is not there"
    if now not in (before, wanted):
        yield f"neither as before nor as wanted: {sorted(now)}"
    if not set(unreadable(folder)) <= set(broken):
        yield "a torn file is visible"
    if in_a_process(lambda: int(scenario.act(folder) is Ellipsis)) != 0 or visible(folder) != wanted:
        yield "the same request once more does not end as it would have"
    if unreadable(folder):
        yield "a torn file stays visible"


def main() -> int:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as root:
        return finish(cases(Path(root)))


if __name__ == "__main__":
    sys.exit(main())
