"""Faults at a SLURM cluster, each done to a real sweep; prints a row of what came of each, as JSON.

    KEEP=FOLDER tests/cluster/slurm_box.sh python tests/cluster/slurm_faults.py FOLDER [FAULT...]

Without names, all of them. A sweep of two jobs, which one task carries out one after the other with a
checkpoint each second, is hit after its first checkpoints. It must end, be it by the same command again,
with each job stored once and the numbers of the same sweep on this machine; and the job that was hit
must have gone on, not begun anew.
"""

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "faults"))

from processes import holds
from small_sweep import outcomes

from adabench.events import JobStarted
from adabench.launchers.slurm_tail import Tail

PATIENCE_SECONDS = 120.0
PROBLEM = "--opt adam --opt sgdm --model mlp:hidden=64 --dataset digits --device cpu --threads 1"
SIZE = "--epochs 1200 --seeds 1"
PLACE = "--launcher slurm --partition low --bundle 2 --checkpoint-every 1"


@dataclass(kw_only=True)
class Row:
    """What came of a fault; seconds are from the fault, or the next command, to the first step after it."""

    fault: str
    exit_codes: list[int]
    jobs_stored: int
    numbers_equal: bool
    resumed_at_step: int | None
    recovery_seconds: float | None


class Sweep:
    """The sweep on the cluster, in a folder of its own.

    Args:
        folder: where its results go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exit_codes: list[int] = []

    def start(self) -> "subprocess.Popen[bytes]":
        """Give the command."""
        return self._run(*PLACE.split(), "--out", str(self.folder))

    def end(self, command: "subprocess.Popen[bytes]") -> None:
        """Wait until the command is done."""
        self.exit_codes.append(command.wait(3 * PATIENCE_SECONDS))

    def reference(self) -> Path:
        """The folder of the same sweep, done here without a fault; all faults share it."""
        folder = self.folder.with_name("here")
        self._run("--workers", "1", "--out", str(folder)).wait(3 * PATIENCE_SECONDS)
        return folder

    def wait_for_checkpoint(self) -> None:
        """Until the first job has gone some way."""
        expect(lambda: len(list(self.folder.glob(".runs/*/*.manifest"))) >= 2, "a checkpoint")

    def starts(self) -> set[tuple[Path, int]]:
        """Each time that a job has begun or gone on, on whatever node."""
        return {
            (path, number)
            for path in self.folder.glob(".slurm/*/*.events")
            for number, event in enumerate(Tail(path).events())
            if isinstance(event, JobStarted)
        }

    def resumed_at_step(self) -> int | None:
        """Where the job that was hit went on; None where none did."""
        results = [json.loads(path.read_bytes()) for path in self.folder.rglob("*.json")]
        steps = (result.get("summary", {}).get("resumed_at_step") for result in results)
        return next((step for step in steps if step), None)

    def name(self) -> str:
        """The array's job name."""
        return next(self.folder.glob(".slurm/adabench-*")).name

    def _run(self, *words: str) -> "subprocess.Popen[bytes]":
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "stderr").open("a") as said:
            command = [sys.executable, "-m", "adabench", "run", *PROBLEM.split(), *SIZE.split(), *words]
            return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)


def expect(condition: Callable[[], object], what: str) -> None:
    """Wait for something that must come."""
    if not holds(condition, PATIENCE_SECONDS):
        raise TimeoutError(f"{what} did not come within {PATIENCE_SECONDS:g} s")


