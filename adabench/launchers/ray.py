"""Jobs on a Ray cluster: one worker for each slot, which takes one task after another."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from adabench.engine.device import select_device
from adabench.engine.tasks import tasks
from adabench.errors import RequestError
from adabench.events import Event
from adabench.launchers.launcher import Site, Terms
from adabench.launchers.packing import Packing
from adabench.launchers.ray_cluster import Node, connect, nodes
from adabench.launchers.ray_crew import Crew
from adabench.launchers.remote import marked, order_for
from adabench.spec import Job, Precision


@dataclass(frozen=True, kw_only=True)
class Ray:
    """A Ray cluster.

    Args:
        ray_address: ``HOST:PORT`` of its head; None takes ``$RAY_ADDRESS``, or else starts one here.
        workers: jobs to run side by side, at least 1; None takes up all room that there is.
        threads: CPU threads of each job.
        gpus_per_job: the part of a GPU that each job gets, in (0, 1]. Ray keeps count of GPUs, but does
            not divide their memory.
    """

    ray_address: str | None = None
    workers: int | None = None
    threads: int = 1
    gpus_per_job: float = 1.0

    def survey(self, device: str, precision: Precision, *, jobs: int) -> Site:
        """What the cluster has room for; see `Launcher.survey`."""
        connect(self.ray_address, cpus=self.workers and self.workers * self.threads)
        machines = nodes()
        gpus = sum(machine.gpus for machine in machines)
        if device == "auto":
            device = "cuda" if gpus else "cpu"
        if device.startswith("cuda:"):
            cure = "give --device cuda, and --gpus-per-job"
            raise RequestError(
                f"device {device!r} is not allowed on Ray, which deals out GPUs itself; {cure}"
            )
        if device != "cuda":
            select_device(device, precision)
        elif not gpus:
            raise RequestError("the Ray cluster has no GPU; use --device cpu")
        room = self.workers or max(1, min(jobs, sum(self._slots(machine, device) for machine in machines)))
        return Site(
            devices=(device,),
            packing=Packing(workers=room, threads=self.threads if device == "cpu" else None),
            name=f"Ray cluster of {len(machines)} node{'' if len(machines) == 1 else 's'}",
        )

    def warm_up(self, jobs: Sequence[Job], site: Site) -> None:
        """Nothing: workers come with the first jobs."""

    def launch(self, jobs: Sequence[Job], site: Site, terms: Terms) -> Generator[Event, None, None]:
        """Run jobs on the cluster, see `Launcher.launch`; closing the generator stops them."""
        with marked(terms.out) as mark:
            order = order_for((), site, terms, mark=mark)
            crew = Crew(
                order, options=self._needs(site.device), limit=self.workers, hang_after=terms.hang_after
            )
            yield from crew.run(tasks(jobs))

    def _needs(self, device: str) -> dict[str, Any]:
        """What one worker takes of a node, in Ray's words."""
        return {"num_cpus": self.threads, "num_gpus": self.gpus_per_job if device == "cuda" else 0}

    def _slots(self, machine: Node, device: str) -> int:
        """How many workers a node has room for."""
        slots = machine.cpus // self.threads
        return int(slots if device == "cpu" else min(slots, machine.gpus / self.gpus_per_job + 1e-9))
