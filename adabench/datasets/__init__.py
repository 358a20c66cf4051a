"""The catalogue of data sets and augmentations: read by the command line, the problems and the tests.

Importing this room does not import torch. Data sets that live at a path of the user's are named
``folder:PATH`` and ``npz:PATH``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adabench.catalogue import Option, find
from adabench.errors import BadValueError

__all__ = ["AUGMENTATIONS", "DATASETS", "DatasetRow", "dataset_label", "find_dataset"]


@dataclass(frozen=True, kw_only=True)
class DatasetRow:
    """What the project knows of a data set before loading it.

    Args:
        load: its loader, as ``"package.module:function"``.
        summary: one line for people.
        source: who published it, and where.
        model: the model trained on it unless asked otherwise, with its settings where they are others.
        options: settings of the loader with their defaults and ranges.
        input_shape: channels, height and width of one input, or the number of its tokens; None where
            only loading tells.
        classes: number of classes; None where only loading tells.
        train_examples: size of the training set; None where only loading tells.
        test_examples: size of the test set; None where only loading tells.
        takes_path: named with a path, as ``name:PATH``.
    """

    load: str
    summary: str
    source: str
    model: str
    options: Mapping[str, Option] = field(default_factory=dict)
    input_shape: tuple[int, ...] | None = None
    classes: int | None = None
    train_examples: int | None = None
    test_examples: int | None = None
    takes_path: bool = False


DATASETS: dict[str, DatasetRow] = {
    "digits": DatasetRow(
        load="adabench.datasets.digits:digits",
        summary="handwritten digits of 8x8 pixels, shipped with scikit-learn: no download",
        source="Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits",
        model="mlp",
        input_shape=(1, 8, 8),
        classes=10,
        train_examples=1437,
        test_examples=360,
    ),
    "mnist": DatasetRow(
        load="adabench.datasets.mnist:mnist",
        summary="handwritten digits of 28x28 pixels",
        source="LeCun, Bottou, Bengio and Haffner 1998",
        model="mlp",
        input_shape=(1, 28, 28),
        classes=10,
        train_examples=60_000,
        test_examples=10_000,
    ),
    "fashion_mnist": DatasetRow(
        load="adabench.datasets.mnist:fashion_mnist",
        summary="grey pictures of clothing of 28x28 pixels",
        source="Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747",
        model="mlp",
        input_shape=(1, 28, 28),
        classes=10,
        train_examples=60_000,
        test_examples=10_000,
    ),
    "cifar10": DatasetRow(
        load="adabench.datasets.cifar:cifar10",
        summary="colour photographs of 32x32 pixels in 10 classes",
        source="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
        model="resnet34",
        input_shape=(3, 32, 32),
        classes=10,
        train_examples=50_000,
        test_examples=10_000,
    ),
    "cifar100": DatasetRow(
        load="adabench.datasets.cifar:cifar100",
        summary="colour photographs of 32x32 pixels in 100 classes",
        source="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
        model="resnet34",
        input_shape=(3, 32, 32),
        classes=100,
        train_examples=50_000,
        test_examples=10_000,
    ),
    "breast_cancer": DatasetRow(
        load="adabench.datasets.tabular:breast_cancer",
        summary="30 measurements of cell nuclei in 2 classes, shipped with scikit-learn: no download",
        source="Wolberg, Street and Mangasarian 1995, UCI Breast Cancer Wisconsin (Diagnostic)",
        model="mlp:hidden=128/128",
        input_shape=(30, 1, 1),
        classes=2,
        train_examples=455,
        test_examples=114,
    ),
    "wine": DatasetRow(
        load="adabench.datasets.tabular:wine",
        summary="13 chemical measurements of wines in 3 classes, shipped with scikit-learn: no download",
        source="Aeberhard and Forina 1991, UCI Wine",
        model="mlp:hidden=128/128",
        input_shape=(13, 1, 1),
        classes=3,
        train_examples=142,
        test_examples=36,
    ),
    "python_text": DatasetRow(
        load="adabench.datasets.python_text:python_text",
        summary="the Python language reference, characters to predict, shipped with Python: no download",
        source="pydoc_data.topics of the standard library; another text in every version of Python",
        model="char_transformer",
        options={
            "length": Option(64, "characters in a window", low=1),
            "train": Option(1280, "windows to train on, from the beginning of the text", low=1),
            "test": Option(256, "windows to test on, from its end", low=1),
        },
    ),
    "folder": DatasetRow(
        load="adabench.datasets.folder:folder",
        summary="your images of one size, as train/CLASS/* and test/CLASS/* under folder:PATH",
        source="yours",
        model="resnet34",
        takes_path=True,
    ),
    "npz": DatasetRow(
        load="adabench.datasets.npz:npz",
        summary="your arrays x_train, y_train, x_test and y_test in the file npz:PATH",
        source="yours",
        model="mlp",
        takes_path=True,
    ),
    "synthetic": DatasetRow(
        load="adabench.datasets.synthetic:synthetic",
        summary="one random picture a class plus noise, of any size: for tests and timing",
        source="generated here from a fixed seed",
        model="mlp",
        options={
            "classes": Option(10, "number of classes", low=2),
            "channels": Option(3, "channels of an image", low=1),
            "size": Option(32, "height and width in pixels", low=1),
            "train": Option(2000, "training examples", low=1),
            "test": Option(500, "test examples", low=1),
        },
    ),
}

AUGMENTATIONS: dict[str, str] = {
    "none": "images as they are",
    "crop_flip": "a random crop out of four pixels of zero padding, and a horizontal flip every other time",
}


def find_dataset(name: str) -> tuple[DatasetRow, str | None]:
    """The row that ``name`` stands for, and the path in it.

    Args:
        name: a catalogue name, or ``folder:PATH`` or ``npz:PATH``.

    Raises:
        UnknownNameError: no row has this name.
        BadValueError: a path is missing, or given to a data set that takes none.
    """
    scheme, _, path = name.partition(":")
    row = find("data set", DATASETS, scheme)
    if row.takes_path and not path:
        raise BadValueError(f"data set {name!r} needs a path: write {scheme}:PATH")
    if path and not row.takes_path:
        raise BadValueError(f"data set {name!r}: {scheme} takes no path; write {scheme}")
    return row, path or None


def dataset_label(name: str) -> str:
    """What people call a data set: its plain name, or the last part of its path, fit for a file name."""
    _, path = find_dataset(name)
    last = Path(path).name.removesuffix(".npz") if path else name
    scheme = name.partition(":")[0]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip(".-") or scheme
