"""The same sweep packed, as many one-thread jobs as cores, against one job at a time with all threads.

    OMP_WAIT_POLICY=PASSIVE python bench/packing.py [--short]

The variable is what the command line sets; without it, threads that wait take a core from those that
work wherever something else runs. Jobs are the paper's MLP on synthetic images in MNIST's shape. Whole
sweeps are timed by turns, the start of the workers included; what is shown is throughput, jobs a
minute, and the packed sweep's over the other's with the lowest and the highest ratio. On a machine
that does other work, use --short and believe the ratio alone.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from tabulate import tabulate
from timing import interleaved

from adabench.config import Request, Settings, resolve_sweep
from adabench.engine.device import device_name
from adabench.events import JobEnded
from adabench.launchers.local import launch
from adabench.launchers.packing import Packing
from adabench.spec import expand

DATA = "synthetic:size=28,channels=1,train=3840,test=1000"


def sweep(packing: Packing, *, jobs: int, epochs: int) -> Callable[[], None]:
    """A sweep of Adam jobs that differ in their seed."""
    settings = Settings(seeds=jobs, epochs=epochs)
    request = Request(optimizers=("adam",), models=("mlp",), datasets=(DATA,), settings=settings)
    todo = expand(resolve_sweep(request), threads=packing.threads)

    def run() -> None:
        events = launch(todo, devices=["cpu"], data_dir=Path(), workers=packing.workers)
        ends = [event for event in events if isinstance(event, JobEnded)]
        assert [end.status for end in ends] == ["completed"] * jobs, ends

    return run


def main() -> None:
    """Time both and print the table."""
    short = "--short" in sys.argv
    cores = torch.get_num_threads()
    jobs, epochs, pairs = (2 * cores, 2, 3) if short else (4 * cores, 8, 7)
    ways = [Packing(workers=1, threads=cores), Packing(workers=cores, threads=1)]
    timings = interleaved(
        {str(way): sweep(way, jobs=jobs, epochs=epochs) for way in ways}, pairs=pairs, warm_up=1
    )
    rows = [
        [
            name,
            f"{60 * jobs / timing.seconds:.1f}",
            f"{1 / timing.ratio:.2f}",
            f"{1 / timing.high:.2f} to {1 / timing.low:.2f}",
        ]
        for name, timing in timings.items()
    ]
    headers = ["sweep", "jobs a minute", "throughput ratio", "lowest to highest"]
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))
    where = f"{device_name(torch.device('cpu'))}, {cores} threads, torch {torch.__version__}"
    print(f"\n{where}; {jobs} jobs of {30 * epochs} steps, {pairs} pairs")


if __name__ == "__main__":
    main()
