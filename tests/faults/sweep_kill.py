"""Kill a whole sweep at each of its durable operations: results, checkpoints, manifests, their removal.

Two jobs with a checkpoint after each step are run whole to count their operations. Then, for every k,
a fresh process is killed before, in the middle of, or after its k-th. Nothing torn may be visible, and
the same sweep once more must end with the same results, to the bit, and leave no checkpoint behind.
"""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

from results_kill import KILLS, Interposer
from small_sweep import finished, outcomes, sweep
from stored import in_a_process, unreadable
from tally import Tally

SAMPLE = 41
"""Of which cases the short form takes one."""


def cases(root: Path, *, short: bool) -> list[Tally]:
    """Every operation and every way to be killed there."""
    whole, count = root / "whole", root / "count"
    assert in_a_process(lambda: _counted(whole, count)) == 0
    operations, wanted = int(count.read_text()), outcomes(whole)
    tally = Tally("killed at an operation")
    every = [(k, how) for k in range(1, operations + 1) for how in KILLS]
    for k, how in every[:: SAMPLE if short else 1]:
        tally.cases += 1
        folder = root / f"{k}-{how}"
        tally.violations += [f"operation {k}, {how}: {text}" for text in _violations(folder, k, how, wanted)]
        shutil.rmtree(folder, ignore_errors=True)
    return [tally]


def _counted(folder: Path, count: Path) -> int:
    interposers: list[Interposer] = []
    code = sweep(folder, before=lambda: interposers.append(Interposer()))
    operations = interposers[0].count
    count.write_text(str(operations))
    return code


def _violations(folder: Path, k: int, how: str, wanted: dict[str, object]) -> Iterator[str]:
    code = in_a_process(lambda: sweep(folder, before=lambda: Interposer(k, how)))
    if code != -signal.SIGKILL:
        yield f"the process ended with {code}, not by the signal"
    if unreadable(folder):
        yield "a torn result is visible"
    kept = finished(folder)
    if not outcomes(folder).items() <= wanted.items():
        yield "what is kept is not what was wanted"
    if in_a_process(lambda: sweep(folder)) != 0 or outcomes(folder) != wanted:
        yield "the same sweep once more does not end as it would have"
    if not kept.items() <= finished(folder).items():
        yield "a finished result was written again"
    if (folder / ".runs").exists():
        yield "checkpoints of finished runs stay"
