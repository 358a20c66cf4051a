"""How a sweep fills the machine: how many jobs run side by side, and what each of them gets.

Small jobs gain little from a second thread, so a CPU's threads are spread over as many jobs as there
are. The thread count belongs to a job's identity, so the rule looks at the whole sweep, never at what
is left of it: a sweep that goes on finds the results that it has.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Packing:
    """Workers side by side on one device."""

    workers: int
    threads: int | None
    """CPU threads of each worker; None on an accelerator."""

    def __str__(self) -> str:
        return _count(self.workers, "worker") + (
            f" of {_count(self.threads, 'thread')}" if self.threads else ""
        )


def pack(jobs: int, *, budget: int | None, workers: int | None = None) -> Packing:
    """Divide a device among jobs.

    Args:
        jobs: how many jobs of the whole sweep could run side by side, finished ones among them.
        budget: CPU threads to share out; None on an accelerator, which one worker has to itself.
        workers: how many to use, at least 1; as many as have work when None.
    """
    if workers is None:
        workers = 1 if budget is None else max(1, min(budget, jobs))
    return Packing(workers=workers, threads=None if budget is None else max(1, budget // workers))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