def asked(*command: str) -> str:
    """What a command of SLURM answers."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def until_next_start(sweep: Sweep, since: Callable[[], object]) -> float:
    """Do something; the seconds until a job begins or goes on."""
    before, began = sweep.starts(), time.monotonic()
    since()
    expect(lambda: sweep.starts() - before, "the next start")
    return time.monotonic() - began


def preemption(sweep: Sweep) -> float:
    """A job that goes before this one takes its node for five seconds."""
    command = sweep.start()
    sweep.wait_for_checkpoint()
    node = asked("squeue", "--noheader", "--states=running", "--format=%N")
    urgent = ["sbatch", "--partition=high", f"--nodelist={node}", "--output=/dev/null", "--wrap=sleep 5"]
    seconds = until_next_start(sweep, lambda: asked(*urgent))
    sweep.end(command)
    return seconds


def node(sweep: Sweep) -> float:
    """The node dies with all that runs on it."""
    command = sweep.start()
    sweep.wait_for_checkpoint()
    dying = asked("squeue", "--noheader", "--states=running", "--format=%N")
    seconds = until_next_start(sweep, lambda: kill_node(dying))
    sweep.end(command)
    asked("slurmd", "-N", dying)
    idle = ("sinfo", "--noheader", "--states=idle", "--format=%D", "--partition=low")
    expect(lambda: asked(*idle) == "2", "the node, begun anew,")
    return seconds


def cancel(sweep: Sweep) -> float:
    """Somebody cancels the task; its jobs end, and the same command takes them up again."""
    command = sweep.start()
    sweep.wait_for_checkpoint()
    asked("scancel", f"--name={sweep.name()}")
    sweep.end(command)
    return again(sweep)


def limit(sweep: Sweep) -> float:
    """The time limit of the task comes before its end; SLURM counts it in minutes, and looks twice in one."""
    command = sweep.start()
    sweep.wait_for_checkpoint()
    job = asked("squeue", "--noheader", f"--name={sweep.name()}", "--format=%A")
    asked("scontrol", "update", f"JobId={job}", "TimeLimit=1")
    logs = ".slurm/*/*_log.err"
    expect(lambda: any("leaving" in path.read_text() for path in sweep.folder.glob(logs)), "the warning")
    seconds = until_next_start(sweep, lambda: asked("scontrol", "update", f"JobId={job}", "TimeLimit=60"))
    sweep.end(command)
    return seconds


def detach(sweep: Sweep) -> None:
    """Ctrl-C ends the command and not the jobs; the same command follows them."""
    left_alone(sweep, signal.SIGINT)


def coordinator(sweep: Sweep) -> None:
    """SIGKILL ends the command and not the jobs; the same command follows them."""
    left_alone(sweep, signal.SIGKILL)


def left_alone(sweep: Sweep, number: signal.Signals) -> None:
    """The command is ended by a signal; another one finds the task under way and submits none."""
    command = sweep.start()
    sweep.wait_for_checkpoint()
    command.send_signal(number)
    sweep.end(command)
    sweep.end(sweep.start())
    if len(sweep.starts()) != 2:
        raise AssertionError("a job was begun twice")


def again(sweep: Sweep) -> float:
    """The same command once more."""
    commands: list[subprocess.Popen[bytes]] = []
    seconds = until_next_start(sweep, lambda: commands.append(sweep.start()))
    sweep.end(commands[0])
    return seconds


def kill_node(name: str) -> None:
    """End a node's daemon, what watches its jobs, and its jobs, all at once."""
    for process in Path("/proc").glob("[0-9]*"):
        words, variables = _read(process / "cmdline"), _read(process / "environ")
        of_node = words == f"slurmd\0-N\0{name}\0" or f"SLURMD_NODENAME={name}\0" in variables
        if of_node or words.startswith("slurmstepd"):  # only one node has a job
            os.kill(int(process.name), signal.SIGKILL)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


FAULTS: dict[str, Callable[[Sweep], float | None]] = {
    each.__name__: each for each in (preemption, node, cancel, limit, detach, coordinator)
}


def row(name: str, folder: Path) -> Row:
    """Do one fault to a sweep in a new folder."""
    sweep = Sweep(folder / name)
    seconds = FAULTS[name](sweep)
    stored = outcomes(sweep.folder)
    return Row(
        fault=name,
        exit_codes=sweep.exit_codes,
        jobs_stored=len(stored),
        numbers_equal=stored == outcomes(sweep.reference()),
        resumed_at_step=sweep.resumed_at_step(),
        recovery_seconds=None if seconds is None else round(seconds, 1),
    )


def main(folder: str, *names: str) -> int:
    """Do faults one after another, a row each; one that goes wrong is told on stderr, and the rest done."""
    code = 0
    for name in names or FAULTS:
        try:
            sys.stdout.write(json.dumps(asdict(row(name, Path(folder)))) + "\n")
            sys.stdout.flush()
        except Exception:
            traceback.print_exc()
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
