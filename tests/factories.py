"""Results for tests, complete and small: every argument has a default."""

from pathlib import Path
from typing import Any

from adabench.catalogue import Value
from adabench.events import Environment, Status, Summary
from adabench.results.format import Result
from adabench.results.store import ResultStore
from adabench.spec import Job, OptimizerSpec, Precision, SupervisedSpec


def make_job(
    *,
    optimizer: str = "adam",
    label: str | None = None,
    hyperparameters: dict[str, Value] | None = None,
    model: str = "mlp",
    dataset: str = "mnist",
    problem: dict[str, Any] | None = None,
    seed: int = 0,
    epochs: int = 2,
    precision: Precision = "fp32",
    threads: int | None = 2,
) -> Job:
    """A job; ``problem`` overrides any field of its `SupervisedSpec`."""
    fields = {"model": model, "dataset": dataset, "label": f"{model}-{dataset}"} | (problem or {})
    return Job(
        optimizer=OptimizerSpec(
            name=optimizer,
            label=optimizer if label is None else label,
            hyperparameters={"lr": 0.001, "betas": (0.9, 0.999)}
            if hyperparameters is None
            else hyperparameters,
            schedule="constant",
        ),
        problem=SupervisedSpec(**fields),
        seed=seed,
        epochs=epochs,
        precision=precision,
        threads=threads,
    )


def make_environment(**changes: Any) -> Environment:
    """Where a run was; any field can be changed."""
    fields: dict[str, Any] = {
        "adabench": "0.1.0",
        "python": "3.11.2",
        "torch": "2.14.1",
        "torchvision": "0.29.1",
        "platform": "Linux",
        "device": "Test CPU",
        "device_type": "cpu",
        "threads": 2,
        "command": ["adabench", "run"],
        "started": "2026-01-01T00:00:00Z",
        "ended": "2026-01-01T00:01:00Z",
        "dataset_fingerprint": "0" * 64,
    }
    return Environment(**fields | changes)


def make_result(
    *,
    accuracy: float | None = 0.98,
    best: float | None = None,
    status: Status = "completed",
    reason: str | None = None,
    seconds: float = 10.0,
    gradient_evaluations: int = 938,
    summary: dict[str, Any] | None = None,
    environment: dict[str, Any] | None = None,
    **job: Any,
) -> Result:
    """A result of two epochs; the remaining arguments are those of `make_job`.

    Args:
        accuracy: final test accuracy, a fraction.
        best: best test accuracy; the final one when None.
        status: how it ended.
        reason: why it did not complete.
        seconds: training time.
        gradient_evaluations: how many it took.
        summary: overrides fields of the `Summary`.
        environment: overrides fields of the `Environment`.
        job: arguments of `make_job`.
    """
    figures = {
        "final_test_accuracy": accuracy,
        "best_test_accuracy": accuracy if best is None else best,
        "final_test_loss": 0.1,
        "seconds": seconds,
        "steps": 938,
        "samples": 120_000,
        "gradient_evaluations": gradient_evaluations,
    }
    return Result(
        job=make_job(**job),
        status=status,
        reason=reason,
        summary=Summary(**figures | (summary or {})),
        curve={"train_loss": [0.5, 0.2], "test_accuracy": [0.9, accuracy]},
        environment=make_environment(**(environment or {})),
    )


def make_runs(optimizer: str, accuracies: list[float], **arguments: Any) -> list[Result]:
    """One completed result for each accuracy, with seeds 0, 1, 2 and so on."""
    return [
        make_result(optimizer=optimizer, seed=seed, accuracy=accuracy, **arguments)
        for seed, accuracy in enumerate(accuracies)
    ]


def store_all(folder: Path, results: list[Result]) -> Path:
    """Write every result into a store under ``folder`` and return it."""
    for result in results:
        ResultStore(folder).write(result)
    return folder
