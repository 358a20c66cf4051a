"""What can be compared, and on which axis of cost: both are tables of data."""

from dataclasses import dataclass
from typing import Literal

Axis = Literal["steps", "samples", "gradient_evaluations", "seconds"]
At = Literal["end", "equal-steps", "equal-samples", "equal-gradient-evaluations", "equal-seconds"]

AXES: dict[Axis, str] = {
    "steps": "steps",
    "samples": "samples",
    "gradient_evaluations": "gradient evaluations",
    "seconds": "seconds",
}
"""The columns of a curve that count cost, and what people call them."""

AT: dict[str, Axis | None] = {
    "end": None,
    "equal-steps": "steps",
    "equal-samples": "samples",
    "equal-gradient-evaluations": "gradient_evaluations",
    "equal-seconds": "seconds",
}
"""Where runs are compared: at their end, or where all have spent the same."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One quantity that optimizers are compared by.

    Args:
        quantity: the field of the summary that holds it at the end of a run.
        words: what people call it.
        column: the column of the curve that it is read from; None where there is no curve of it.
        chosen_by: the column whose best epoch decides which epoch is read; None reads the last.
        target: the column that a target is reached on.
        higher_is_better: which way is better.
        is_share: whether it is a fraction, shown in per cent.
    """

    quantity: str
    words: str
    column: str | None = None
    chosen_by: str | None = None
    target: str | None = None
    higher_is_better: bool = True
    is_share: bool = True

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1."""
        return 1 if self.higher_is_better else -1


METRICS: dict[str, Metric] = {
    "final": Metric(
        quantity="final_test_accuracy",
        words="final test accuracy",
        column="test_accuracy",
        target="test_accuracy",
    ),
    "best": Metric(
        quantity="best_test_accuracy",
        words="best test accuracy",
        column="test_accuracy",
        chosen_by="test_accuracy",
        target="test_accuracy",
    ),
    "validation": Metric(
        quantity="test_accuracy_at_best_validation",
        words="test accuracy at the best validation epoch",
        column="test_accuracy",
        chosen_by="validation_accuracy",
        target="validation_accuracy",
    ),
    "loss": Metric(
        quantity="final_test_loss",
        words="final test loss",
        column="test_loss",
        target="test_loss",
        higher_is_better=False,
        is_share=False,
    ),
    "train-loss": Metric(
        quantity="final_train_loss",
        words="final training loss",
        column="train_loss",
        target="train_loss",
        higher_is_better=False,
        is_share=False,
    ),
    "seconds": Metric(quantity="seconds", words="training seconds", higher_is_better=False, is_share=False),
    "memory": Metric(
        quantity="peak_memory_bytes", words="peak memory, bytes", higher_is_better=False, is_share=False
    ),
}
"""The values of ``--metric``."""
