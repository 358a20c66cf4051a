"""How a sweep fills the machine: how many jobs run side by side, and what each of them gets.

Small jobs gain little from a second thread, so a CPU's threads are spread over as many jobs as there
are. The thread count belongs to a job's identity, so the rule looks at the whole sweep, never at what
is left of it: a sweep that goes on finds the results that it has.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Packing:
    """Workers side by side."""

    workers: int
    threads: int | None
    """CPU threads of each worker; None on an accelerator."""

    def __str__(self) -> str:
        return _count(self.workers, "worker") + (
            f" of {_count(self.threads, 'thread')}" if self.threads else ""
        )


def pack(
    jobs: int,
    *,
    budget: int | None,
    devices: int = 1,
    workers: int | None = None,
    threads: int | None = None,
) -> Packing:
    """Divide a machine among jobs.

    Args:
        jobs: how many jobs of the whole sweep could run side by side, finished ones among them.
        budget: CPU threads to share out; None on accelerators, which one worker each has to itself.
        devices: how many devices there are.
        workers: how many to use, at least 1; as many as have work when None.
        threads: CPU threads of each job; what `workers` leaves it when None.
    """
    if budget is None:
        return Packing(workers=workers or max(1, min(devices, jobs)), threads=None)
    if workers is None:
        workers = max(1, min(budget // (threads or 1), jobs))
    return Packing(workers=workers, threads=threads or max(1, budget // workers))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
