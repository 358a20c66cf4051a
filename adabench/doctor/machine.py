"""The machine, from the interpreter to the data sets."""

import platform
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import adabench
from adabench.config import read_suites, suites_path
from adabench.doctor.finding import Finding
from adabench.doctor.limits import examine_disk, examine_memory
from adabench.doctor.stored_data import examine_data
from adabench.errors import AdabenchError, RequestError, one_line
from adabench.results.store import ResultStore


def examine_machine(out: Path, data_dir: Path) -> list[Finding]:
    """Look at everything that a sweep on this machine needs; nothing is left behind.

    Args:
        out: folder that results will go to.
        data_dir: folder of data sets.
    """
    return [
        *_interpreter(),
        *_packages(),
        *_tried("torch", _torch),
        *examine_memory(),
        *examine_disk({"results": out, "data": data_dir}),
        *_writing(out),
        *_suites(),
        *_tried("data", lambda: examine_data(data_dir)),
    ]


def _tried(name: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """What was found; when looking itself fails, that is the finding."""
    try:
        return list(look())
    except Exception as error:
        cure = "install torch and torchvision anew, from the same source"
        return [Finding(name=name, state="wrong", detail=one_line(error), cure=cure)]


def _torch() -> Iterator[Finding]:
    from adabench.doctor.devices import examine_torch

    yield from examine_torch()


def _interpreter() -> Iterator[Finding]:
    version = f"adabench {adabench.__version__}, Python {platform.python_version()}, {platform.platform()}"
    yield Finding(name="versions", state="ok", detail=version)


def _packages() -> Iterator[Finding]:
    """What adabench needs, and the extras that it can use, by its own metadata."""
    try:
        requirements = metadata.requires("adabench") or []
    except metadata.PackageNotFoundError:
        cure = "install it: pip install ."
        yield Finding(
            name="packages", state="note", detail="adabench runs without being installed", cure=cure
        )
        return
    groups = defaultdict[str, list[str]](list)
    for requirement in requirements:
        extra = re.search(r"""extra\s*==\s*['"]([^'"]+)""", requirement)
        package = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        groups[extra[1] if extra else ""].append(package)
    for group, packages in groups.items():
        lacking = [package for package in packages if not _installed(package)]
        yield _extra_finding(group, lacking) if group else _needed_finding(lacking)


def _needed_finding(lacking: list[str]) -> Finding:
    if not lacking:
        return Finding(name="packages", state="ok", detail="all that are needed are installed")
    names = " ".join(lacking)
    return Finding(name="packages", state="wrong", detail=f"lacking: {names}", cure=f"pip install {names}")


def _extra_finding(extra: str, lacking: list[str]) -> Finding:
    if not lacking:
        return Finding(name=f"extra {extra}", state="ok", detail="installed")
    cure = f"only where you want it: pip install 'adabench[{extra}]'"
    return Finding(name=f"extra {extra}", state="note", detail=f"lacking: {', '.join(lacking)}", cure=cure)


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _writing(out: Path) -> Iterator[Finding]:
    try:
        ResultStore(out).check_writable()
    except RequestError as error:
        cure = "take ownership of it, or name another folder with --out"
        yield Finding(name="writing", state="wrong", detail=str(error), cure=cure)
        return
    yield Finding(name="writing", state="ok", detail=f"results can be written to {out}")


def _suites() -> Iterator[Finding]:
    try:
        count = len(read_suites().content.suites)
    except AdabenchError as error:
        yield Finding(
            name="suites", state="wrong", detail=str(error), cure="mend it, or name another with --suites"
        )
        return
    yield Finding(name="suites", state="ok", detail=f"{count} in {suites_path(None)}")
