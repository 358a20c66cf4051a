"""What became of the runs of one optimizer on one problem."""

from typing import TypedDict

from adabench.compare.model import Failure
from adabench.compare.selection import Runs
from adabench.spec import OptimizerSpec


class Counts(TypedDict):
    """The fields of a `Tally`."""

    optimizer: str
    spec: OptimizerSpec
    completed: int
    diverged: int
    failed: int
    interrupted: int


def counts(runs: Runs) -> Counts:
    """Whose runs they are, and how many ended in each way."""
    return {
        "optimizer": runs.label,
        "spec": runs.results[0].job.optimizer,
        "completed": len(runs.seeds("completed")),
        "diverged": len(runs.seeds("diverged")),
        "failed": len(runs.seeds("failed")),
        "interrupted": len(runs.seeds("interrupted")),
    }


def failures(runs: Runs) -> list[Failure]:
    """The runs that did not complete, in order of the seed."""
    return [
        Failure(optimizer=runs.label, seed=result.job.seed, status=result.status, reason=result.reason)
        for result in runs.results
        if result.status != "completed"
    ]
