"""What a launcher costs beside the jobs that it runs: jobs that sleep, on several workers.

    python bench/cluster.py [--short] [--launcher local|ray|slurm] [--seconds 1 10 100] [--workers 1 2 4]

A step of these jobs sleeps, so more workers than cores do not disturb each other: what is left is the
launcher's own time. Start-up is the time to the first job's first event, that of a Ray of its own
included. Overhead is what a worker takes for a job beyond its training and evaluation, from the first
event on. Efficiency is the share of the workers' time, start-up left out, in which jobs trained.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from tabulate import tabulate

from adabench import pipeline
from adabench.catalogue import load
from adabench.config import Request, Settings
from adabench.events import Event, JobEnded
from adabench.launchers import LAUNCHERS

NAP_SECONDS = 0.1
SLEEPER = """\
import time
import torch

class Sleeper(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)

    def step(self, closure=None):
        time.sleep({nap})
        return super().step(closure)
"""


def measure(where: str, seconds: float, workers: int, each: int, folder: Path) -> list[str]:
    """One row: ``each`` jobs of a length for each of the workers."""
    optimizer = folder / "sleeper.py"
    optimizer.write_text(SLEEPER.format(nap=NAP_SECONDS))
    steps = round(seconds / NAP_SECONDS)
    request = Request(
        optimizers=(f"{optimizer}:Sleeper",),
        models=("mlp:hidden=8",),
        datasets=(f"synthetic:size=4,channels=1,classes=2,train={8 * steps},test=8",),
        settings=Settings(seeds=each * workers, epochs=1, batch_size=8),
    )
    wanted: dict[str, Any] = {"threads": 1} | (
        {"at_once": workers, "bundle": each} if where == "slurm" else {"workers": workers}
    )
    launcher = load(LAUNCHERS[where].build)(**wanted)
    out = folder / f"{where}-{seconds:g}-{workers}"
    start = time.perf_counter()
    plan = pipeline.plan(request, out=out, data_dir=folder, device="cpu", launcher=launcher)
    moments: list[float] = []
    training = 0.0

    def listen(event: Event) -> None:
        nonlocal training
        moments.append(time.perf_counter())
        if isinstance(event, JobEnded):
            training += (event.summary.seconds or 0.0) + (event.summary.evaluation_seconds or 0.0)

    pipeline.prepare(plan)
    pipeline.execute(plan, listen)
    if where == "ray":  # the one of our own has room for as many as it was started for
        import ray

        ray.shutdown()
    jobs, busy = len(plan.jobs), workers * (moments[-1] - moments[0])
    return [
        where,
        f"{seconds:g}",
        str(workers),
        str(jobs),
        f"{moments[0] - start:.1f}",
        f"{1000 * (busy - training) / jobs:,.0f}",
        f"{100 * training / busy:.1f}",
    ]


def main() -> None:
    """Measure and print, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--launcher", choices=LAUNCHERS, nargs="+", default=["local"])
    parser.add_argument("--seconds", type=float, nargs="+", default=[1, 10, 100])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    given = parser.parse_args()
    if given.short:
        given.seconds, given.workers = [1], [1, 2]
    rows = []
    with tempfile.TemporaryDirectory(dir=Path.cwd() if "slurm" in given.launcher else None) as name:
        for seconds in given.seconds:
            each = max(1, min(8, round(30 / seconds)))
            for workers in given.workers:
                for where in given.launcher:
                    rows.append(measure(where, seconds, workers, each, Path(name)))
                    print(*rows[-1], flush=True)
    headers = ["launcher", "s a job", "workers", "jobs", "start-up, s", "overhead, ms a job", "efficiency, %"]
    print(tabulate(rows, headers=headers, disable_numparse=True, colalign=("left", *["right"] * 6)))


if __name__ == "__main__":
    main()
