"""Whole sweeps of made-up results, with curves on every axis of cost, for reports and their figures."""

from collections.abc import Iterator, Sequence
from typing import Any

from factories import make_result

from adabench.results.format import Result

EPOCHS = 8
LEVELS = {"adam": 0.970, "adafix": 0.972, "sgdm": 0.950}


def curve(accuracy: float, *, epochs: int = EPOCHS, cost: float = 1.0) -> dict[str, list[float | None]]:
    """A curve that rises to ``accuracy``; ``cost`` scales gradient evaluations and seconds."""
    rise = [accuracy - 0.2 * 0.5**epoch for epoch in range(1, epochs)] + [accuracy]
    steps = [100.0 * epoch for epoch in range(1, epochs + 1)]
    return {
        "test_accuracy": list(rise),
        "train_loss": [2 * 0.6**epoch for epoch in range(epochs)],
        "steps": list(steps),
        "samples": [128 * step for step in steps],
        "gradient_evaluations": [cost * step for step in steps],
        "seconds": [0.01 * cost * step for step in steps],
    }


def run(optimizer: str, accuracy: float, *, seed: int = 0, cost: float = 1.0, **arguments: Any) -> Result:
    """A completed run with its curve; the remaining arguments are those of `make_result`."""
    figures = {"steps": 100 * EPOCHS, "parameters": 1000, "optimizer_state_bytes": 8000}
    made = make_result(
        optimizer=optimizer,
        accuracy=accuracy,
        seed=seed,
        epochs=EPOCHS,
        seconds=8 * cost,
        gradient_evaluations=round(100 * EPOCHS * cost),
        summary=figures,
        **arguments,
    )
    return made.model_copy(update={"curve": curve(accuracy, cost=cost)})


def diverged(optimizer: str, *, seed: int = 0, **arguments: Any) -> Result:
    """A run that diverged after three epochs, as its curve shows."""
    made = make_result(
        optimizer=optimizer,
        accuracy=None,
        seed=seed,
        epochs=EPOCHS,
        status="diverged",
        reason="loss is not finite at step 301",
        **arguments,
    )
    return made.model_copy(update={"curve": curve(0.6, epochs=3)})


def sweep(problems: Sequence[str] = ("mlp-mnist",), seeds: int = 3) -> list[Result]:
    """Adam, AdaFix (two gradients a step) and SGDM on each problem; one more optimizer that diverged."""
    return [result for number, label in enumerate(problems) for result in _on(label, number, seeds)]


def _on(label: str, number: int, seeds: int) -> Iterator[Result]:
    problem = {"label": label, "train_examples": 1000 + number if number else None}
    for name, level in LEVELS.items():
        for seed in range(seeds):
            accuracy = level + 0.001 * ((seed * 7 + len(name) * 3 + number) % 5)
            yield run(name, accuracy, seed=seed, cost=2 if name == "adafix" else 1, problem=problem)
    yield diverged("muon", problem=problem)


def rates(optimizer: str = "adam", values: Sequence[float] = (1e-4, 1e-3, 1e-2)) -> list[Result]:
    """Runs of one optimizer at several learning rates."""
    return [
        run(
            optimizer,
            0.97 - 0.01 * abs(place - 1),
            seed=seed,
            label=f"{optimizer}:lr={value:g}",
            hyperparameters={"lr": value, "betas": (0.9, 0.999)},
        )
        for place, value in enumerate(values)
        for seed in range(2)
    ]
