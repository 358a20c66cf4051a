"""How long ``adabench compare`` takes over many results: makes synthetic ones, times it, profiles it.

    python bench/scale.py [--short] [--results 10000] [--folder FOLDER] [--profile]

The results are made once and stay in the folder.
"""

import argparse
import cProfile
import json
import pstats
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from adabench.events import Environment, Summary
from adabench.results import Result
from adabench.spec import Job, OptimizerSpec, SupervisedSpec

OPTIMIZERS = ("adafix", "adam", "amsgrad", "adabound", "sgdm", "adamw", "nadam", "radam", "muon", "adagrad")
SEEDS = 5
EPOCHS = 30
STEPS = 469


def synthetic(problem: int, optimizer: int, seed: int) -> Result:
    """One result whose accuracy depends on the problem, the optimizer, the seed and chance."""
    draw = np.random.default_rng([problem, optimizer, seed])
    final = 0.9 + 0.005 * np.sin(problem) + 0.002 * optimizer + draw.normal(0, 0.002)
    done = np.arange(1, EPOCHS + 1)
    accuracy = final - 0.5 * np.exp(-done / 4)
    evaluations = STEPS * done * (2 if optimizer == 0 else 1)
    diverged = draw.random() < 0.005
    name = OPTIMIZERS[optimizer]
    return Result(
        job=Job(
            optimizer=OptimizerSpec(
                name=name, label=name, hyperparameters={"lr": 0.001}, schedule="constant"
            ),
            problem=SupervisedSpec(model="mlp", dataset=f"data{problem}", label=f"mlp-data{problem}"),
            seed=seed,
            epochs=EPOCHS,
            threads=1,
        ),
        status="diverged" if diverged else "completed",
        reason="loss is not finite at step 7" if diverged else None,
        summary=Summary(
            final_test_accuracy=None if diverged else float(accuracy[-1]),
            best_test_accuracy=None if diverged else float(accuracy.max()),
            final_test_loss=None if diverged else float(1 - accuracy[-1]),
            seconds=float(EPOCHS * draw.uniform(9, 11)),
            steps=EPOCHS * STEPS,
            samples=EPOCHS * STEPS * 128,
            gradient_evaluations=int(evaluations[-1]),
        ),
        curve={
            "train_loss": (0.9 - accuracy / 2).tolist(),
            "train_accuracy": (accuracy + 0.01).tolist(),
            "test_loss": (1 - accuracy).tolist(),
            "test_accuracy": accuracy.tolist(),
            "learning_rate": [0.001] * EPOCHS,
            "seconds": (10.0 * done).tolist(),
            "steps": (1.0 * STEPS * done).tolist(),
            "samples": (128.0 * STEPS * done).tolist(),
            "gradient_evaluations": (1.0 * evaluations).tolist(),
        },
        environment=Environment(
            adabench="0.1.0",
            python="3.11",
            torch="2.14.1",
            platform="synthetic",
            device="synthetic",
            device_type="cpu",
            threads=1,
            command=["bench/scale.py"],
            started="2026-01-01T00:00:00Z",
            ended="2026-01-01T00:01:00Z",
            dataset_fingerprint=f"{problem:064d}",
        ),
    )


def fill(folder: Path, count: int) -> None:
    """Write ``count`` results, five seeds of ten optimizers a problem, laid out as the store does."""
    for i in range(count):
        problem, rest = divmod(i, len(OPTIMIZERS) * SEEDS)
        optimizer, seed = divmod(rest, SEEDS)
        result = synthetic(problem, optimizer, seed)
        file = folder / result.job.problem.label / OPTIMIZERS[optimizer] / f"{seed}-{result.job.key}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(result.model_dump(), allow_nan=False))


def measure(folder: Path, repeats: int, flags: list[str]) -> None:
    """Print the wall time of the whole command, process start to end, and its largest memory."""
    command = [sys.executable, "-m", "adabench", "compare", str(folder), *flags]
    for _ in range(repeats):
        begin = time.perf_counter()
        timed = ["/usr/bin/env", "time", "-f", "%M", *command] if Path("/usr/bin/time").exists() else command
        done = subprocess.run(timed, capture_output=True, text=True, check=True)
        memory = done.stderr.strip().splitlines()[-1:] if timed is not command else []
        kilobytes = f", {int(memory[0]) / 1024:.0f} MB" if memory else ""
        print(f"{time.perf_counter() - begin:.2f} s{kilobytes}, {len(done.stdout):,} characters")


def profile(folder: Path) -> None:
    """Print where the time goes."""
    from adabench.compare import Question, compare
    from adabench.report import terminal
    from adabench.results import read_all

    profiler = cProfile.Profile()
    profiler.enable()
    results = read_all([folder]).results
    read = time.perf_counter()
    comparison = compare(results, question=Question(curves=False))
    compared = time.perf_counter()
    terminal.render(comparison)
    profiler.disable()
    print(f"compare {compared - read:.2f} s, render {time.perf_counter() - compared:.2f} s (profiled)")
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)


def main() -> None:
    """Make the results where they are not there yet, and time the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--results", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir(), "adabench-scale"))
    parser.add_argument("--short", action="store_true", help="2,000 results, once")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("flags", nargs="*", help="flags of compare, after --")
    arguments = parser.parse_args()
    if arguments.short:
        arguments.results, arguments.repeats = 2_000, 1
    folder = arguments.folder / str(arguments.results)
    if not folder.exists():
        fill(folder, arguments.results)
    if arguments.profile:
        profile(folder)
    else:
        measure(folder, arguments.repeats, arguments.flags)


if __name__ == "__main__":
    main()
