"""What a sweep costs beside training: seconds of each of many tiny jobs, and the start of ``--help``.

    python bench/overhead.py [--short]

A job here is one epoch of an MLP with 8 hidden units on digits. Its overhead is the time from the end
of the job before to its own end, less its training and evaluation: data, model, optimizer, events and
the result on the disk. Side by side, the time of one worker is looked at.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import torch
from tabulate import tabulate

from adabench import pipeline
from adabench.config import Request, Settings
from adabench.engine.device import device_name
from adabench.events import Event, JobEnded
from adabench.launchers.local import Local


def overheads(workers: int, seeds: int) -> tuple[float, list[float]]:
    """Seconds beside training of the first job, and of each later one."""
    request = Request(
        optimizers=("adam",),
        models=("mlp:hidden=8",),
        datasets=("digits",),
        settings=Settings(seeds=seeds, epochs=1),
    )
    times: list[float] = []
    working: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, JobEnded):
            times.append(time.perf_counter())
            working.append((event.summary.seconds or 0) + (event.summary.evaluation_seconds or 0))

    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        launcher = Local(workers=workers)
        plan = pipeline.plan(request, out=here, data_dir=here, device="cpu", launcher=launcher)
        start = time.perf_counter()
        pipeline.prepare(plan)
        pipeline.execute(plan, listen)
    gaps = [workers * (after - before) for before, after in pairwise(times)]
    return times[0] - start - working[0], [gap - work for gap, work in zip(gaps, working[1:], strict=True)]


def start_up(words: list[str], calls: int) -> float:
    """Median seconds of a Python process."""
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], capture_output=True, check=True)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main() -> None:
    """Measure and print the tables."""
    short = "--short" in sys.argv
    seeds, calls = (20, 3) if short else (100, 11)
    rows = []
    for workers in (1, 2):
        first, later = overheads(workers, seeds)
        cells = [1000 * first, 1000 * statistics.median(later), 1000 * statistics.mean(later)]
        rows.append([str(workers), *(f"{cell:.0f}" for cell in cells)])
    headers = ["workers", "first job, ms", "later ones, median ms", "mean ms"]
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))
    bare, help_ = start_up(["-c", "pass"], calls), start_up(["-m", "adabench", "--help"], calls)
    print(f"\nadabench --help: {help_:.2f} s, of which Python itself {bare:.2f} s")
    where = (
        f"{device_name(torch.device('cpu'))}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    print(f"{where}; {seeds} jobs, {calls} starts")


if __name__ == "__main__":
    main()
