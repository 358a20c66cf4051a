"""A user's own arrays in one .npz file."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from adabench.datasets.arrays import Arrays, Split, measured
from adabench.errors import DataError, one_line

Array = np.ndarray[Any, np.dtype[Any]]

BOMB_BYTES = 2**30
BOMB_RATIO = 100
"""What is larger than this many bytes and this many times its packed size is not unpacked."""


def npz(*, data_dir: Path, path: str) -> Arrays:
    """Read ``x_train``, ``y_train``, ``x_test`` and ``y_test``; no pickled object is ever opened.

    ``x`` is uint8 or float: images (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels, the
    channel being sought last first; or features (N, D), which become (N, 1, 1, D). ``y`` is integer,
    (N,) or (N, 1), from 0.

    Args:
        data_dir: not used.
        path: the file.

    Raises:
        DataError: the file or one of its arrays cannot be used; names both.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            _refuse_bombs(path, file)
            train, test = (
                Split(_inputs(path, f"x_{part}", file), _labels(path, f"y_{part}", file))
                for part in ("train", "test")
            )
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{path} cannot be read ({one_line(error)}); write it with numpy.savez(path, x_train=..., "
            "y_train=..., x_test=..., y_test=...)"
        ) from error
    return measured(train, test, classes=_classes(path, train.labels))


def _refuse_bombs(path: str, file: Any) -> None:
    """Refuse, before unpacking, what was made to fill the memory."""
    for member in file.zip.infolist():
        ratio = member.file_size // max(member.compress_size, 1)
        if member.file_size > BOMB_BYTES and ratio > BOMB_RATIO:
            raise DataError(
                f"{path}: {member.filename} unpacks to {member.file_size:,} bytes, {ratio} times what it is; "
                "if that is meant, write it with numpy.savez, which does not pack"
            )


def _inputs(path: str, name: str, file: Any) -> torch.Tensor:
    array = _array(path, name, file)
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise DataError(f"{path}: {name} is {array.dtype}; it takes uint8, or floats")
    images = _channels_first(path, name, array)
    kind = np.uint8 if array.dtype == np.uint8 else np.float32
    with np.errstate(over="ignore"):
        inputs = torch.from_numpy(np.array(images, dtype=kind, order="C"))
    if kind is np.float32 and not inputs.isfinite().all():
        raise DataError(
            f"{path}: {name} holds NaN, infinity or what float32 cannot; every value must be finite"
        )
    return inputs


def _channels_first(path: str, name: str, array: Array) -> Array:
    if array.ndim == 2:
        return array[:, None, None, :]
    if array.ndim == 3:
        return array[:, None]
    if array.ndim == 4 and array.shape[3] in (1, 3):
        return array.transpose(0, 3, 1, 2)
    if array.ndim == 4 and array.shape[1] in (1, 3):
        return array
    raise DataError(
        f"{path}: {name} has shape {array.shape}; it takes (N, D), (N, H, W), (N, H, W, C) or (N, C, H, W) "
        "with C 1 or 3"
    )


def _labels(path: str, name: str, file: Any) -> torch.Tensor:
    array = _array(path, name, file)
    if array.dtype.kind not in "iu":
        raise DataError(f"{path}: {name} is {array.dtype}; it takes integers from 0")
    if array.ndim != 1 and array.shape[1:] != (1,):
        raise DataError(f"{path}: {name} has shape {array.shape}; it takes (N,)")
    return torch.from_numpy(np.array(array, dtype=np.int64).reshape(-1))


def _array(path: str, name: str, file: Any) -> Array:
    if name not in file:
        raise DataError(f"{path}: {name} is missing; found {', '.join(file) or 'nothing'}")
    try:
        array: Array = file[name]
    except Exception as error:
        raise DataError(
            f"{path}: {name} cannot be read ({one_line(error)}); save it as plain numbers"
        ) from error
    if 0 in array.shape or array.ndim == 0:
        raise DataError(f"{path}: {name} has shape {array.shape}; it needs at least one example")
    return array


def _classes(path: str, labels: torch.Tensor) -> int:
    classes = int(labels.max()) + 1
    if classes > len(labels):
        raise DataError(
            f"{path}: y_train has a label {classes - 1} but only {len(labels)} examples; "
            "number the classes from 0"
        )
    return classes
