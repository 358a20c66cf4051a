"""Pictures made from noise: learnable, of any size, and the same on every machine."""

from pathlib import Path

import torch

from adabench.datasets.arrays import Arrays, Split, measured


def synthetic(
    *, data_dir: Path, path: str | None, classes: int, channels: int, size: int, train: int, test: int
) -> Arrays:
    """One random prototype a class, values 0 to 159, plus uniform noise, values 0 to 95.

    Args:
        data_dir: not used.
        path: not used.
        classes: number of classes; labels go round them, so that they are balanced.
        channels: channels of an image.
        size: height and width in pixels.
        train: training examples.
        test: test examples.
    """
    shape = (channels, size, size)
    prototypes = _uniform(160, (classes, *shape), seed=0)

    def split(n: int, seed: int) -> Split:
        labels = torch.arange(n) % classes
        return Split(prototypes[labels] + _uniform(96, (n, *shape), seed), labels)

    return measured(split(train, seed=1), split(test, seed=2), classes)


def _uniform(high: int, shape: tuple[int, ...], seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(high, shape, dtype=torch.uint8, generator=generator)
