"""Image files to arrays of uint8: all of one size, several at a time."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from adabench.errors import DataError, one_line

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Images = tuple[Pixels, Pixels]
"""Training and test images, each (N, C, H, W) uint8 with C 1 or 3."""

GREY = frozenset({"1", "L", "LA", "La"})
COLOUR = frozenset({"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"})
"""Pillow's modes of eight bits or fewer; deeper ones would be cut off at 255."""

MOST_PIXELS = 4096 * 4096
"""Largest image that is decoded; what claims more is taken for a decompression bomb."""

TASK = 256
"""Files that a thread decodes in one go; small images cost less to decode than to hand over."""


def decode(splits: list[list[Path]]) -> Images:
    """Decode the training and the test files.

    Args:
        splits: files of each.

    Returns:
        Images of one channel when all files are grey, else RGB.

    Raises:
        DataError: a file cannot be decoded, or its size differs from the first one's; names it.
    """
    first = splits[0][0]
    width, height = _size(first)
    files = [file for split in splits for file in split]
    pixels = np.empty((len(files), height, width, 3), np.uint8)

    def count_grey(start: int) -> int:
        part = slice(start, start + TASK)
        pairs = zip(files[part], pixels[part], strict=True)
        return sum(_decode_into(*pair, first, (width, height)) for pair in pairs)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        grey = sum(pool.map(count_grey, range(0, len(files), TASK))) == len(files)
    images = pixels.transpose(0, 3, 1, 2)[:, : 1 if grey else 3]
    train, test = np.split(images, [len(splits[0])])
    return np.ascontiguousarray(train), np.ascontiguousarray(test)


def _decode_into(file: Path, target: Pixels, first: Path, size: tuple[int, int]) -> bool:
    """Write an image's RGB values to ``target``, (H, W, 3); True when it is grey."""
    try:
        with _open(file) as image:
            _check(image, file, first, size)
            target[:] = np.asarray(image.convert("RGB"))
            return image.mode in GREY
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{file} cannot be read as an image ({one_line(error)}); replace or remove it"
        ) from error


def _check(image: Image.Image, file: Path, first: Path, size: tuple[int, int]) -> None:
    """Refuse, before decoding, what would not fit."""
    if image.size != size:
        raise DataError(
            f"{file} is {_spell(image.size)} pixels, but {first} is {_spell(size)}; "
            "bring all images to one size first"
        )
    if image.mode not in GREY | COLOUR:
        raise DataError(f"{file} has Pillow's mode {image.mode}; convert it to 8 bits a channel first")


def _open(file: Path) -> Image.Image:
    """Open an image, unless opening would wait for somebody to write into a pipe."""
    if not file.is_file():
        raise DataError(f"{file} is no file; remove it")
    return Image.open(file)


def _size(file: Path) -> tuple[int, int]:
    """Width and height by the file's header."""
    try:
        with _open(file) as image:
            size = image.size
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{file} cannot be read as an image ({one_line(error)}); replace or remove it"
        ) from error
    if size[0] * size[1] > MOST_PIXELS:
        raise DataError(f"{file} claims {_spell(size)} pixels; at most {_spell((4096, 4096))} are decoded")
    return size


def _spell(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
