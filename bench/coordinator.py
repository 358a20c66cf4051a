"""What one coordinator can take in: events from many machines, and results that they commit.

    python bench/coordinator.py [--short]

Events arrive as lines, are read, shown and written down as `adabench run` does; nothing is computed.
The last table says how many devices that serves, for jobs of several lengths.
"""

import argparse
import io
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from scale import EPOCHS, synthetic
from tabulate import tabulate

from adabench.engine.run import SIGN_OF_LIFE_SECONDS
from adabench.events import Event, StepsDone
from adabench.launchers.wire import decode, encode
from adabench.progress import Bars, Lines
from adabench.results import Ledger, Result, ResultStore, read_all
from adabench.results.record import retold

DEVICES = 1000


def signs_of_life(results: Sequence[Result]) -> list[str]:
    """One line from each running job."""
    return [encode(StepsDone(job=result.job, steps=100, steps_per_second=50.0)) for result in results]


def seconds_to_read(lines: Sequence[str]) -> float:
    """To turn every line into its event."""
    start = time.perf_counter()
    for line in lines:
        decode(line)
    return time.perf_counter() - start


def seconds_to_show(events: Sequence[Event], results: Sequence[Result], *, bars: bool) -> float:
    """To show every event, in a terminal or as in a log."""
    console = Console(file=io.StringIO(), force_terminal=bars, width=120)
    jobs = {result.job: 1 for result in results}
    display = Bars(console, jobs) if bars else Lines(console, len(jobs))
    start = time.perf_counter()
    with display:
        for event in events:
            display(event)
    return time.perf_counter() - start


def seconds_to_commit(results: Sequence[Result], folder: Path) -> float:
    """Every event of every job, its end being a result on the disk."""
    ledger = Ledger(ResultStore(folder))
    lines = [encode(event) for result in results for event in retold(result)]
    start = time.perf_counter()
    for line in lines:
        ledger.add(decode(line))
    return time.perf_counter() - start


def main() -> None:
    """Time each part and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    count = 200 if parser.parse_args().short else DEVICES
    results = [synthetic(problem, 0, seed) for problem in range(count // 5) for seed in range(5)]
    lines = signs_of_life(results)
    events = [event for result in results for event in retold(result)]
    with tempfile.TemporaryDirectory() as name:
        commit = seconds_to_commit(results, Path(name))
        start = time.perf_counter()
        read_all([Path(name)])
        read = time.perf_counter() - start
    costs = {
        "read one sign of life": seconds_to_read(lines) / len(lines),
        "show one event as lines": seconds_to_show(events, results, bars=False) / len(events),
        "show one event as bars": seconds_to_show(events, results, bars=True) / len(events),
        f"take in a job of {EPOCHS} epochs and write its result": commit / count,
        "read a result": read / count,
    }
    rows = [[what, f"{1e6 * seconds:,.0f}"] for what, seconds in costs.items()]
    print(tabulate(rows, headers=["", "microseconds"], disable_numparse=True, colalign=("left", "right")))
    life, _, _, job, _ = costs.values()
    rows = []
    for length in (1, 10, 100, 1000):
        share = life / SIGN_OF_LIFE_SECONDS + job / length
        rows.append(
            [
                f"{length:,} s",
                f"{DEVICES / length:,.0f}",
                f"{100 * DEVICES * share:,.0f} %",
                f"{1 / share:,.0f}",
            ]
        )
    headers = ["jobs of", "results a second", f"of one core, {DEVICES:,} devices", "devices at 100 %"]
    print()
    print(tabulate(rows, headers=headers, disable_numparse=True, colalign=("right",) * 4))


if __name__ == "__main__":
    main()
