"""How much there is: memory, room on disks, CPUs."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from adabench.doctor.finding import Finding, State

GIB = 2**30
LITTLE_MEMORY_BYTES = 2 * GIB
LITTLE_DISK_BYTES = GIB
NO_DISK_BYTES = 2**24
"""Below this even the results of a small sweep do not fit."""

CGROUP = Path("/sys/fs/cgroup")
"""Where Linux tells a container's own limits."""


def examine_memory() -> Iterator[Finding]:
    """Memory that is free, by the kernel and by the container's own limit."""
    facts = _meminfo()
    if "MemAvailable" not in facts:
        return
    free, total = facts["MemAvailable"], facts["MemTotal"]
    limit, used = _number(CGROUP / "memory.max"), _number(CGROUP / "memory.current")
    if limit is not None and used is not None and limit < total:
        free, total = min(free, limit - used), limit
    little = free < LITTLE_MEMORY_BYTES
    yield Finding(
        name="memory",
        state="note" if little else "ok",
        detail=f"{free / GIB:.1f} of {total / GIB:.1f} GiB are free",
        cure="run fewer jobs side by side with --workers, or smaller minibatches" if little else None,
    )


def _meminfo() -> dict[str, int]:
    place = Path("/proc/meminfo")
    lines = place.read_text().splitlines() if place.exists() else []
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}


def _number(place: Path) -> int | None:
    try:
        return int(place.read_text())
    except (OSError, ValueError):  # no such limit, or the word "max"
        return None


def examine_disk(places: Mapping[str, Path]) -> Iterator[Finding]:
    """Room for what will be written.

    Args:
        places: folders, there or not, by what they are for.
    """
    for what, place in places.items():
        near = next((folder for folder in (place, *place.absolute().parents) if folder.exists()), Path())
        free = shutil.disk_usage(near).free
        state: State = "wrong" if free < NO_DISK_BYTES else "note" if free < LITTLE_DISK_BYTES else "ok"
        yield Finding(
            name=f"disk for {what}",
            state=state,
            detail=f"{free / GIB:.1f} GiB are free at {near.absolute()}",
            cure=None if state == "ok" else "make room, or name another folder",
        )


def cpus_allowed() -> int:
    """How many CPUs this process may use, by its affinity and by the container's own limit."""
    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        quota, period = (CGROUP / "cpu.max").read_text().split()
        return max(1, min(allowed, int(quota) // int(period)))
    except (OSError, ValueError):  # no such limit, or the word "max"
        return allowed
