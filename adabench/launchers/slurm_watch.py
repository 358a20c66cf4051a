"""The coordinator's side: what the tasks tell, and what to make of one that has left the queue."""

import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from adabench.events import Event, JobEnded, Status
from adabench.launchers import slurm_queue
from adabench.launchers.hand import ATTEMPTS
from adabench.launchers.slurm_submission import Submission
from adabench.launchers.slurm_tail import Tail
from adabench.spec import Job

POLL_SECONDS = 0.5
"""How often files of events are read."""

LOOK_SECONDS = 5.0
"""How often SLURM is asked; one question serves a whole array."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Jobs that had not ended when their task left the queue.

    Args:
        jobs: which.
        submission: what the task was part of.
        task: its number there.
        state: what SLURM calls its end; empty where it has forgotten the task.
    """

    jobs: tuple[Job, ...]
    submission: Submission
    task: int
    state: str

    @property
    def final(self) -> bool:
        """Whether the jobs are not to be submitted again."""
        return self.state == "CANCELLED" or self.submission.attempt >= ATTEMPTS

    @property
    def reason(self) -> str:
        """What happened, in words."""
        if self.state == "CANCELLED":
            return "cancelled in SLURM"
        how = f"ended as {self.state}" if self.state else "left the queue"
        folder = self.submission.folder
        if self.submission.events(self.task).exists():
            return f"its SLURM task {how} without finishing it; its log is in {folder}"
        cure = "if it has none, the nodes do not share the folder, and --out must name one that they do"
        return f"its SLURM task {how} before it began; its log is in {folder}; {cure}"

    def ends(self) -> Iterator[JobEnded]:
        """The end of each of its jobs."""
        status: Status = "interrupted" if self.state == "CANCELLED" else "failed"
        attempt = "" if status == "interrupted" else f", at attempt {self.submission.attempt} of {ATTEMPTS}"
        for job in self.jobs:
            yield JobEnded.lost(job, self.reason + attempt, status)


class Watch:
    """The tasks of one submission.

    Args:
        submission: which.
    """

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self._tails = {task: Tail(submission.events(task)) for task in submission.tasks}
        self._seen_gone: set[int] = set()

    def news(self) -> Iterator[Event]:
        """What its tasks have told since the last look, of whatever job."""
        for tail in self._tails.values():
            yield from tail.events()

    def losses(self, left: dict[str, Job]) -> Iterator[Loss]:
        """What tasks leave behind that have gone for good, each told once.

        A task counts as gone when it was so at the look before this one, since which its last words have
        been read.

        Args:
            left: the jobs that have not ended, by key.
        """
        gone = slurm_queue.gone(self._submission.name, self._tails) if self._tails else {}
        for task, state in (gone or {}).items():
            if task in self._seen_gone:
                del self._tails[task]
                jobs = tuple(left[key] for key in self._submission.tasks[task] if key in left)
                if jobs:
                    yield Loss(jobs=jobs, submission=self._submission, task=task, state=state)
        self._seen_gone = set(gone or ())


def follow(
    submissions: Iterable[Submission],
    jobs: Sequence[Job],
    *,
    finished: Callable[[Job], Sequence[Event]],
    submit: Callable[[Sequence[Job], int], Submission],
) -> Generator[Event, None, None]:
    """Tell what happens to jobs until each has ended.

    Args:
        submissions: where they are; other jobs in these are not told of.
        jobs: which.
        finished: all events of a job that has a result; none where it has not.
        submit: submits jobs, as their n-th attempt.

    Yields:
        The jobs' events. A job whose task is gone ends by its result if there is one, is submitted once
        more unless it was cancelled, and else ends as ``interrupted`` or ``failed``.
    """
    left, watches = {job.key: job for job in jobs}, [Watch(submission) for submission in submissions]
    looked = time.monotonic()
    while left:
        for watch in watches:
            yield from _of(left, watch.news())
        if time.monotonic() - looked >= LOOK_SECONDS:
            losses = [loss for watch in watches for loss in watch.losses(left)]
            yield from _of(left, _settled(losses, finished))
            if again := [job for loss in losses for job in loss.jobs if job.key in left]:
                watches.append(Watch(submit(again, 1 + max(loss.submission.attempt for loss in losses))))
            looked = time.monotonic()
        time.sleep(POLL_SECONDS)


def _of(left: dict[str, Job], events: Iterable[Event]) -> Iterator[Event]:
    """The events of jobs that have not ended; one that ends is taken out."""
    for event in events:
        job = left.get(event.job.key)
        if job is not None:
            if isinstance(event, JobEnded):
                del left[job.key]
            yield replace(event, job=job)


def _settled(losses: Iterable[Loss], finished: Callable[[Job], Sequence[Event]]) -> Iterator[Event]:
    """The events of lost jobs that have a result or are given up; of others, a warning."""
    for loss in losses:
        results = {job: finished(job) for job in loss.jobs}
        for events in results.values():
            yield from events
        if loss.final:
            yield from loss.ends()  # those with a result have ended already
        else:
            for job in (job for job, events in results.items() if not events):
                warnings.warn(f"{job.title}: {loss.reason}; it is tried once more", stacklevel=2)
