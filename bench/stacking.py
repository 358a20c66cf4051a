"""Five seeds of the MLP as one batch of models, against the same five one after another.

    python bench/stacking.py [--short] [--device cpu]

Whole training steps of the engine on random 28x28 pictures, by turns; medians over rounds with the
lowest and the highest ratio. A GPU that one small model leaves idle gains; a CPU does not.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from tabulate import tabulate
from timing import interleaved

from adabench.config import Settings, problem_spec
from adabench.engine.building import build
from adabench.engine.choices import settle
from adabench.engine.clock import Clock
from adabench.engine.device import device_name
from adabench.optimizers import optimizer_spec
from adabench.spec import Job

SEEDS = 5
STEPS = 40


def steps(name: str, device: torch.device, *, stacked: bool) -> Callable[[], object]:
    """One step of every seed."""
    problem = problem_spec("mlp", f"synthetic:size=28,channels=1,train={128 * STEPS},test=10", Settings())
    jobs = [Job(optimizer=optimizer_spec(name, {}), problem=problem, seed=s, epochs=1) for s in range(SEEDS)]
    jobs = list(settle(jobs, device=device, executor="auto", stacking="on" if stacked else "off"))
    groups = [jobs] if stacked else [[job] for job in jobs]
    parts = [build(group, device=device, data_dir=Path(), clock=Clock(device)) for group in groups]
    taken = 0

    def step() -> None:
        nonlocal taken
        for part in parts:
            part.step(0, taken % STEPS)
        taken += 1

    return step


def main() -> None:
    """Measure Adam and AdaFix, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="fewer rounds")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    device, rows = torch.device(arguments.device), []
    for name in ("adam", "adafix"):
        cases = {
            "one by one": steps(name, device, stacked=False),
            "stacked": steps(name, device, stacked=True),
        }
        timings = interleaved(cases, pairs=5 if arguments.short else 9, calls=4)
        rows += [
            [name, case, f"{1000 * timing.seconds:.2f}", f"{timing.ratio:.2f}", timing.spread]
            for case, timing in timings.items()
        ]
    headers = ["optimizer", f"{SEEDS} seeds", "ms a step of all", "x one by one", "lowest to highest"]
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))
    print(f"\n{device_name(device)}, {torch.get_num_threads()} threads, torch {torch.__version__}")


if __name__ == "__main__":
    main()
