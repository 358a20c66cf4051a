"""Why a job failed, in one line, and what to do about it where that is known."""

import gc
from collections.abc import Sequence

import torch

from adabench.errors import one_line
from adabench.spec import Job, SupervisedSpec

_MEMORY_WORDS = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
"""What torch's plain errors say when memory has run out."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: a GPU's, the process's or the machine's."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _MEMORY_WORDS)


def reason_of(error: Exception, jobs: Sequence[Job], device: str) -> str:
    """One line on why jobs that ran as one failed; for memory that ran out, with what they asked of it."""
    if not is_out_of_memory(error):
        return one_line(error)
    job, count = jobs[0], len(jobs)
    size = f"batch size {job.problem.batch_size}" if isinstance(job.problem, SupervisedSpec) else "points"
    models = f", {count} models at once" if count > 1 else ""
    cure = "a smaller --batch-size" + (", --stack-seeds off" if count > 1 else "") + " or fewer --workers"
    where = f"{job.problem.label} with {size}{models}, {job.precision}, {job.executor}, {device}"
    return f"out of memory: {job.optimizer.label} on {where}; {cure} would need less ({one_line(error)})"


def clear_memory(device: torch.device) -> None:
    """Give back what a failed run held, so that the next one finds it."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
