"""Where jobs run. A launcher takes jobs and yields their events; nothing else knows where that was.

`local` is this machine: this process for one job at a time, a `crew` of `worker` processes for several.
`ray` and `slurm` are clusters, whose workers carry out `remote` orders. The catalogue here names them
without importing any.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["LAUNCHERS", "LauncherRow"]


@dataclass(frozen=True, kw_only=True)
class LauncherRow:
    """What the command line knows of a launcher.

    Args:
        build: its class, as ``"package.module:Class"``.
        summary: one line for people.
        takes: the settings that its class takes.
    """

    build: str
    summary: str
    takes: tuple[str, ...]


LAUNCHERS: Mapping[str, LauncherRow] = {
    "local": LauncherRow(
        build="adabench.launchers.local:Local",
        summary="this machine: its CPU, or all of its GPUs",
        takes=("workers", "threads"),
    ),
    "ray": LauncherRow(
        build="adabench.launchers.ray:Ray",
        summary="a Ray cluster, or a Ray of its own on this machine",
        takes=("workers", "threads", "ray_address", "gpus_per_job"),
    ),
    "slurm": LauncherRow(
        build="adabench.launchers.slurm:Slurm",
        summary="job arrays of a SLURM cluster",
        takes=("threads", "partition", "time", "gres", "at_once", "bundle"),
    ),
}
