"""Small tables of measurements that ship with scikit-learn: real, offline, and quick on a CPU.

A feature is a channel of one pixel, so that each is normalized by its own mean and deviation.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from adabench.datasets.arrays import Arrays, Split, measured


def breast_cancer(*, data_dir: Path, path: str | None) -> Arrays:
    """Thirty measurements of cell nuclei, benign or malignant; 455 to train on and 114 to test on."""
    from sklearn.datasets import load_breast_cancer

    return _divided(load_breast_cancer, test_size=114)


def wine(*, data_dir: Path, path: str | None) -> Arrays:
    """Thirteen chemical measurements of three growers' wines; 142 to train on and 36 to test on."""
    from sklearn.datasets import load_wine

    return _divided(load_wine, test_size=36)


def _divided(read: Callable[..., Any], test_size: int) -> Arrays:
    """A table's fixed division, stratified by class: ``train_test_split`` with ``random_state=0``."""
    from sklearn.model_selection import train_test_split

    table, labels = read(return_X_y=True)
    parts = train_test_split(table, labels, test_size=test_size, stratify=labels, random_state=0)
    x_train, x_test, y_train, y_test = map(torch.from_numpy, parts)
    pairs = ((x_train, y_train), (x_test, y_test))
    train, test = (Split(x.float()[:, :, None, None], y.long()) for x, y in pairs)
    return measured(train, test, classes=int(y_train.max()) + 1)
