"""The worker's side: a process that runs one task after another and tells what happens over a pipe.

In come tasks, each a list of jobs as JSON, and at last the word to stop, which is None. Out go events
and warnings; a task is over when each of its jobs has ended.
"""

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

from adabench.engine.tasks import Keeping, run_task
from adabench.events import Event
from adabench.launchers.parent import end_with_parent
from adabench.spec import Job


@dataclass(frozen=True)
class Remark:
    """A warning that a job gave."""

    text: str


Message = Event | Remark


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a worker computes, and what it reads and writes.

    Args:
        device: in torch's words: ``cpu``, ``cuda``, ``cuda:1``.
        data_dir: where data sets lie.
        keeping: how runs under way are kept on disk; None keeps nothing.
    """

    device: str
    data_dir: Path
    keeping: Keeping | None = None


class Inbox:
    """What the coordinator has sent: tasks to come, and whether to stop."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._tasks = pipe, SimpleQueue[list[str] | None]()
        self.stopping = False
        threading.Thread(target=self._listen, daemon=True).start()

    def next_task(self) -> tuple[Job, ...] | None:
        """The next task, when it is there; None means to stop."""
        words = self._tasks.get()
        return None if words is None else tuple(map(Job.model_validate_json, words))

    def stop(self) -> None:
        """Leave at the next sign of life."""
        self.stopping = True
        self._tasks.put(None)

    def _listen(self) -> None:
        """Take in tasks; end the process, whatever it is doing, when nobody is left to send any."""
        with suppress(EOFError, OSError):
            while (words := self._pipe.recv()) is not None:
                self._tasks.put(words)
            self.stop()
            self._pipe.recv()
        os._exit(0)


def serve(pipe: Connection, place: Place) -> None:
    """Run tasks until the coordinator says to stop or hangs up, for whatever reason.

    Told to stop, it writes the state of the run under way, and leaves.
    """
    end_with_parent()
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # what a job starts can be ended together with it
    if "fork" in multiprocessing.get_all_start_methods():
        # A worker starts no process; but so a lock that a library makes has no name to leave behind.
        multiprocessing.set_start_method("fork", force=True)
    sys.stdout = sys.stderr  # stdout is for the sweep's answer
    warnings.showwarning = lambda message, *_, **__: pipe.send(Remark(str(message)))
    inbox = Inbox(pipe)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends Ctrl-C to all; the coordinator decides
    signal.signal(signal.SIGTERM, lambda *_: inbox.stop())
    with suppress(BrokenPipeError):
        while (task := inbox.next_task()) is not None:
            _run(task, pipe, place, inbox)


def _run(task: tuple[Job, ...], pipe: Connection, place: Place, inbox: Inbox) -> None:
    running = run_task(task, device=place.device, data_dir=place.data_dir, keeping=place.keeping)
    with closing(running):  # which writes the state
        for event in running:
            pipe.send(event)
            if inbox.stopping:
                return
