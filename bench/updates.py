"""What one update costs, gradients apart: every optimizer of the catalogue against torch's fused Adam.

    python bench/updates.py [--short] [NAME ...]

Each is timed by turns with torch's fused Adam, over parameters of its own, on the shapes of an MLP (few
large tensors) and of a small ResNet (many, most of them small); where it has a fused kind, both kinds.
AdaFix is given its second gradient and estimates L on every step, unless the row says ``sparse``: there
it does not in what is timed. AdaBound's authors' own code, pytorch_optimizer's AdaBound and heavyball's
AdamW join where they are installed. L-BFGS is left out: a step of it is many evaluations. Kernels are
compiled before the clock starts.

``--short`` times the MLP alone, and names limit the sweep to those of the catalogue.
"""

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from tabulate import tabulate
from timing import interleaved
from torch import Tensor, nn
from torch.optim import Adam

from adabench.catalogue import Value, load
from adabench.engine.device import device_name
from adabench.optimizers import OPTIMIZERS, implementation_of, optimizer_spec
from adabench.optimizers.building import build_optimizer
from adabench.spec import Implementation

PAIRS = 9
Shapes = list[tuple[int, ...]]
Make = Callable[[list[nn.Parameter]], Any]

OTHERS: dict[str, dict[str, Any]] = {
    "adabound:AdaBound": {},
    "pytorch_optimizer:AdaBound": {},
    "heavyball:AdamW": {},
}
KINDS: tuple[Implementation, ...] = ("fused", "foreach")


def mlp() -> Shapes:
    """784-2048-10: 1.6 million numbers in 4 tensors."""
    return [(2048, 784), (2048,), (10, 2048), (10,)]


def resnet() -> Shapes:
    """A residual network for small images: 2.8 million numbers in 62 tensors."""
    shapes: Shapes = [(64, 3, 3, 3), (64,), (64,)]
    before = 64
    for width in (64, 128, 256):
        for _ in range(3):
            for inputs in (before, width):
                shapes += [(width, inputs, 3, 3), (width,), (width,)]
            before = width
    return [*shapes, (10, 256), (10,)]


@dataclass(frozen=True)
class Entry:
    """A row of the table: an optimizer, how it is updated, and how to make it."""

    name: str
    kind: str
    make: Make


def catalogue(names: Sequence[str]) -> Iterator[Entry]:
    """Every row but L-BFGS, in each of its kinds; AdaFix also where no L is due."""
    for name in names or [name for name in OPTIMIZERS if name != "lbfgs"]:
        settings: list[tuple[str, dict[str, Value]]] = [("", {})]
        if "lipschitz_every" in OPTIMIZERS[name].options:
            settings.append((", sparse", {"lipschitz_every": 10**9}))
        for label, given in settings:
            spec = optimizer_spec(name, given)
            for kind in KINDS:
                if implementation_of(spec, kind) == kind:
                    yield Entry(name + label, kind, partial(build_optimizer, spec, implementation=kind))


def elsewhere() -> Iterator[Entry]:
    """What other packages offer, where they are installed."""
    for target, settings in OTHERS.items():
        if find_spec(target.partition(":")[0]):
            yield Entry(target, "as it comes", partial(load(target), **settings))


def update(make: Make, shapes: Shapes) -> Callable[[], object]:
    """One update of a fresh optimizer: its step with a closure that only hands out gradients."""
    draw = torch.Generator().manual_seed(0)
    params = [nn.Parameter(torch.randn(shape, generator=draw)) for shape in shapes]
    first, second = ([torch.randn(shape, generator=draw) for shape in shapes] for _ in range(2))
    optimizer, turn = make(params), [0]

    def closure() -> Tensor:
        turn[0] += 1
        for p, g in zip(params, first if turn[0] % 2 else second, strict=True):
            p.grad = g
        return torch.zeros(())

    return lambda: optimizer.step(closure)


def table(shapes: Shapes, entries: Sequence[Entry]) -> str:
    """One line for each entry, timed by turns with torch's fused Adam."""
    rows = []
    for entry in entries:
        baseline = update(lambda params: Adam(params, fused=True), shapes)
        times = interleaved({"adam": baseline, "it": update(entry.make, shapes)}, pairs=PAIRS, calls=3)
        it = times["it"]
        rows.append([entry.name, entry.kind, f"{1e3 * it.seconds:.2f}", f"{it.ratio:.2f}", it.spread])
        print(f"{entry.name}, {entry.kind}: {it.ratio:.2f}", file=sys.stderr, flush=True)
    headers = ["optimizer", "update", "ms", "x fused Adam", "lowest to highest"]
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def main(arguments: Sequence[str]) -> None:
    """Time every case and print its table."""
    names = [argument for argument in arguments if argument != "--short"]
    cases = {"MLP 784-2048-10": mlp()}
    if "--short" not in arguments:
        cases["ResNet"] = resnet()
    entries = [*catalogue(names), *elsewhere()]
    warnings.simplefilter("ignore")
    for name, shapes in cases.items():
        numbers = sum(torch.Size(shape).numel() for shape in shapes)
        print(f"{name}: {numbers / 1e6:.2f} million numbers in {len(shapes)} tensors\n")
        print(table(shapes, entries) + "\n")
    machine, threads = device_name(torch.device("cpu")), torch.get_num_threads()
    print(f"{machine}, {threads} threads, torch {torch.__version__}, {PAIRS} pairs of 3 calls")


if __name__ == "__main__":
    main(sys.argv[1:])
