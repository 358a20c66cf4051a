"""What SLURM says of itself and of the tasks that it was given: its commands, asked and read."""

import subprocess
from collections.abc import Collection

_OVER = (
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED"),
    *("NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"),
)
"""States that a task does not come back from. Every other one means that it waits, runs or is put back."""

ANSWER_SECONDS = 30.0
"""How long a command may take; a controller that is away answers none."""


def gone(name: str, tasks: Collection[int]) -> dict[int, str] | None:
    """The tasks of an array that have left the queue for good, each with its last state.

    Args:
        name: the array's job name. A job that is no array counts as its task 0.
        tasks: whom to ask for.

    Returns:
        Such as ``{3: "TIMEOUT"}``; an empty state where SLURM has forgotten the task. None where SLURM
        does not answer, which says nothing about the tasks.
    """
    answer = _asked("squeue", "--noheader", "--array", "--states=all", f"--name={name}", "--format=%K %T")
    if answer is None:
        return None
    pairs = [line.split() for line in answer.splitlines() if line.strip()]
    states = {int(task) if task.isdecimal() else 0: state for task, state in pairs}
    return {task: states.get(task, "") for task in tasks if states.get(task, "") in (*_OVER, "")}


def partitions() -> list[str]:
    """The names of all partitions; none where SLURM does not answer."""
    return sorted(set((_asked("sinfo", "--noheader", "--format=%R") or "").split()))


def cluster() -> str | None:
    """The cluster's name."""
    for line in (_asked("scontrol", "show", "config") or "").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "ClusterName":
            return value.strip()
    return None


def requeue(job: str) -> None:
    """Put the job that this process runs in back into the queue, which ends it here.

    A job that SLURM is already ending, because somebody cancelled it or its time is up, stays ended.

    Args:
        job: its own number, not that of its array.

    Raises:
        subprocess.CalledProcessError: SLURM refuses.
    """
    state = _asked("squeue", "--noheader", f"--jobs={job}", "--format=%T")
    if state is not None and state.strip() == "RUNNING":
        subprocess.run(["scontrol", "requeue", job], check=True, timeout=ANSWER_SECONDS)


def _asked(*command: str) -> str | None:
    """What a command answers; None where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
