"""Data sets that torchvision knows how to read and download, in its own files and layout.

A download is staged beside its destination and moved file by file, so that an interrupted one, or
two at once, leave nothing half-written behind.
"""

import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from adabench.datasets.arrays import Arrays, Split
from adabench.errors import DataError, one_line

CONNECTION_TIMEOUT_SECONDS = 15.0
"""Longest silence of a server before a download is given up."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """A data set of torchvision's.

    Args:
        name: as the catalogue spells it.
        reader: torchvision's class.
        files: what the reader needs, relative to the data folder, with each file's size in bytes;
            None where the reader checks the file itself.
        archives: what a download leaves, relative to the data folder; used instead of the network
            when there.
        classes: number of classes.
        mean: each channel's mean over the training set, as a fraction of 255.
        std: each channel's standard deviation, likewise.
    """

    name: str
    reader: Any
    files: dict[Path, int | None]
    archives: Sequence[Path]
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


def load_published(data: Published, root: Path) -> Arrays:
    """Read a data set from ``root``, after downloading it there when it is missing.

    Args:
        data: what to read.
        root: folder that holds torchvision's files.

    Raises:
        DataError: it is missing and cannot be downloaded, or its files are damaged.
    """
    if not all((root / file).exists() for file in data.files):
        _download(data, root)
    train, test = (_read(data, root, train) for train in (True, False))
    mean, std = (255 * torch.tensor(values) for values in (data.mean, data.std))
    return Arrays(train, test, data.classes, mean, std)


def _read(data: Published, root: Path, train: bool) -> Split:
    for file, size in data.files.items():
        found = (root / file).stat().st_size
        if size not in (None, found):
            raise DataError(f"{root / file} is damaged: {found} bytes instead of {size}; {_cure(data)}")
    try:
        source = data.reader(root, train=train, download=False)
        inputs = torch.as_tensor(source.data)
        # Grey images come without a channel, colour ones with it last.
        inputs = inputs.unsqueeze(1) if inputs.ndim == 3 else inputs.permute(0, 3, 1, 2)
        return Split(inputs.contiguous(), torch.as_tensor(source.targets))
    except Exception as error:
        folder = root / next(iter(data.files)).parent
        raise DataError(f"{data.name} in {folder} is damaged ({one_line(error)}); {_cure(data)}") from error


def _cure(data: Published) -> str:
    return f"delete it to download {data.name} anew, or name another folder with --data-dir"


def _download(data: Published, root: Path) -> None:
    sys.stderr.write(f"downloading {data.name} to {root}\n")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=root, prefix=".incoming-") as folder, _impatience():
            stage = Path(folder)
            _copy(data.archives, root, stage)
            data.reader(stage, train=True, download=True)
            for file in [path for path in stage.rglob("*") if path.is_file()]:
                target = root / file.relative_to(stage)
                target.parent.mkdir(parents=True, exist_ok=True)
                file.replace(target)
    except Exception as error:
        raise DataError(
            f"{data.name} is not in {root} and could not be downloaded ({one_line(error)}); "
            "put torchvision's files there, name another folder with --data-dir, "
            "or another data set with --dataset"
        ) from error


def _copy(archives: Sequence[Path], root: Path, stage: Path) -> None:
    for archive in archives:
        if (root / archive).exists():
            (stage / archive).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / archive, stage / archive)


@contextmanager
def _impatience() -> Iterator[None]:
    """Give up on a silent server; torchvision itself would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(CONNECTION_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
