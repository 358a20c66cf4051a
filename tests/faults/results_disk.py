"""Full, read-only and closed disks under the storing of results: a real file system with a size limit.

Needs root and ``unshare``; the file systems live in a mount namespace of their own and vanish with it.

    python tests/faults/results_disk.py [--json]
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from stored import BESIDE, FAILED, GOOD, in_a_process, make_result, unreadable, visible
from tally import Tally, finish

from adabench.errors import AdabenchError, ResultError
from adabench.results import ResultStore
from adabench.results.merging import merge

INSIDE = "--inside"
NOBODY = 65534

Act = Callable[[Path, Path], object]
Fault = Callable[[Path], None]


def write(folder: Path, _: Path) -> None:
    ResultStore(folder).write(GOOD)


def write_in_a_new_folder(folder: Path, _: Path) -> None:
    ResultStore(folder / "new").write(GOOD)


def run_again(folder: Path, _: Path) -> None:
    ResultStore(folder).write(BESIDE.model_copy(update={"reason": "again " * 1000}), replace=True)


def join(folder: Path, elsewhere: Path) -> None:
    merge([elsewhere], folder)


ACTS: dict[str, Act] = {
    "write": write,
    "write in a new folder": write_in_a_new_folder,
    "run again": run_again,
    "merge": join,
}


def full(folder: Path) -> None:
    _fill(folder / "ballast")


def nearly_full(folder: Path) -> None:
    """Room for a part of a result: the file can be made and begun, not finished."""
    _fill(folder / "ballast")
    (folder / "ballast").open("r+b").truncate((folder / "ballast").stat().st_size - 4096)


def no_names(folder: Path) -> None:
    """Room for bytes, none for another file."""
    try:
        for number in range(10_000):
            (folder / f"file-{number}").touch()
    except OSError:
        return
    raise AssertionError("the file system has no limit of files")


def read_only(folder: Path) -> None:
    _mount("remount,ro", folder)


def no_permission(folder: Path) -> None:
    for place in (folder, *folder.rglob("*")):
        place.chmod(0o555 if place.is_dir() else 0o444)
    os.seteuid(NOBODY)


FAULTS: dict[str, Fault] = {
    "full": full,
    "nearly full": nearly_full,
    "no more files": no_names,
    "read-only": read_only,
    "no permission": no_permission,
}


def cases(root: Path) -> list[Tally]:
    tallies = []
    for fault_name, fault in FAULTS.items():
        tally = Tally(fault_name, cases=len(ACTS))
        for act_name, act in ACTS.items():
            folder, elsewhere = root / "small", root / "elsewhere"
            for place in (folder, elsewhere):
                place.mkdir(exist_ok=True)
                _mount("size=64k,nr_inodes=30,mode=755", place)
            elsewhere.chmod(0o755)
            root.chmod(0o755)
            texts = _violations(folder, elsewhere, fault, act)
            tally.violations += [f"{fault_name}, {act_name}: {text}" for text in texts]
            for place in (folder, elsewhere):
                subprocess.run(["umount", place], check=True)
        tallies.append(tally)
    return tallies


def _violations(folder: Path, elsewhere: Path, fault: Fault, act: Act) -> Iterator[str]:
    store = ResultStore(folder)
    store.write(BESIDE)
    store.write(make_result(seed=0, optimizer="sgdm", status="failed", reason=FAILED.reason))
    ResultStore(elsewhere).write(GOOD)
    before = visible(folder)
    code = in_a_process(lambda: _refused(folder, elsewhere, fault, act))
    if code != 0:
        yield f"ended with {code} instead of one line with path and need"
    if visible(folder) != before or unreadable(folder):
        yield "earlier results are not as they were"
    if any(folder.rglob(".*.tmp")):
        yield "a half-written file stays"


def _refused(folder: Path, elsewhere: Path, fault: Fault, act: Act) -> int:
    """0 when the error is one line that names the path and, once writing has begun, the need."""
    fault(folder)
    try:
        act(folder, elsewhere)
    except ResultError as error:
        text = str(error)
        return 0 if str(folder) in text and "bytes)" in text and "--out" in text else 2
    except AdabenchError as error:
        return 0 if str(folder) in str(error) and "--out" in str(error) else 3
    return 4


def _fill(file: Path) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    size = 4096
    while size:
        try:
            os.write(descriptor, b"x" * size)
        except OSError:
            size //= 2
    os.close(descriptor)


def _mount(options: str, place: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)


def main() -> int:
    if INSIDE not in sys.argv:
        command = ["unshare", "--mount", "--propagation", "private", sys.executable, __file__, INSIDE]
        return subprocess.run([*command, *sys.argv[1:]], check=False).returncode
    with tempfile.TemporaryDirectory() as root:
        return finish(cases(Path(root)))


if __name__ == "__main__":
    sys.exit(main())
