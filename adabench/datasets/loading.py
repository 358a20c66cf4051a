"""From a data set's name to its arrays in memory, loaded once a process."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from adabench.catalogue import Value, load, resolve
from adabench.datasets import DATASETS, find_dataset
from adabench.datasets.arrays import Arrays, Split
from adabench.errors import DataError


def load_dataset(name: str, *, data_dir: Path, options: Mapping[str, Value]) -> Arrays:
    """The data set called ``name``, checked; the same request is answered from memory.

    Args:
        name: a catalogue name, or ``folder:PATH`` or ``npz:PATH``.
        data_dir: where published data sets lie, and where they are downloaded to.
        options: settings of the loader; those left out take the catalogue's defaults.

    Raises:
        RequestError: an unknown name or setting, a missing path or a value outside its range.
        DataError: the data are missing, unreadable or malformed.
    """
    row, path = find_dataset(name)
    settings = resolve(name, row.options, options)
    data_dir = data_dir.expanduser().absolute()
    place = None if path is None else str(_locate(name, path, data_dir))
    return _load(name, data_dir, place, tuple(settings.items()))


@lru_cache(maxsize=4)
def _load(name: str, data_dir: Path, path: str | None, settings: tuple[tuple[str, Value], ...]) -> Arrays:
    row, _ = find_dataset(name)
    arrays: Arrays = load(row.load)(data_dir=data_dir, path=path, **dict(settings))
    _check(name, arrays)
    return arrays


def _locate(name: str, path: str, data_dir: Path) -> Path:
    """An absolute path, or one relative to the working folder or else to ``data_dir``."""
    given = Path(path).expanduser()
    for place in (given.absolute(), data_dir / given):
        if place.exists():
            return place
    looked = given.parent if given.is_absolute() else f"{Path.cwd()} and {data_dir}"
    builtin = ", ".join(known for known, row in DATASETS.items() if not row.takes_path)
    raise DataError(
        f"{name}: nothing is there (looked in {looked}); correct the path, or use one of {builtin}"
    )


def _check(name: str, arrays: Arrays) -> None:
    """Refuse what would fail, or mislead, only once training runs."""
    for word, split in (("training", arrays.train), ("test", arrays.test)):
        _check_split(f"{name}: the {word} set", split, arrays.classes)
    one, other = (tuple(split.inputs.shape[1:]) for split in (arrays.train, arrays.test))
    if one != other:
        raise DataError(f"{name}: an input is {one} in the training set but {other} in the test set")


def _check_split(owner: str, split: Split, classes: int) -> None:
    examples, labels = len(split.inputs), len(split.labels)
    if examples != labels:
        raise DataError(f"{owner} has {examples} inputs but {labels} labels")
    if not examples:
        raise DataError(f"{owner} is empty; it needs at least one example")
    if split.inputs.is_floating_point() and not split.inputs.isfinite().all():
        raise DataError(f"{owner} holds NaN or infinity; every input must be finite")
    low, high = int(split.labels.min()), int(split.labels.max())
    if low < 0 or high >= classes:
        raise DataError(
            f"{owner} has labels from {low} to {high}; with {classes} classes they are 0 to {classes - 1}"
        )
