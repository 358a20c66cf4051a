"""One fault in a Ray cluster of three hosts, in a sweep's middle: ``ray_faults.py FAULT SEED [FOLDER]``.

Faults: ``node`` (every process of a worker host is killed), ``cut`` (its link goes down), ``heal`` (down,
and up after 15 s), ``head`` (the head's control service is killed), ``driver`` (the sweep's own process is
killed), ``stop`` (it is told to stop). After ``head``, ``driver`` and ``stop`` the same sweep is run again.

The seed moves the moment. The folder keeps the numbers of a run without Ray, to compare more rows with.

Prints one row of a table: the fault, the seed, seconds until a job starts after it, and until one that it
broke starts again, jobs committed, files, jobs whose numbers differ from a run without Ray, jobs that went
on from a checkpoint, workers that are left, exit codes, and what the sweep said.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ray_hosts import Hosts
from ray_sweep import JOBS

from adabench.results import Result, read_all

SWEEP = [sys.executable, str(Path(__file__).with_name("ray_sweep.py"))]
FAULTS = ("node", "cut", "heal", "head", "driver", "stop")
EPOCHS = 80
PATIENCE_SECONDS = 150.0
HEAL_AFTER_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one fault did.

    Args:
        recovery_seconds: from the fault to the first job that started after it.
        again_seconds: from the fault to the new start of a job that it broke; None where none had to.
        jobs: how many have a completed result.
        files: how many results there are; not more than jobs.
        differing: how many jobs have other numbers than a run on one machine.
        resumed: how many went on from a checkpoint.
        left: processes of workers that outlived the sweep by half a minute.
        exit_codes: of the sweep, and of its second run where there was one.
        said: its warnings and errors.
    """

    fault: str
    seed: int
    recovery_seconds: float
    again_seconds: float | None
    jobs: int
    files: int
    differing: int
    resumed: int
    left: int
    exit_codes: tuple[int, ...]
    said: tuple[str, ...]

    def __str__(self) -> str:
        again = "none" if self.again_seconds is None else f"{self.again_seconds:.1f}"
        return (
            f"| {self.fault} | {self.seed} | {self.recovery_seconds:.1f} | {again} | {self.jobs}/{JOBS} "
            f"| {self.files} | {self.differing} | {self.resumed} | {self.left} | {self.exit_codes} |"
        )


def strike(fault: str, seed: int, folder: Path, reference: Path) -> Row:
    """Run a sweep, and the fault in its middle; see the module."""
    log = folder / "sweep.txt"
    words = [*SWEEP, str(folder / "results"), str(EPOCHS)]
    with Hosts() as hosts:
        sweep = hosts.start(0, words, log)
        _until(lambda: _told(log, "JobEnded", 1) and _told(log, "JobStarted", 3), sweep, log)
        time.sleep(0.5 + 0.5 * seed)
        struck = time.time()
        _inflict(fault, hosts, sweep)
        codes = [_end_of(sweep, log)]
        if fault in ("head", "driver", "stop"):
            codes += _again(fault, hosts, words, log)
        left = _left(hosts)
    return _row(fault, seed, folder, reference, struck=struck, left=left, codes=codes)


def _inflict(fault: str, hosts: Hosts, sweep: "subprocess.Popen[bytes]") -> None:
    if fault == "node":
        hosts.kill(2)
    elif fault == "cut":
        hosts.cut(2)
    elif fault == "heal":
        hosts.cut(2)
        time.sleep(HEAL_AFTER_SECONDS)
        hosts.heal(2)
    elif fault == "head":
        hosts.kill(0, "gcs_server")
    else:
        os.killpg(sweep.pid, signal.SIGKILL if fault == "driver" else signal.SIGINT)


def _again(fault: str, hosts: Hosts, words: list[str], log: Path) -> list[int]:
    """Run the sweep once more, where Ray has to be brought up again first if its head is gone."""
    if fault == "head":
        for host in range(1 + hosts.workers):
            hosts.kill(host)
        hosts.restart()
    sweep = hosts.start(0, words, log)
    return [_end_of(sweep, log)]


def _row(
    fault: str, seed: int, folder: Path, reference: Path, *, struck: float, left: int, codes: list[int]
) -> Row:
    subprocess.run([*SWEEP, str(reference), str(EPOCHS), "local"], check=True, capture_output=True)
    there = read_all([folder / "results"]).results
    wanted = {result.job.key: _numbers(result) for result in read_all([reference]).results}
    done = [result for result in there if result.status == "completed"]
    starts = _starts(folder / "sweep.txt")
    before = {key for at, key in starts if at <= struck}
    after = [(at, key) for at, key in starts if at > struck]
    said = [line for line in (folder / "sweep.txt").read_text().splitlines() if not _is_record(line)]
    return Row(
        fault=fault,
        seed=seed,
        recovery_seconds=min((at for at, _ in after), default=float("inf")) - struck,
        again_seconds=next((at - struck for at, key in after if key in before), None),
        jobs=len({result.job.key for result in done}),
        files=len(list((folder / "results").rglob("*.json"))),
        differing=sum(_numbers(result) != wanted[result.job.key] for result in done),
        resumed=sum(bool(result.summary.resumed_at_step) for result in done),
        left=left,
        exit_codes=tuple(codes),
        said=tuple(said),
    )


def _numbers(result: Result) -> object:
    """All that must not depend on where a job ran: its curve but for its times."""
    return {name: column for name, column in result.curve.items() if name != "seconds"}


def _is_record(line: str) -> bool:
    return line.startswith(("EVENT ", "PLAN ")) or not line.strip()


def _told(log: Path, kind: str, count: int) -> bool:
    return log.exists() and log.read_text().count(f" {kind} ") >= count


def _starts(log: Path) -> list[tuple[float, str]]:
    """When each job was started, and its key."""
    lines = (line.split() for line in log.read_text().splitlines() if line.startswith("EVENT "))
    return [(float(words[1]), words[3]) for words in lines if words[2] == "JobStarted"]


def _until(condition: object, sweep: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():  # type: ignore[operator]
        if sweep.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the sweep did not get going: {log.read_text()}")
        time.sleep(0.05)


def _end_of(sweep: "subprocess.Popen[bytes]", log: Path) -> int:
    try:
        return sweep.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"the sweep does not end: {log.read_text()}") from None


def _left(hosts: Hosts) -> int:
    """The workers that are left once they have had time to notice that nobody asks them."""
    deadline = time.monotonic() + 40.0
    while (left := _workers(hosts)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return left


def _workers(hosts: Hosts) -> int:
    return sum(len(hosts.processes(host, "ray::Worker")) for host in range(1 + hosts.workers))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ray-fault-") as name:
        kept = Path(sys.argv[3] if sys.argv[3:] else name)
        row = strike(sys.argv[1], int(sys.argv[2]), Path(name), kept / "reference")
    sys.stdout.write("\n    ".join([str(row), *row.said]) + "\n")
