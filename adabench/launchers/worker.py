"""The worker's side: a process that runs one task after another and tells what happens over a pipe.

In come tasks, each a list of jobs as JSON. Out go events and warnings; a task is over when each of
its jobs has ended.
"""

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

from adabench.engine.tasks import Keeping, run_task
from adabench.events import Event
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


def serve(pipe: Connection, place: Place) -> None:
    """Run tasks until the coordinator hangs up, for whatever reason."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends Ctrl-C to all; the coordinator decides
    if "fork" in multiprocessing.get_all_start_methods():
        # A worker starts no process; but so a lock that a library makes has no name to leave behind.
        multiprocessing.set_start_method("fork", force=True)
    sys.stdout = sys.stderr  # stdout is for the sweep's answer
    warnings.showwarning = lambda message, *_, **__: pipe.send(Remark(str(message)))
    inbox: SimpleQueue[list[str]] = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, inbox), daemon=True).start()
    with suppress(BrokenPipeError):
        while True:
            task = tuple(map(Job.model_validate_json, inbox.get()))
            for event in run_task(task, device=place.device, data_dir=place.data_dir, keeping=place.keeping):
                pipe.send(event)


def _listen(pipe: Connection, inbox: "SimpleQueue[list[str]]") -> None:
    """Take in tasks; end the process, whatever it is doing, when nobody is left to send any."""
    with suppress(EOFError, OSError):
        while True:
            inbox.put(pipe.recv())
    os._exit(0)
