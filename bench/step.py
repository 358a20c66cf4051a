"""A training step of the engine against how it is usually written, and against the barest loop.

    python bench/step.py [--short]

- MNIST-like: an MLP of 2,048 hidden units as in pytorch/examples: pictures one by one through
  torchvision's transforms, a DataLoader, Adam as it comes. And the barest loop: all data as
  normalised floats in memory, indexed by a permutation, with torch's fused Adam.
- CIFAR-like: VGG11 with crop and flip as in the widely copied CIFAR-10 trainers: torchvision's
  pipeline, a DataLoader, SGD with momentum. In fp32, and in bf16 where the CPU has it.

Both styles are written here, in their manner. Random pictures; every loop runs on the same number of
threads. Each figure is the median over rounds of neighbouring runs, with the lowest and the highest.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from tabulate import tabulate
from timing import Timing, interleaved
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms.functional import to_pil_image

from adabench.config import Settings, problem_spec
from adabench.engine.building import build
from adabench.engine.choices import settle
from adabench.engine.clock import Clock
from adabench.engine.device import computes_bfloat16, configured, device_name
from adabench.optimizers import optimizer_spec
from adabench.problems.supervised import build_model, load_data
from adabench.spec import Job, Precision

CPU = torch.device("cpu")
NOWHERE = Path()


def engine(model: str, data: str, optimizer: str, precision: Precision = "fp32") -> Callable[[], object]:
    """One step of the engine, step after step of an epoch."""
    job = Job(
        optimizer=optimizer_spec(optimizer, {"schedule": "constant"}),
        problem=problem_spec(model, data, Settings()),
        seed=0,
        epochs=1,
        precision=precision,
    )
    (job,) = settle([job], device=CPU, executor="auto", stacking="off")
    machinery = build([job], device=CPU, data_dir=NOWHERE, clock=Clock(CPU))
    machinery.problem.start_epoch(0)
    steps = _forever(machinery.problem.steps_per_epoch - 1)  # full minibatches only
    return lambda: machinery.step(0, next(steps))


class Pictures(Dataset[Any]):
    """Pictures and labels one by one, as torchvision's data sets give them."""

    def __init__(self, data: str, transform: Callable[[Any], Any]) -> None:
        train = load_data(
            problem_spec("mlp", data.partition(",augment")[0], Settings()), NOWHERE
        ).arrays.train
        self._pictures = [to_pil_image(picture) for picture in train.inputs]
        self._labels, self._transform = train.labels.tolist(), transform

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, i: int) -> Any:
        return self._transform(self._pictures[i]), self._labels[i]


def usual(
    model: str, data: str, make: Callable[[Any], torch.optim.Optimizer], *changes: Any
) -> Callable[[], object]:
    """One step as tutorials write it."""
    channels = 1 if "channels=1" in data else 3
    normalise = transforms.Normalize((0.5,) * channels, (0.5,) * channels)
    pictures = Pictures(data, transforms.Compose([*changes, transforms.ToTensor(), normalise]))
    loader = DataLoader(pictures, batch_size=128, shuffle=True, drop_last=True)
    batches = _batches(loader)
    network = _network(model, data)
    optimizer = make(network.parameters())

    def step() -> None:
        inputs, labels = next(batches)
        optimizer.zero_grad()
        loss = cross_entropy(network(inputs), labels)
        loss.backward()
        optimizer.step()

    return step


def barest(model: str, data: str) -> Callable[[], object]:
    """The least that trains: floats in memory, indexed, and torch's fused Adam."""
    train = load_data(problem_spec(model, data, Settings()), NOWHERE).arrays.train
    inputs, labels = train.inputs.float().div_(255), train.labels
    network = _network(model, data)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    order, steps = torch.randperm(len(labels)), _forever(len(labels) // 128)

    def step() -> None:
        start = next(steps) * 128
        rows = order[start : start + 128]
        optimizer.zero_grad()
        loss = cross_entropy(network(inputs[rows]), labels[rows])
        loss.backward()
        optimizer.step()

    return step


def _network(model: str, data: str) -> torch.nn.Module:
    spec = problem_spec(model, data, Settings())
    return build_model(spec, load_data(spec, NOWHERE).arrays, seed=0)


def _forever(steps: int) -> Iterator[int]:
    while True:
        yield from range(steps)


def _batches(loader: DataLoader[Any]) -> Iterator[Any]:
    while True:
        yield from loader


def _row(name: str, timing: Timing) -> list[str]:
    return [name, f"{1000 * timing.seconds:.1f}", f"{timing.ratio:.2f}", timing.spread]


def main() -> None:
    """Measure all cases and print a table for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="the MLP alone, and fewer rounds")
    short = parser.parse_args().short
    grey = "synthetic:size=28,channels=1,train=6000,test=10"
    colour = "synthetic:size=32,channels=3,train=1000,test=10"
    flip = (transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip())
    adam = torch.optim.Adam
    tables = {
        "an MLP of 2,048 hidden units, 28x28 grey": {
            "engine": engine("mlp", grey, "adam"),
            "as in pytorch/examples": usual("mlp", grey, adam),
            "barest loop, fused Adam": barest("mlp", grey),
        }
    }
    if not short:
        tables["VGG11, 32x32 colour, crop and flip"] = {
            "engine, fp32": engine("vgg11", f"{colour},augment=crop_flip", "sgdm"),
            "as CIFAR trainers are": usual("vgg11", colour, lambda p: torch.optim.SGD(p, 0.1, 0.9), *flip),
            **(
                {"engine, bf16": engine("vgg11", f"{colour},augment=crop_flip", "sgdm", "bf16")}
                if computes_bfloat16(CPU)
                else {}
            ),
        }
    threads = torch.get_num_threads()
    for title, functions in tables.items():
        with configured(threads=threads, precision="fp32"):
            timings = interleaved(functions, pairs=7 if short else 9, calls=10 if "MLP" in title else 1)
        rows = [_row(name, timing) for name, timing in timings.items()]
        print(f"\n{title}\n")
        headers = ["loop", "ms a step", "x engine's time", "lowest to highest"]
        print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))
    print(f"\n{device_name(CPU)}, {threads} threads, torch {torch.__version__}")


if __name__ == "__main__":
    main()
