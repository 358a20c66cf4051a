"""A user's own images, in one folder a class, decoded once and then read from a cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from adabench.datasets.arrays import Arrays, Split, measured
from adabench.datasets.decoding import Images, decode
from adabench.datasets.imagecache import recall, remember
from adabench.errors import DataError

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
LAYOUT = "it takes train/CLASS/* and test/CLASS/*"


@dataclass(frozen=True)
class Listing:
    """The images of one split.

    Args:
        files: paths, sorted by class and name.
        labels: of each file, its class's place in the alphabet.
    """

    files: list[Path]
    labels: list[int]


def folder(*, data_dir: Path, path: str) -> Arrays:
    """Images under ``train/CLASS`` and ``test/CLASS``, as uint8; grey when all of them are, else RGB.

    Classes are numbered by the alphabet of their folders' names in ``train``. What is not an image
    by its extension, or is hidden, is passed over.

    Args:
        data_dir: not used.
        path: the folder that holds ``train`` and ``test``.

    Raises:
        DataError: the layout is not this one, or an image cannot be read or has another size.
    """
    root = Path(path)
    try:
        classes = [place.name for place in _class_folders(root, "train")]
        listings = [_listing(root, part, classes) for part in ("train", "test")]
    except OSError as error:
        raise DataError(f"cannot read {error.filename}: {error.strerror}; let yourself read it") from error
    images = _images(root, [listing.files for listing in listings])
    train, test = (
        Split(torch.from_numpy(pixels), torch.tensor(listing.labels))
        for pixels, listing in zip(images, listings, strict=True)
    )
    return measured(train, test, len(classes))


def _images(root: Path, splits: list[list[Path]]) -> Images:
    cached = recall(root, splits)
    if cached is None:
        cached = decode(splits)
        remember(root, splits, cached)
    return cached


def _listing(root: Path, part: str, classes: list[str]) -> Listing:
    files: list[Path] = []
    labels: list[int] = []
    for place in _class_folders(root, part):
        if place.name not in classes:
            raise DataError(
                f"{place}: no class {place.name!r} in {root / 'train'}; every test class needs one"
            )
        found = sorted(_image_files(place))
        if not found:
            raise DataError(f"{place} holds no images; it needs at least one ({', '.join(EXTENSIONS)})")
        files += found
        labels += [classes.index(place.name)] * len(found)
    return Listing(files, labels)


def _class_folders(root: Path, part: str) -> list[Path]:
    place = root / part
    if not place.is_dir():
        raise DataError(f"{place} is missing; {LAYOUT}")
    folders = sorted(child for child in place.iterdir() if child.is_dir() and not child.name.startswith("."))
    if not folders:
        raise DataError(f"{place} holds no folders of classes; {LAYOUT}")
    return folders


def _image_files(place: Path) -> Iterator[Path]:
    for file in place.iterdir():
        if file.suffix.lower() in EXTENSIONS and not file.name.startswith("."):
            yield file
