"""Decoded images kept in the user's cache folder, under a hash of the files they came from.

The hash covers each file's relative path, size and time of change. A cache that cannot be read or
written costs time and nothing else.
"""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from adabench.datasets.decoding import Images, Pixels

VERSION = 1
"""Of the cached form; raise it when decoding changes."""


def recall(root: Path, splits: list[list[Path]]) -> Images | None:
    """The images decoded earlier from exactly these files, or None."""
    with suppress(Exception), np.load(_place(root, splits), allow_pickle=False) as file:
        images = file["train"], file["test"]
        if all(map(_fits, images, splits)):
            return images
    return None


def remember(root: Path, splits: list[list[Path]], images: Images) -> None:
    """Keep ``images`` for `recall`; the file appears whole or not at all."""
    place = _place(root, splits)
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, train=images[0], test=images[1])
            Path(name).replace(place)
        finally:
            Path(name).unlink(missing_ok=True)


def _fits(pixels: Pixels, files: list[Path]) -> bool:
    return pixels.dtype == np.uint8 and pixels.ndim == 4 and len(pixels) == len(files)


def _place(root: Path, splits: list[list[Path]]) -> Path:
    digest = hashlib.sha256(f"version {VERSION}".encode())
    for files in splits:
        for file in files:
            status = file.stat()
            digest.update(f"\0{file.relative_to(root)}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    return user_cache_path("adabench") / "folder" / f"{digest.hexdigest()[:32]}.npz"
