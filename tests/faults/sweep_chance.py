"""SIGKILL at random: the coordinator, a worker, the server that workers are forked from, or all at once.

A sweep of 20 jobs on two workers is started again and again until it is done, while its processes are
killed. Nothing finished may be lost, changed or there twice, and no process may outlive its
coordinator for long.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from processes import family, holds, orphans, start
from small_sweep import finished, outcomes, sweep, words
from stored import in_a_process, unreadable
from tally import Tally

SEEDS, EPOCHS = 10, 150
TARGETS = ("worker", "worker", "worker", "server", "coordinator", "group")
FATAL = ("coordinator", "group")
PAUSES_SECONDS = (0.05, 1.0)
EARLY = 0.2
"""The share of sweeps that may be killed before they have workers."""


class Sweeps:
    """Sweeps under fire, one folder after another.

    Args:
        root: where their folders are.
        kills: how many processes to kill in all.
        seconds: when to leave off, kills or not.
    """

    def __init__(self, root: Path, *, kills: int, seconds: float) -> None:
        self._root, self._kills, self._deadline = root, kills, time.monotonic() + seconds
        self._draw, self._folders = random.Random(0), 0
        self._tallies = {target: Tally(f"{target} killed by chance") for target in dict.fromkeys(TARGETS)}

    def run(self) -> list[Tally]:
        """Kill until there have been enough; the cases of each target."""
        whole = self._root / "whole"
        assert in_a_process(lambda: sweep(whole, seeds=SEEDS, epochs=EPOCHS, checkpoint_every=1e9)) == 0
        self._wanted = outcomes(whole)
        while self._under_fire():
            folder = self._root / f"{self._folders}"
            folder.mkdir()
            self._folders += 1
            self._one(folder)
            shutil.rmtree(folder)
        return list(self._tallies.values())

    def _under_fire(self) -> bool:
        fired = sum(tally.cases for tally in self._tallies.values())
        return fired < self._kills and time.monotonic() < self._deadline

    def _one(self, folder: Path) -> None:
        """A sweep from its start to its end, however often it must be started."""
        out, kept = folder / "results", dict[str, bytes]()
        last = self._tallies["coordinator"]
        while True:
            process = start([*words(seeds=SEEDS, epochs=EPOCHS), "--checkpoint-every", "0.3"], folder)
            if self._draw.random() > EARLY:
                holds(lambda process=process: self._workers(process.pid) or process.poll() is not None)
            while process.poll() is None and self._under_fire():
                last = self._kill(process) or last
            code = process.wait()
            if left := orphans(process.pid):
                last.violations.append(f"processes stay: {left}")
            self._look(out, kept, last)
            if code == 0:
                break
            if "Traceback" in (folder / "stderr").read_text():
                last.violations.append((folder / "stderr").read_text()[-2000:])
                break
        if outcomes(out) != self._wanted:
            last.violations.append("the sweep does not end as it would have")

    def _kill(self, process: "subprocess.Popen[str]") -> Tally | None:
        """Wait a moment and kill one of a sweep's processes, where it has such a one."""
        time.sleep(self._draw.uniform(*PAUSES_SECONDS))
        target = self._draw.choice(TARGETS)
        victim = self._victim(process.pid, target)
        if victim is None or process.poll() is not None:
            return None
        with suppress(ProcessLookupError):
            (os.killpg if target == "group" else os.kill)(victim, signal.SIGKILL)
        if target in FATAL:
            holds(lambda: process.poll() is not None)
        self._tallies[target].cases += 1
        return self._tallies[target]

    def _victim(self, coordinator: int, target: str) -> int | None:
        if target in FATAL:
            return coordinator
        workers = self._workers(coordinator)
        chosen = [*workers] if target == "worker" else [*{*workers.values()}]
        return self._draw.choice(chosen) if workers else None

    @staticmethod
    def _workers(coordinator: int) -> dict[int, int]:
        """The workers, each with the server that it was forked from."""
        parents = family(coordinator)
        return {pid: server for pid, server in parents.items() if parents.get(server) == coordinator}

    def _look(self, out: Path, kept: dict[str, bytes], tally: Tally) -> None:
        """Compare what is there with what was there at the last look."""
        now = finished(out)
        if not kept.items() <= now.items():
            tally.violations.append("a finished result is lost or was written again")
        if unreadable(out):
            tally.violations.append("a torn result is visible")
        jobs = Counter(Path(name).stem for name in now)
        if any(count > 1 for count in jobs.values()) and len(jobs) != len(now):
            tally.violations.append("a job has two results")
        kept |= now


def cases(root: Path, *, kills: int, seconds: float) -> list[Tally]:
    """So many kills, or as many as the time allows."""
    return Sweeps(root, kills=kills, seconds=seconds).run()
