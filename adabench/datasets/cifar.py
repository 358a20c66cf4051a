"""CIFAR-10 and CIFAR-100, whose files torchvision checks by their md5 sums."""

from pathlib import Path
from typing import Any

from torchvision.datasets import CIFAR10, CIFAR100

from adabench.datasets.arrays import Arrays
from adabench.datasets.published import Published, load_published


def cifar10(*, data_dir: Path, path: str | None) -> Arrays:
    """Photographs in 10 classes, from ``cifar-10-batches-py`` under ``data_dir``.

    Raises:
        DataError: missing and not to be downloaded, or damaged.
    """
    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
    return load_published(_described("cifar10", CIFAR10, 10, mean, std), data_dir)


def cifar100(*, data_dir: Path, path: str | None) -> Arrays:
    """Photographs in 100 classes, from ``cifar-100-python`` under ``data_dir``.

    Raises:
        DataError: missing and not to be downloaded, or damaged.
    """
    mean, std = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
    return load_published(_described("cifar100", CIFAR100, 100, mean, std), data_dir)


def _described(
    name: str, reader: Any, classes: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> Published:
    names = [file for file, _ in reader.train_list + reader.test_list] + [reader.meta["filename"]]
    return Published(
        name=name,
        reader=reader,
        files={Path(reader.base_folder) / file: None for file in names},
        archives=[Path(reader.filename)],
        classes=classes,
        mean=mean,
        std=std,
    )
