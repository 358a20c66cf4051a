"""What the probes of Figure 2 cost: their time once an epoch, as a share of the epoch's training time.

    python bench/probes.py [--short]

Synthetic images in the shapes of MNIST and CIFAR-10; a part of an epoch is timed and scaled to the
whole. Training and probes are timed in turn, seven times; medians, with the lowest and the highest.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from tabulate import tabulate

from adabench.config import Settings, problem_spec
from adabench.datasets import find_dataset
from adabench.engine.device import device_name
from adabench.engine.probes import Probes
from adabench.engine.seeding import Streams
from adabench.engine.step import EagerStep, EpochTotals
from adabench.optimizers import optimizer_spec
from adabench.optimizers.building import build_optimizer
from adabench.problems.supervised import SupervisedProblem

PAIRS = 7
CASES = (  # model, shape of the data, whose number of steps an epoch has, steps that are timed
    ("mlp", "synthetic:size=28,channels=1,train=2560", "mnist", 20),
    ("vgg11", "synthetic:size=32,channels=3,train=512", "cifar10", 4),
)
OPTIMIZERS = ("adam", "amsgrad", "adafix")


def seconds_of(action: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(model: str, data: str, like: str, steps: int, name: str) -> tuple[list[float], list[float]]:
    """Seconds of an epoch's training, and of its probes, once for each pair."""
    device, streams = torch.device("cpu"), Streams(0)
    spec = problem_spec(model, data, Settings())
    problem = SupervisedProblem(spec, data_dir=Path(), device=device, draw=streams.generator)
    optimizer = build_optimizer(optimizer_spec(name, {}), problem.model.parameters())
    step, probes = EagerStep(problem, optimizer, streams, EpochTotals(device)), Probes(optimizer)
    problem.start_epoch(0)
    step(0, 0)
    examples = find_dataset(like)[0].train_examples or 0
    epoch = -(-examples // spec.batch_size)
    training, probing = [], []
    for _ in range(PAIRS):
        part = seconds_of(lambda: [step(0, k % problem.steps_per_epoch) for k in range(steps)])
        training.append(part * epoch / steps)
        probing.append(seconds_of(probes.before_last_step) + seconds_of(lambda: probes.read(epoch)))
    return training, probing


def main() -> None:
    """Measure every case and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="the MLP alone")
    rows = []
    for model, data, like, steps in CASES[: 1 if parser.parse_args().short else None]:
        for name in OPTIMIZERS:
            training, probing = measure(model, data, like, steps, name)
            shares = [100 * b / a for a, b in zip(training, probing, strict=True)]
            spread = f"{min(shares):.2f} to {max(shares):.2f}"
            cells = [statistics.median(training), statistics.median(probing), statistics.median(shares)]
            rows.append([f"{model}, {like}", name, *(f"{cell:.3f}" for cell in cells), spread])
    headers = ["problem", "optimizer", "epoch, s", "probes, s", "share, %", "lowest to highest"]
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))
    threads = torch.get_num_threads()
    print(
        f"\n{device_name(torch.device('cpu'))}, {threads} threads, torch {torch.__version__}, {PAIRS} pairs"
    )


if __name__ == "__main__":
    main()
