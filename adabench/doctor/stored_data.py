"""Published data sets: which are here, and whole."""

from collections.abc import Iterator
from pathlib import Path

from adabench.doctor.finding import Finding

Files = dict[str, int | None]
"""Files relative to the data folder, with their sizes in bytes; None where only reading would tell."""


def examine_data(data_dir: Path) -> Iterator[Finding]:
    """Every published data set: here, damaged, or to be downloaded."""
    for name, files in _published().items():
        yield _examined(name, files, data_dir.expanduser())


def _published() -> dict[str, Files]:
    from torchvision.datasets import CIFAR10, CIFAR100

    from adabench.datasets.mnist import SIZES

    grey: dict[str, Files] = {
        name: {f"{folder}/raw/{file}": size for file, size in SIZES.items()}
        for name, folder in (("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST"))
    }
    colour: dict[str, Files] = {
        name: {f"{kind.base_folder}/{file}": None for file, _ in kind.train_list + kind.test_list}
        for name, kind in (("cifar10", CIFAR10), ("cifar100", CIFAR100))
    }
    return grey | colour


def _examined(name: str, files: Files, data_dir: Path) -> Finding:
    here = [file for file in files if (data_dir / file).exists()]
    for file in here:
        size, found = files[file], (data_dir / file).stat().st_size
        if size not in (None, found):
            detail = f"{data_dir / file} is damaged: {found:,} bytes instead of {size:,}"
            return Finding(name=name, state="wrong", detail=detail, cure="delete it to download it anew")
    if len(here) == len(files):
        return Finding(name=name, state="ok", detail=f"in {data_dir}")
    detail = f"{len(here)} of {len(files)} files in {data_dir}" if here else f"not in {data_dir}"
    return Finding(name=name, state="note", detail=detail, cure="it is downloaded when first used")
