"""Check every optimizer class of torch.optim and of pytorch_optimizer; write docs/zoo.md.

    pip install -e . pytorch_optimizer
    python bench/zoo.py [NAME ...]      names, if any, limit the sweep to those classes and print it

Each class is checked in a process of its own, so that one that hangs or crashes ends as a row.
"""

import inspect
import multiprocessing
import platform
import sys
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path

import pytorch_optimizer
import torch
from tabulate import tabulate
from torch.optim import Optimizer

from adabench.catalogue import Value, load
from adabench.check.conformance import check
from adabench.check.finding import Finding
from adabench.engine.device import device_name
from adabench.errors import RequestError
from adabench.optimizers.importing import import_object

WORKERS = 2
LIMIT_SECONDS = 180
PACKAGES = {"torch.optim": torch.optim, "pytorch_optimizer": pytorch_optimizer}

SETTINGS: dict[str, dict[str, Value]] = {
    "pytorch_optimizer:BSAM": {"num_data": 64},
    "pytorch_optimizer:Ranger21": {"num_iterations": 1000},
}
"""What has no default and is not another optimizer: the size of the data, the length of the run."""

BY_FIRST_ARGUMENT = {
    "model": "is built from a model, not from parameters",
    "optimizer": "wraps another optimizer, which a factory must build",
}
BY_ERROR = {
    "no default for base_optimizer": "wraps another optimizer, whose class a factory must give it",
    "Tensor.__contains__": "takes parameter groups that say use_muon, not plain parameters",
    "same number of elements as scalar list": "reads gradients before its first call of the closure",
    "mat1 and mat2 shapes": "takes pairs of low-rank factors, not parameters of any shape",
}
"""Why a class is not checked, by a part of what it raises."""


@dataclass(frozen=True)
class Entry:
    """A class and what its check found, or why there was nothing to check."""

    name: str
    findings: tuple[Finding, ...] = ()
    trouble: str = ""

    @property
    def failures(self) -> list[Finding]:
        """The checks that failed."""
        return [finding for finding in self.findings if finding.verdict == "fail"]

    @property
    def verdict(self) -> str:
        """``pass``, ``fail`` or ``not checked``."""
        return "not checked" if self.trouble else "fail" if self.failures else "pass"

    @property
    def reason(self) -> str:
        """Why it is not a pass, in a line."""
        return self.trouble or "; ".join(f"{f.name}: {f.detail}" for f in self.failures)

    def value(self, name: str) -> str:
        """A measured number as text; a dash where there is none."""
        values = [f.value for f in self.findings if f.name == name and f.value is not None]
        return f"{values[0]:.3g}" if values else "–"


def classes(package: str) -> list[str]:
    """Every concrete optimizer class that a package defines, by import path."""
    found = {
        name
        for name, value in vars(PACKAGES[package]).items()
        if inspect.isclass(value)
        and issubclass(value, Optimizer)
        and not inspect.isabstract(value)
        and value is not Optimizer
        and value.__module__.startswith(package)
    }
    return [f"{package}:{name}" for name in sorted(found, key=str.lower)]


def examine(name: str) -> Entry:
    """Check one class here and now."""
    try:
        findings = check(name, SETTINGS.get(name, {}))
    except RequestError as error:
        return Entry(name, trouble=_named(name, str(error)))
    raised = findings[0].detail
    return Entry(name, findings) if len(findings) > 1 else Entry(name, trouble=_named(name, raised))


def _named(name: str, raised: str) -> str:
    """The reason that is known for this, else what was raised."""
    first = next(iter(inspect.signature(load(name)).parameters))
    known = [BY_FIRST_ARGUMENT[first]] if first in BY_FIRST_ARGUMENT else []
    known += [reason for part, reason in BY_ERROR.items() if part in raised]
    return known[0] if known else raised.removeprefix(f"{name}: ")


def examine_apart(name: str) -> Entry:
    """Check one class in a process of its own, which ends when its time is over."""
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_send, args=(there, name))
    process.start()
    there.close()
    try:
        entry = here.recv() if here.poll(LIMIT_SECONDS) else Entry(name, trouble=_late())
    except EOFError:
        process.join()
        entry = Entry(name, trouble=f"its process ended with exit code {process.exitcode}")
    process.kill()
    process.join()
    print(f"{name}: {entry.verdict} {entry.reason}", file=sys.stderr, flush=True)
    return entry


def _late() -> str:
    return f"did not finish within {LIMIT_SECONDS} seconds"


def _send(connection: Connection, name: str) -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    connection.send(examine(name))


def document(entries: Sequence[Entry], seconds: float) -> str:
    """The sweep as Markdown."""
    counts = Counter(entry.verdict for entry in entries)
    failed = Counter(finding.name for entry in entries for finding in entry.failures)
    sections = [_section(package, entries) for package in PACKAGES]
    return HEAD.format(
        classes=len(entries),
        counts=", ".join(f"{verdict} {counts[verdict]}" for verdict in ("pass", "fail", "not checked")),
        failed=", ".join(f"{name} {count}" for name, count in failed.most_common()),
        torch=torch.__version__,
        zoo=version("pytorch_optimizer"),
        python=platform.python_version(),
        machine=device_name(torch.device("cpu")),
        workers=WORKERS,
        minutes=f"{seconds / 60:.0f}",
    ) + "\n".join(sections)


HEAD = """\
# The zoo

`adabench check` over every optimizer class of `torch.optim` and of `pytorch_optimizer`, each with its
default settings: {classes} classes; {counts}.

A *fail* names each check that failed and what was seen; it is a property of this version of the class, and
often one that its users can live with. Where a class was *not checked*, the reason says what it needs besides
parameters and settings, or that it took too long. Checks that failed, and for how many classes: {failed}.

*State* is bytes a parameter for float32 layers of 256 to 256. *Cost* is the time of an update against
torch's fused Adam on 1.62 million parameters, timed in turn with one thread while {workers} checks shared the
machine: read it as an order of magnitude. A dash: nothing was measured.

Made in {minutes} minutes with torch {torch}, pytorch_optimizer {zoo}, Python {python} on {machine}:

    pip install -e . pytorch_optimizer
    python bench/zoo.py

"""


def _section(package: str, entries: Sequence[Entry]) -> str:
    rows = [
        (
            f"`{entry.name.partition(':')[2]}`",
            entry.verdict,
            entry.reason.replace("|", "\\|"),
            entry.value("state"),
            entry.value("cost of a step"),
        )
        for entry in entries
        if entry.name.startswith(f"{package}:")
    ]
    headers = ["class", "verdict", "reason", "state", "cost"]
    table = tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)
    return f"## {package}: {len(rows)} classes\n\n{table}\n"


def main(names: Sequence[str]) -> None:
    """Check the named classes, or all of them, and write or print the document."""
    start = time.perf_counter()
    wanted = list(names) or [name for package in PACKAGES for name in classes(package)]
    import_object(wanted[0])  # reads once, for all processes, what is installed
    with ThreadPoolExecutor(WORKERS) as pool:
        entries = list(pool.map(examine_apart, wanted))
    text = document(entries, time.perf_counter() - start)
    if names:
        print(text)
    else:
        Path(__file__).parents[1].joinpath("docs", "zoo.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
