"""Targets that come with the project: what a good run reaches on each problem of the suite ``breadth``.

A target serves to ask what it costs to get there: ``adabench compare --target known``. One rule set them
all: train `BASELINES` with their default settings as the suite says (20 epochs, minibatches of 32, the
whole training set); take each one's median over seeds of the test accuracy after 15 epochs; of the best
three take the median; round down to half a point. So the better half gets there with time to spare.
"""

from dataclasses import dataclass

BASELINES = ("adafix", "adam", "adamw", "amsgrad", "sgdm")
"""The optimizers that the targets were set by."""


@dataclass(frozen=True)
class Target:
    """What a run is to reach.

    Args:
        value: in the unit of the column.
        set_by: the seeds and the best three values that it was set by.
        column: of the curve, on which it is reached.
    """

    value: float
    set_by: str
    column: str = "test_accuracy"


TARGETS: dict[str, Target] = {
    "logistic-digits": Target(0.935, "seeds 0-2: sgdm 0.9694, adafix and adam 0.9361"),
    "mlp:hidden=128/128-breast_cancer": Target(0.955, "seeds 0-2: sgdm 0.9649, adafix and adam 0.9561"),
    "mlp-digits": Target(0.98, "seeds 0-2: adafix, adam and adamw 0.9806"),
    "vit:patch=2-digits": Target(0.935, "seeds 0-2: amsgrad 0.9389, adafix 0.9361, adamw 0.9333"),
    "char_transformer-python_text": Target(
        0.57, "seed 0, text of Python 3.11: amsgrad 0.5740, adafix and adam 0.5735"
    ),
    "char_gru-python_text": Target(0.62, "seed 0, text of Python 3.11: adafix and adam 0.6204, adamw 0.6203"),
}
"""Targets by the label of their problem."""
