"""A sweep so small that it can be stopped hundreds of times, and what its results say besides times."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adabench import cli, pipeline
from adabench.config import Request, Settings
from adabench.engine import run as engine_run
from adabench.events import Event
from adabench.launchers.local import Local
from adabench.results.merging import COSTS

MODEL, DATASET = "mlp:hidden=4", "synthetic:size=4,channels=1,classes=2,train=24,test=8"
OPTIMIZERS = ("adam", "sgdm")
AT_EVERY_STEP = 1e-9


def sweep(
    folder: Path,
    *,
    seeds: int = 1,
    epochs: int = 2,
    checkpoint_every: float = AT_EVERY_STEP,
    before: Callable[[], object] = lambda: None,
    listen: Callable[[Event], None] = lambda event: None,
) -> int:
    """Run it in this process with a checkpoint after each step; ``before`` is called as the jobs begin."""
    engine_run.SIGN_OF_LIFE_SECONDS = 0.0
    plan = pipeline.plan(
        Request(
            optimizers=OPTIMIZERS,
            models=(MODEL,),
            datasets=(DATASET,),
            settings=Settings(seeds=seeds, epochs=epochs, batch_size=8),
        ),
        out=folder,
        data_dir=folder,
        device="cpu",
        launcher=Local(workers=1, threads=1),
        stack_seeds="off",
        checkpoint_every=checkpoint_every,
    )
    pipeline.prepare(plan)
    before()
    return int(any(result.status != "completed" for result in pipeline.execute(plan, listen)))


def words(*, seeds: int = 1, epochs: int = 2, workers: int = 2) -> list[str]:
    """The same sweep as a command, but for its number of workers and with few checkpoints."""
    named = [word for name in OPTIMIZERS for word in ("--opt", name)]
    problem = ["--model", MODEL, "--dataset", DATASET, "--batch-size", "8", "--stack-seeds", "off"]
    size = ["--seeds", str(seeds), "--epochs", str(epochs), "--workers", str(workers), "--threads", "1"]
    return ["run", *named, *problem, *size, "--device", "cpu"]


def command(arguments: list[str]) -> int:
    """Run the command line in this process; its exit code."""
    sys.argv = ["adabench", *arguments]
    try:
        cli.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 99
    return 0


def outcomes(folder: Path) -> dict[str, Any]:
    """What every finished result says that does not depend on when and where it ran, by its path."""
    found = {}
    for path in folder.rglob("*.json"):
        result = json.loads(path.read_bytes())
        if result["status"] in ("completed", "diverged"):
            for part in ("environment", "sha256"):
                result.pop(part, None)
            result["summary"], result["curve"] = _lasting(result["summary"]), _lasting(result["curve"])
            found[str(path.relative_to(folder))] = result
    return found


def finished(folder: Path) -> dict[str, bytes]:
    """Every finished result's bytes, by its path."""
    return {name: (folder / name).read_bytes() for name in outcomes(folder)}


def to_file(path: Path) -> None:
    """Send this process's stdout and stderr to a file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def _lasting(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in COSTS}
