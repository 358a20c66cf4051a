"""Many processes store results of the same jobs at once: each job is committed once.

python tests/faults/results_race.py [ROUNDS WRITERS] [--json]
"""

import errno
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from stored import make_result, place_of, unreadable, visible
from tally import Tally, finish

from adabench.results import Result, ResultStore, read

JOBS = 8


def result_of(writer: int, seed: int, **arguments: object) -> Result:
    """What a writer makes of a job; its reason says whose it is."""
    return make_result(seed=seed, reason=f"writer {writer}", **arguments)


def failed(folder: Path) -> None:
    """Every job has failed before, so that each writer finds a result that must give way."""
    for seed in range(JOBS):
        ResultStore(folder).write(result_of(-1, seed, status="failed", accuracy=None))


def no_links(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def nothing(_: Path) -> None:
    pass


def unlinked(_: Path) -> None:
    os.link = no_links


SCENARIOS: dict[str, tuple[Callable[[Path], None], Callable[[Path], None]]] = {
    "an empty folder": (nothing, nothing),
    "every job failed before": (failed, nothing),
    "no hard links": (nothing, unlinked),
    "no hard links, every job failed before": (failed, unlinked),
}
"""What is done to the folder before, and to each writer's process."""


def cases(root: Path, rounds: int, writers: int) -> list[Tally]:
    tallies = []
    for name, (prepare, handicap) in SCENARIOS.items():
        tally = Tally(f"{name}, {writers} writers", cases=rounds)
        for number in range(rounds):
            folder = root / f"round-{number}"
            prepare(folder)
            won = _race(folder, writers, handicap)
            tally.violations += [f"{name}: {text}" for text in _violations(folder, won)]
            shutil.rmtree(folder)
        tallies.append(tally)
    return tallies


def _race(folder: Path, writers: int, handicap: Callable[[Path], None]) -> list[list[int]]:
    """Start all writers at one moment; the seeds that each was told it had committed."""
    ready, go = os.pipe()
    children = []
    for writer in range(writers):
        results, told = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(go)
            handicap(folder)
            os.read(ready, 1)  # returns when the parent closes its end
            os.write(told, json.dumps(_write_all(folder, writer)).encode())
            os._exit(0)
        os.close(told)
        children.append((child, results))
    os.close(ready)
    os.close(go)
    won = []
    for child, results in children:
        with os.fdopen(results) as pipe:
            won.append(json.loads(pipe.read()))
        os.waitpid(child, 0)
    return won


def _write_all(folder: Path, writer: int) -> list[int]:
    store = ResultStore(folder)
    seeds = [(writer // 2 + step) % JOBS for step in range(JOBS)]
    return [seed for seed in seeds if store.write(result_of(writer, seed))]


def _violations(folder: Path, won: list[list[int]]) -> list[str]:
    problems = unreadable(folder)
    if len(visible(folder)) != JOBS:
        problems.append(f"{len(visible(folder))} files instead of {JOBS}")
    if any(folder.rglob(".*")):
        problems.append("temporary files stay")
    for seed in range(JOBS):
        winners = [writer for writer, seeds in enumerate(won) if seed in seeds]
        stored = read(place_of(folder, result_of(0, seed))).reason
        if [f"writer {writer}" for writer in winners] != [stored]:
            problems.append(f"seed {seed}: {winners} were told they had committed it; {stored} has")
    return problems


def main() -> int:
    numbers = [int(text) for text in sys.argv[1:] if text.isdigit()]
    rounds, writers = numbers if len(numbers) == 2 else (50, 16)
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as root:
        return finish(cases(Path(root), rounds, writers))


if __name__ == "__main__":
    sys.exit(main())
