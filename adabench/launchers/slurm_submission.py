"""An array of tasks that was handed to SLURM, remembered in a folder of its own beside the results.

    results/.slurm/<name>/submission         which jobs each task has
                          0.events           what task 0 tells
                          12_0_0_log.err     what it wrote to stderr; 12 is the array's number

The folder is made before SLURM is asked and its name is the array's job name, so that a coordinator that
dies at any moment leaves nothing in the queue that the next one would not find.
"""

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from adabench import durable
from adabench.errors import RequestError, one_line
from adabench.launchers import slurm_queue
from adabench.spec import Frozen

if TYPE_CHECKING:
    from adabench.launchers.remote import Order

RECORD = "submission"

Bundle = Sequence["Order"]


class Submission(Frozen):
    """An array of tasks.

    Args:
        folder: its own, as an absolute path.
        tasks: the keys of each task's jobs, by its number in the array.
        attempt: how often these jobs have been submitted, counted from 1.
    """

    folder: Path
    tasks: dict[int, tuple[str, ...]]
    attempt: int = 1

    @property
    def name(self) -> str:
        """The array's job name in SLURM."""
        return self.folder.name

    @property
    def jobs(self) -> frozenset[str]:
        """The keys of all its jobs."""
        return frozenset(key for keys in self.tasks.values() for key in keys)

    def events(self, task: int) -> Path:
        """The file in which a task tells what happens."""
        return self.folder / f"{task}.events"


def home(out: Path) -> Path:
    """Where the submissions of a folder of results are."""
    return out.absolute() / ".slurm"


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Run the block while no other coordinator submits to the same folder of results."""
    folder = home(out)
    durable.make_folder(folder)
    try:
        with durable.alone_in(folder):
            yield
    finally:
        with suppress(OSError):
            folder.rmdir()  # when nothing is in it


def new_folder(out: Path) -> Path:
    """The name of a submission's folder; it is not made."""
    return home(out) / f"adabench-{secrets.token_hex(4)}"


def living(out: Path) -> list[Submission]:
    """The submissions that wait or run, each with those tasks that do; what is left of others is removed."""
    found = map(_living, sorted(home(out).glob("adabench-*")))
    return [submission for submission in found if submission is not None]


def submit(folder: Path, bundles: Sequence[Bundle], settings: Mapping[str, Any], attempt: int) -> Submission:
    """Hand bundles of orders to SLURM, each as one task of an array.

    Args:
        folder: the submission's, as `new_folder` names it.
        bundles: the orders of each task.
        settings: submitit's words for what each task needs.
        attempt: how often these jobs have been submitted, counted from 1.

    Raises:
        RequestError: SLURM refuses; nothing is left behind.
    """
    import submitit

    from adabench.launchers.slurm_task import work

    submission = Submission(folder=folder, tasks=dict(enumerate(map(_keys, bundles))), attempt=attempt)
    durable.make_folder(folder)
    durable.replace(folder / RECORD, submission.model_dump_json().encode())
    executor = submitit.SlurmExecutor(folder)
    executor.update_parameters(job_name=submission.name, wckey=None, **settings)
    texts = [[order.model_dump_json() for order in orders] for orders in bundles]
    try:
        executor.map_array(work, texts, [str(submission.events(task)) for task in range(len(texts))])
    except RuntimeError as error:  # submitit's own
        shutil.rmtree(folder, ignore_errors=True)
        raise RequestError(f"SLURM does not take the jobs: {one_line(error)}") from error
    return submission


def _living(folder: Path) -> Submission | None:
    try:
        recorded = Submission.model_validate_json((folder / RECORD).read_bytes())
    except (OSError, ValidationError):
        return None
    gone = slurm_queue.gone(recorded.name, recorded.tasks) or {}
    tasks = {task: keys for task, keys in recorded.tasks.items() if task not in gone}
    if not tasks:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return recorded.model_copy(update={"tasks": tasks})


def _keys(bundle: Bundle) -> tuple[str, ...]:
    return tuple(job.key for order in bundle for job in order.jobs)
