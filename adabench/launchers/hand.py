"""One worker process, seen from the coordinator: what it is doing, what it says, and how it ends."""

import os
import signal
import warnings
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.context import BaseContext
from typing import Any

from adabench.engine.tasks import Task
from adabench.events import Event, JobEnded
from adabench.launchers.worker import Message, Place, Remark, serve
from adabench.spec import Job

ATTEMPTS = 2
"""How often a task is given to a worker before its jobs count as failed."""


@dataclass(frozen=True)
class Assignment:
    """A task, which of its jobs have ended, and how often it has been given to a worker."""

    task: Task
    attempt: int = 1
    ended: set[str] = field(default_factory=set)

    @property
    def left(self) -> list[Job]:
        """The jobs that have not ended."""
        return [job for job in self.task if job.key not in self.ended]

    def is_news(self, event: Event) -> bool:
        """Whether an event of one of its jobs is to be told; not what an earlier attempt has told whole."""
        if event.job.key in self.ended:
            return False
        if isinstance(event, JobEnded):
            self.ended.add(event.job.key)
        return True

    def again(self) -> "Assignment":
        """Its next attempt."""
        return replace(self, attempt=self.attempt + 1)

    def failures(self, reason: str) -> list[Event]:
        """The ends of the jobs that are left, given up."""
        return [JobEnded.lost(job, reason) for job in self.left]


class Hand:
    """A worker process; it does one assignment at a time.

    Args:
        context: how processes are started.
        place: where it computes, and what it reads and writes.
        workers: how many there are, which its jobs' results note.
    """

    def __init__(self, context: BaseContext, place: Place, *, workers: int) -> None:
        self.pipe, theirs = context.Pipe()
        self._process: Any = context.Process(target=serve, args=(theirs, place), daemon=True)  # type: ignore[attr-defined]
        self._process.start()
        theirs.close()
        self.place, self._workers, self._assignment = place, workers, Assignment(())
        self._silent_seconds, self._verdict = 0.0, ""
        self.dead = False
        self.again: Assignment | None = None
        """What it leaves behind when it dies, for another one to do."""

    @property
    def free(self) -> bool:
        """Whether it lives and has nothing to do."""
        return not (self.dead or self._assignment.left)

    def give(self, assignment: Assignment) -> None:
        """Let it run a task. One that has died meanwhile is found out by `hear`."""
        self._assignment, self._silent_seconds = assignment, 0.0
        with suppress(OSError):
            self.pipe.send([job.model_dump_json() for job in assignment.task])

    def hear(self) -> list[Event]:
        """Take in one message, or the news that the process is gone; the events that this makes."""
        try:
            message: Message = self.pipe.recv()
        except (EOFError, OSError):
            self.dead = True
            return self._obituary()
        self._silent_seconds = 0.0
        if isinstance(message, Remark):
            warnings.warn(message.text, stacklevel=2)
            return []
        if not self._assignment.is_news(message):
            return []
        if isinstance(message, JobEnded):
            return [message.noting(workers=self._workers, attempts=self._assignment.attempt)]
        return [message]

    def be_silent(self, seconds: float, allowed: float) -> None:
        """Note that it has said nothing for so long; a worker that does so for too long is killed."""
        self._silent_seconds += seconds
        if self._silent_seconds >= allowed:
            self._verdict = (
                f"hung: its worker process gave no sign of life for {allowed:,.0f} s and was ended; "
                "if a step, an evaluation or compiling takes longer, give a larger --hang-after"
            )
            self.kill()

    def ask_to_stop(self) -> None:
        """Have it write the state of its run, and leave."""
        with suppress(OSError):
            self.pipe.send(None)

    def has_left(self) -> bool:
        """Take in one message, whatever it is; whether there will be no more."""
        try:
            self.pipe.recv()
        except (EOFError, OSError):
            return True
        return False

    def kill(self) -> None:
        """End the process, and what it has started, at once; what it has not written is lost."""
        if hasattr(os, "killpg"):
            with suppress(OSError):  # gone, or too young to have a group of its own
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()

    def dismiss(self) -> None:
        """Hang up, upon which the process ends, and see to it that it has."""
        self.pipe.close()
        self._process.join()

    def _obituary(self) -> list[Event]:
        """The ends of the jobs that died with the process; none where they are to be tried again."""
        self._process.join()
        done = self._assignment
        left = done.left
        reason = self._verdict or _cause_of_death(self._process.exitcode)
        if left and not self._verdict and done.attempt < ATTEMPTS:
            self.again = done.again()
            warnings.warn(f"{left[0].title}: {reason}; it is tried once more", stacklevel=2)
            return []
        if not self._verdict:
            reason += f", at attempt {done.attempt} of {ATTEMPTS}"
        return done.failures(reason)


def _cause_of_death(code: int | None) -> str:
    if code is None or code >= 0:
        return f"its worker process ended with exit code {code}"
    death = f"its worker process was ended by signal {-code} ({signal.Signals(-code).name})"
    if -code == signal.SIGKILL:
        return f"{death}, as happens when memory runs out (fewer --workers need less)"
    return death
