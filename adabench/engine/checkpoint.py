"""A run's whole state on disk, so that an interrupted job goes on as if nothing had happened.

A checkpoint is two files: the state, and a manifest with its size and sha256 that is written last and
alone makes it count. Each is written to a temporary name, flushed and renamed. The last two stay, so
that damage to the newest costs some steps and not the run. States hold tensors and plain values only
and are loaded as such, after their digest has been checked: nothing in them can be executed.
"""

import hashlib
import io
import json
import os
import random
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from adabench import durable
from adabench.errors import CheckpointError, one_line

KEPT = 2
MANIFEST = ".manifest"
State = dict[str, Any]


class Checkpoints:
    """The checkpoints of one run in a folder of their own.

    Args:
        folder: where they are; it is made when the first is written.
        seconds: how long to wait from one to the next.
        jobs: the keys of the run's jobs; another run's checkpoints are not used.
    """

    def __init__(self, folder: Path, seconds: float, jobs: Sequence[str]) -> None:
        self._folder, self._seconds, self._jobs = folder, seconds, list(jobs)
        self._last, self._loadable = time.monotonic(), False

    @property
    def due(self) -> bool:
        """Whether it is time for the next one."""
        return time.monotonic() - self._last >= self._seconds

    def save(self, state: State, steps: int) -> None:
        """Write the state after so many steps.

        A state or a disk that does not let itself be written ends checkpointing with a warning: the
        run goes on, and after an interruption has only the checkpoints from before.
        """
        need = ""
        try:
            data = self._packed(state)
            need = f" ({len(data):,} bytes)"
            stem = f"{steps:012d}"
            self._folder.mkdir(parents=True, exist_ok=True)
            _publish(self._folder / f"{stem}.pt", data)
            facts = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "steps": steps}
            manifest = json.dumps(facts | {"torch": torch.__version__, "jobs": self._jobs})
            _publish(self._folder / f"{stem}{MANIFEST}", manifest.encode())
            self._forget(KEPT)
        except Exception as error:  # whatever a disk or somebody's optimizer comes up with
            self._seconds = float("inf")
            end = "the run goes on without"
            warnings.warn(f"no checkpoints in {self._folder}{need}: {one_line(error)}; {end}", stacklevel=2)
        self._last = time.monotonic()

    def load(self, device: torch.device) -> State | None:
        """The newest state that is whole, on the device; None where there is none."""
        for manifest in sorted(self._manifests(), reverse=True):
            try:
                return _verified(manifest, self._jobs, device)
            except Exception as error:  # damage shows in as many ways
                warnings.warn(f"checkpoint {manifest.stem} is not used: {one_line(error)}", stacklevel=2)
        return None

    def _packed(self, state: State) -> bytes:
        buffer = io.BytesIO()
        torch.save(state, buffer)
        if not self._loadable:  # better to learn now than after the interruption
            buffer.seek(0)
            torch.load(buffer, weights_only=True)
            self._loadable = True
        return buffer.getvalue()

    def _manifests(self) -> Iterator[Path]:
        return self._folder.glob(f"*{MANIFEST}")

    def _forget(self, keep: int) -> None:
        """Remove all but the newest, each manifest before its state."""
        for manifest in sorted(self._manifests())[:-keep]:
            for path in (manifest, manifest.with_suffix(".pt")):
                with suppress(FileNotFoundError):
                    os.unlink(path)  # noqa: PTH108  every durable operation is one of os


def random_state() -> State:
    """The generators that optimizers from elsewhere may draw from; plain lists, beside torch's tensors."""
    name, keys, *rest = np.random.get_state()
    version, words, gauss = random.getstate()
    state: State = {
        "torch": torch.get_rng_state(),
        "python": [version, list(words), gauss],
        "numpy": [str(name), [int(key) for key in keys], *rest],
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore_random_state(state: State) -> None:
    """Set the generators to what `random_state` found."""
    torch.set_rng_state(state["torch"].cpu())
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([each.cpu() for each in state["cuda"]])


def _verified(manifest: Path, jobs: list[str], device: torch.device) -> State:
    facts = json.loads(manifest.read_text())
    data = manifest.with_suffix(".pt").read_bytes()
    if len(data) != facts["size"] or hashlib.sha256(data).hexdigest() != facts["sha256"]:
        raise CheckpointError("it is damaged: its digest is not that of its manifest")
    if facts["jobs"] != jobs:
        raise CheckpointError("it belongs to a run of other jobs")
    if facts["torch"] != torch.__version__:
        raise CheckpointError(f"torch {facts['torch']} wrote it, and this is {torch.__version__}")
    state: State = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
    return state


def _publish(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, name and all."""
    durable.replace(path, data)
    durable.flush_folder(path.parent)
