"""A SLURM cluster: bundles of jobs as the tasks of an array, which run whether or not anyone looks on.

Tasks checkpoint and commit by themselves in the folder of results, which all nodes share. The
coordinator submits what is neither done nor under way, and follows the rest; it may leave at any time
and come back.
"""

import shutil
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from adabench.engine.device import check_precision
from adabench.engine.tasks import tasks
from adabench.errors import RequestError, UnknownNameError
from adabench.events import Event
from adabench.launchers import slurm_queue
from adabench.launchers.launcher import Site, Terms
from adabench.launchers.packing import Packing
from adabench.launchers.remote import order_for
from adabench.launchers.signals import deferred
from adabench.launchers.slurm_submission import RECORD, Submission, alone, living, new_folder, submit
from adabench.launchers.slurm_watch import follow
from adabench.results import ResultStore
from adabench.results.record import retold
from adabench.spec import Job, Precision

MOST_TASKS = 1000
"""In one array, which is what SLURM takes unless told otherwise."""

WARNING_SECONDS = 120
"""How long before its time limit a task is warned, at most; a short limit gives a quarter of it."""


@dataclass(frozen=True, kw_only=True)
class Slurm:
    """A SLURM cluster, from a machine that can submit to it.

    Args:
        partition: where tasks run; the cluster's default when None.
        time: minutes after which SLURM ends a task. A task that needs longer is warned before, keeps its
            state, and goes on from it when its turn comes again.
        gres: generic resources of a task, such as ``gpu:1``.
        at_once: how many tasks may run at a time; as many as SLURM lets when None.
        bundle: how many jobs a task carries out one after another; more where an array would otherwise
            have more than `MOST_TASKS` tasks.
        threads: CPU threads of each job, and CPUs of a task.
    """

    partition: str | None = None
    time: int = 60
    gres: str | None = None
    at_once: int | None = None
    bundle: int = 1
    threads: int = 1

    def survey(self, device: str, precision: Precision, *, jobs: int) -> Site:
        """The cluster; see `Launcher.survey`.

        Raises:
            RequestError: SLURM or what speaks to it is not here, or what was asked for does not exist.
        """
        _require_slurm()
        self._require_partition()
        kind = self._device(device)
        check_precision(precision, kind)
        workers = max(1, min(self.at_once or jobs, -(-jobs // self.bundle)))
        name = f"SLURM cluster {slurm_queue.cluster() or 'of unknown name'}"
        return Site(
            devices=(kind,),
            packing=Packing(workers=workers, threads=self.threads if kind == "cpu" else None),
            name=f"{name}, partition {self.partition}" if self.partition else name,
        )

    def warm_up(self, jobs: Sequence[Job], site: Site) -> None:
        """Nothing: tasks start when SLURM lets them."""

    def launch(self, jobs: Sequence[Job], site: Site, terms: Terms) -> Generator[Event, None, None]:
        """Submit the jobs that are not under way, and follow all; closed early, it leaves them to SLURM.

        Raises:
            RequestError: SLURM does not take the jobs.
        """
        store, submissions = ResultStore(terms.out), list[Submission]()

        def submitted(chosen: Sequence[Job], attempt: int) -> Submission:
            with deferred():
                submissions.append(self._submit(chosen, site, terms, attempt))
            return submissions[-1]

        def finished(job: Job) -> list[Event]:
            result = None if terms.rerun else store.finished(job)
            return list(retold(result)) if result else []

        try:
            with deferred(), alone(terms.out):
                submissions += living(terms.out)
                under_way = {key for submission in submissions for key in submission.jobs}
                if new := [job for job in jobs if job.key not in under_way]:
                    submitted(new, 1)
            yield from follow(tuple(submissions), jobs, finished=finished, submit=submitted)
        except (GeneratorExit, KeyboardInterrupt):
            _take_leave(submissions)
            raise

    def _device(self, wanted: str) -> str:
        if wanted == "auto":
            return "cuda" if "gpu" in (self.gres or "") else "cpu"
        if wanted not in ("cpu", "cuda"):
            cure = "SLURM chooses the device of each task; use auto, cpu or cuda"
            raise RequestError(f"device {wanted!r} is not allowed with --launcher slurm: {cure}")
        return wanted

    def _submit(self, jobs: Sequence[Job], site: Site, terms: Terms, attempt: int) -> Submission:
        out = terms.out.absolute()
        folder = new_folder(out)
        orders = [
            order_for(task, site, terms, mark=str((folder / RECORD).relative_to(out)), attempt=attempt)
            for task in tasks(jobs)
        ]
        size = max(self.bundle, -(-len(orders) // MOST_TASKS))
        bundles = [orders[start : start + size] for start in range(0, len(orders), size)]
        return submit(folder, bundles, self._settings(), attempt)

    def _settings(self) -> dict[str, Any]:
        """What each task needs, in submitit's words."""
        return {
            "partition": self.partition,
            "time": self.time,
            "gres": self.gres,
            "cpus_per_task": self.threads,
            "srun_args": [f"--cpus-per-task={self.threads}"],
            "array_parallelism": self.at_once or MOST_TASKS,
            "signal_delay_s": min(WARNING_SECONDS, 60 * self.time // 4),
            "additional_parameters": {"requeue": True},
        }

    def _require_partition(self) -> None:
        known = slurm_queue.partitions()
        if self.partition and known and self.partition not in known:
            raise UnknownNameError("partition", self.partition, known)


def _require_slurm() -> None:
    if find_spec("submitit") is None:
        raise RequestError("--launcher slurm needs submitit; install it with: pip install 'adabench[slurm]'")
    if shutil.which("sbatch") is None:
        raise RequestError(
            "--launcher slurm finds no sbatch here; run it on a machine that submits to a SLURM cluster, "
            "or use --launcher local"
        )


def _take_leave(submissions: Sequence[Submission]) -> None:
    if submissions:
        ends = "; ".join(f"scancel --name={submission.name}" for submission in submissions)
        warnings.warn(
            f"SLURM goes on with the jobs; the same command follows them again, and this ends them: {ends}",
            stacklevel=2,
        )
