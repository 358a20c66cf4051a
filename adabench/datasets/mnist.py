"""MNIST and Fashion-MNIST, two data sets in one file format."""

from pathlib import Path
from typing import Any

from torchvision.datasets import MNIST, FashionMNIST

from adabench.datasets.arrays import Arrays
from adabench.datasets.published import Published, load_published

SIZES = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}
"""Bytes of each file, the same for both: a header and one byte a pixel or label."""


def mnist(*, data_dir: Path, path: str | None) -> Arrays:
    """Handwritten digits, from ``MNIST/raw`` under ``data_dir``.

    Raises:
        DataError: missing and not to be downloaded, or damaged.
    """
    return load_published(_described("mnist", MNIST, mean=0.1307, std=0.3081), data_dir)


def fashion_mnist(*, data_dir: Path, path: str | None) -> Arrays:
    """Pictures of clothing, from ``FashionMNIST/raw`` under ``data_dir``.

    Raises:
        DataError: missing and not to be downloaded, or damaged.
    """
    return load_published(_described("fashion_mnist", FashionMNIST, mean=0.2860, std=0.3530), data_dir)


def _described(name: str, reader: Any, mean: float, std: float) -> Published:
    folder = Path(reader.__name__) / "raw"
    return Published(
        name=name,
        reader=reader,
        files={folder / file: size for file, size in SIZES.items()},
        archives=[folder / f"{file}.gz" for file in SIZES],
        classes=10,
        mean=(mean,),
        std=(std,),
    )
