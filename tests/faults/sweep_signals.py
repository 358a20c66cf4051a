"""SIGINT and SIGTERM, once and twice, in each phase of a sweep: real signals to real processes.

A phase is made to say that it has begun and to take a moment, in which the signals arrive. The exit
code, the last words, the processes left, what is kept, and what the same sweep then ends with are
checked.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processes import PATIENCE_SECONDS, holds, orphans, start
from small_sweep import command, finished, outcomes, sweep, to_file, words
from stored import in_a_process, unreadable
from tally import Tally

from adabench import pipeline
from adabench.engine.checkpoint import Checkpoints
from adabench.engine.run import Run
from adabench.problems import supervised
from adabench.results import ResultStore

DAWDLE_SECONDS, BETWEEN_SECONDS = 0.3, 0.02
EPOCHS = 3


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Where in a sweep the signals arrive.

    Args:
        name: of the phase.
        place: the object and the name of its function that stands for the phase; None for a real
            command that is sent the signals as soon as it has begun.
        nth: which of its calls is interrupted.
        keeps: whether a run under way is to be kept.
        settings: more words of the command.
    """

    name: str
    place: tuple[Any, str] | None = None
    nth: int = 1
    keeps: bool = False
    settings: tuple[str, ...] = ()


PHASES = (
    Phase(name="start"),
    Phase(name="plan", place=(pipeline, "resolve_sweep")),
    Phase(name="data", place=(supervised, "prepare")),
    Phase(name="set-up", place=(Run, "_resume")),
    Phase(name="training", place=(Run, "_take_steps"), nth=2, keeps=True),
    Phase(name="evaluation", place=(supervised.SupervisedProblem, "evaluate"), keeps=True),
    Phase(
        name="checkpoint",
        place=(Checkpoints, "_packed"),
        nth=2,
        keeps=True,
        settings=("--checkpoint-every", "1e-9"),
    ),
    Phase(name="result", place=(ResultStore, "write")),
)


def cases(root: Path, *, short: bool) -> list[Tally]:
    """Each signal, once and twice, in each phase."""
    assert in_a_process(lambda: sweep(root / "whole", epochs=EPOCHS)) == 0
    wanted, tallies = outcomes(root / "whole"), []
    for phase in PHASES[4:5] if short else PHASES:
        tally = Tally(f"signalled during {phase.name}")
        for number in (signal.SIGINT, signal.SIGTERM):
            for times in (1, 2):
                tally.cases += 1
                folder = root / f"{phase.name}-{number.name}-{times}"
                folder.mkdir()
                texts = _violations(folder, phase, number, times, wanted)
                tally.violations += [f"{phase.name}, {number.name} x {times}: {text}" for text in texts]
                shutil.rmtree(folder)
        tallies.append(tally)
    return tallies


def _violations(
    folder: Path, phase: Phase, number: signal.Signals, times: int, wanted: dict[str, Any]
) -> Iterator[str]:
    out, shown = folder / "results", folder / "stderr"
    code, left = _signalled(folder, phase, number, times)
    text = shown.read_text()
    killed_by_python = phase.place is None and code == -number  # before there is anything of ours
    if code != 128 + number and not killed_by_python:
        yield f"exit code {code}"
    if "Traceback" in text and phase.place is not None:
        yield "a traceback"
    if times == 1 and phase.place is not None and text.count("interrupted: ") != 1:
        yield f"its last words are {text!r}"
    if left:
        yield f"processes stay: {left}"
    if unreadable(out) or not outcomes(out).items() <= wanted.items():
        yield "what is kept is torn or wrong"
    if phase.keeps and times == 1 and not list(out.rglob("*.manifest")):
        yield "the run under way is not kept"
    kept = finished(out)
    if in_a_process(lambda: sweep(out, epochs=EPOCHS)) != 0 or outcomes(out) != wanted:
        yield "the same sweep once more does not end as it would have"
    if not kept.items() <= finished(out).items():
        yield "a finished result was written again"


def _signalled(folder: Path, phase: Phase, number: signal.Signals, times: int) -> tuple[int, list[int]]:
    """Run the sweep, send it its signals in the phase; the exit code, and what processes stay."""
    arguments = [*words(epochs=EPOCHS, workers=1), *phase.settings, "--out", "results"]
    if phase.place is None:
        process: Any = start(arguments, folder)
        time.sleep(DAWDLE_SECONDS)
    else:
        process = Forked(lambda: _announced(folder, phase, arguments))
        holds((folder / "begun").exists)
    for _ in range(times):
        process.send_signal(number)
        time.sleep(BETWEEN_SECONDS)
    try:
        return process.wait(PATIENCE_SECONDS), orphans(process.pid)
    except subprocess.TimeoutExpired:
        process.kill()
        return 0, []


def _announced(folder: Path, phase: Phase, arguments: list[str]) -> int:
    """The command in this process, whose phase leaves a file when it begins."""
    os.setsid()
    os.chdir(folder)
    to_file(folder / "stderr")
    assert phase.place is not None
    owner, name = phase.place
    real, calls = getattr(owner, name), [0]

    def slow(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == phase.nth:
            (folder / "begun").touch()
            end = time.monotonic() + DAWDLE_SECONDS
            while time.monotonic() < end:
                time.sleep(0.01)
        return real(*given, **named)

    setattr(owner, name, slow)
    from adabench.engine import run as engine_run

    engine_run.SIGN_OF_LIFE_SECONDS = 0.0
    return command(arguments)


class Forked:
    """A forked process with the methods of `subprocess.Popen` that are used here."""

    def __init__(self, work: Callable[[], int]) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            code = 99
            try:
                code = work()
            finally:
                os._exit(code)

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def wait(self, seconds: float) -> int:
        status = [0, 0]

        def ended() -> bool:
            status[:] = os.waitpid(self.pid, os.WNOHANG)
            return status[0] != 0

        if not holds(ended, seconds):
            raise subprocess.TimeoutExpired("adabench", seconds)
        return os.waitstatus_to_exitcode(status[1])
