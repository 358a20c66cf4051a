"""What AdaFix's whole step costs against Adam's, at each schedule of estimating L: an MLP on MNIST's shapes.

    python bench/adafix.py [--short]

A step is everything: gradients, update and, where one is due, the second gradient. Both optimizers are
fused. An estimate every k steps is timed over whole periods of k, as the mean cost of a step. ``opening``
is a run's tail after its opening phase: no L is estimated in what is timed. Kernels are compiled before
the clock starts. ``--short`` times fewer steps.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch
from tabulate import tabulate
from timing import interleaved
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from adabench.catalogue import Value
from adabench.engine.device import device_name
from adabench.optimizers import optimizer_spec
from adabench.optimizers.building import build_optimizer

PAIRS = 7
BATCH = 128
SCHEDULES: dict[str, tuple[dict[str, Value], int]] = {
    "every step": ({"lipschitz_every": 1}, 1),
    "every 10 steps": ({"lipschitz_every": 10}, 10),
    "every 100 steps": ({"lipschitz_every": 100}, 100),
    "opening, then rare": ({"lipschitz_every": 10**6, "lipschitz_opening": 2}, 1),
}
"""Settings, and the steps of one period."""


def steps(name: str, settings: dict[str, Value], count: int) -> Callable[[], None]:
    """``count`` training steps of a fresh network, on one batch of random images."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 2048), nn.ReLU(), nn.Linear(2048, 10))
    images, labels = torch.randn(BATCH, 1, 28, 28), torch.randint(0, 10, (BATCH,))
    spec = optimizer_spec(name, settings)
    optimizer: Any = build_optimizer(spec, model.parameters(), implementation="fused")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(model(images), labels)
        torch.autograd.backward(loss)
        return loss

    def run() -> None:
        for _ in range(count):
            optimizer.step(closure)

    return run


def main(arguments: Sequence[str]) -> None:
    """Time every schedule and print the table."""
    least, rows = (5 if "--short" in arguments else 20), []
    for label, (settings, period) in SCHEDULES.items():
        count = period * -(-least // period)
        functions = {"adam": steps("adam", {}, count), "adafix": steps("adafix", settings, count)}
        times = interleaved(functions, pairs=PAIRS, warm_up=1)
        adam, adafix = (1e3 * times[name].seconds / count for name in functions)
        cells = [f"{adam:.2f}", f"{adafix:.2f}", f"{times['adafix'].ratio:.2f}", times["adafix"].spread]
        rows.append([label, *cells])
    headers = ["L is estimated", "Adam, ms", "AdaFix, ms", "x Adam", "lowest to highest"]
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))
    machine, threads = device_name(torch.device("cpu")), torch.get_num_threads()
    print(f"\n{machine}, {threads} threads, torch {torch.__version__}, {PAIRS} pairs")


if __name__ == "__main__":
    main(sys.argv[1:])
