"""A run in one line: its last and best epochs, what it cost, and how large it was."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from adabench.events import Summary


def summarize(
    history: Sequence[Mapping[str, float]],
    *,
    seconds: Mapping[str, float],
    model: nn.Module,
    optimizer: Optimizer,
    peak_memory_bytes: int | None,
    models: int = 1,
    resumed_at_step: int | None = None,
) -> Summary:
    """Fold the epochs' metrics and the clocks into a summary; an empty history leaves metrics None.

    Args:
        history: one row of metrics an epoch.
        seconds: of each phase of the clock.
        model: what was trained.
        optimizer: what trained it.
        peak_memory_bytes: of all that ran.
        resumed_at_step: where the run last went on from a checkpoint.
        models: how many of them ran as one: each has its share of the seconds and of the state.
    """
    seconds = {phase: time / models for phase, time in seconds.items()}
    sizes: dict[str, Any] = {
        "setup_seconds": seconds.get("setup"),
        "warm_up_seconds": seconds.get("warm_up"),
        "checkpoint_seconds": seconds.get("checkpoint"),
        "resumed_at_step": resumed_at_step,
        "parameters": sum(p.numel() for p in model.parameters()) // models,
        "peak_memory_bytes": peak_memory_bytes,
        "optimizer_state_bytes": sum(tensor.nbytes for tensor in _state_tensors(optimizer)) // models,
    }
    if not history:
        return Summary(**sizes)
    last, training = history[-1], seconds["training"]
    selected = max(history, key=lambda epoch: epoch.get("validation_accuracy", -1.0))
    return Summary(
        final_test_accuracy=last["test_accuracy"],
        final_test_loss=last["test_loss"],
        best_test_accuracy=max(epoch["test_accuracy"] for epoch in history),
        best_validation_accuracy=selected.get("validation_accuracy"),
        test_accuracy_at_best_validation=selected["test_accuracy"]
        if "validation_accuracy" in selected
        else None,
        final_train_loss=last["train_loss"],
        seconds=training,
        evaluation_seconds=seconds["evaluation"],
        steps=int(last["steps"]),
        samples=int(last["samples"]),
        gradient_evaluations=int(last["gradient_evaluations"]),
        steps_per_second=last["steps"] / training,
        **sizes,
    )


def _state_tensors(optimizer: Optimizer) -> Iterator[Tensor]:
    """Every tensor the optimizer keeps: per parameter, and shared in its groups."""
    yield from _tensors(getattr(optimizer, "state", {}).values())
    for group in optimizer.param_groups:
        yield from _tensors(value for name, value in group.items() if name != "params")


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, Mapping):
            yield from _tensors(value.values())
        elif isinstance(value, (list, tuple, deque)):
            yield from _tensors(value)
