"""The catalogue of optimizers: one row each, read by the command line, the engine and the tests.

Importing this room does not import torch; ``from adabench.optimizers import AdaFix`` does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adabench.catalogue import Option, Value, find, label, load, resolve
from adabench.optimizers.schedules import SCHEDULES
from adabench.spec import OptimizerSpec

if TYPE_CHECKING:
    from adabench.optimizers.adabound import AdaBound
    from adabench.optimizers.adafix import AdaFix

__all__ = ["OPTIMIZERS", "AdaBound", "AdaFix", "OptimizerRow", "optimizer_spec"]


def _one_a_step(settings: Mapping[str, Value], steps: int) -> int:
    return steps


def _one_more_for_each_estimate(settings: Mapping[str, Any], steps: int) -> int:
    opening, every = min(int(settings["lipschitz_opening"]), steps), int(settings["lipschitz_every"])
    return steps + opening + len(range(-(-opening // every) * every, steps, every))


@dataclass(frozen=True, kw_only=True)
class OptimizerRow:
    """What the project knows of an optimizer.

    Args:
        target: its class, as ``"package.module:Class"``.
        summary: one line for people.
        paper: who published it, and where.
        options: hyperparameters with the paper's defaults and their ranges.
        fixed: arguments that make it this optimizer and not a relative of the same class.
        schedule: how its learning rate moves over a run unless asked otherwise.
        gradient_evaluations: how many a run takes, from the settings and its number of steps.
        state_per_parameter: numbers kept for each parameter.
    """

    target: str
    summary: str
    paper: str
    options: Mapping[str, Option]
    fixed: Mapping[str, Value] = field(default_factory=dict)
    schedule: str = "constant"
    gradient_evaluations: Callable[[Mapping[str, Value], int], int] = _one_a_step
    state_per_parameter: int


def _adam_options(lr: float = 1e-3) -> dict[str, Option]:
    return {
        "lr": Option(lr, "learning rate", low=0.0),
        "betas": Option((0.9, 0.999), "decay rates of both moments", low=0.0, high=1.0, open_high=True),
        "eps": Option(1e-8, "added to the root of the second moment", low=0.0),
        "weight_decay": Option(0.0, "L2 penalty added to the gradient", low=0.0),
    }


OPTIMIZERS: dict[str, OptimizerRow] = {
    "adafix": OptimizerRow(
        target="adabench.optimizers.adafix:AdaFix",
        summary="Adam whose second moment is fixed once gradients fall under L x learning rate",
        paper="Bae, Ryu and Shin 2019, arXiv 1911.00289",
        options=_adam_options()
        | {
            "trigger": Option(
                "abs", "what is compared with L x learning rate", choices=("abs", "signed", "second_moment")
            ),
            "decoupled_weight_decay": Option(False, "shrink the weights as AdamW does"),
            "lipschitz_every": Option(1, "steps between two estimates of L", low=1),
            "lipschitz_opening": Option(0, "first steps, each of which estimates L", low=0),
        },
        gradient_evaluations=_one_more_for_each_estimate,
        state_per_parameter=2,
    ),
    "adam": OptimizerRow(
        target="torch.optim:Adam",
        summary="momentum divided by the root of a running mean of squared gradients",
        paper="Kingma and Ba 2015, arXiv 1412.6980",
        options=_adam_options(),
        state_per_parameter=2,
    ),
    "amsgrad": OptimizerRow(
        target="torch.optim:Adam",
        summary="Adam with the largest second moment so far",
        paper="Reddi, Kale and Kumar 2018, arXiv 1904.09237",
        options=_adam_options(),
        fixed={"amsgrad": True},
        state_per_parameter=3,
    ),
    "adabound": OptimizerRow(
        target="adabench.optimizers.adabound:AdaBound",
        summary="Adam with learning rates clipped between bounds that close in on a final one",
        paper="Luo, Xiong, Liu and Sun 2019, arXiv 1902.09843",
        options=_adam_options()
        | {
            "final_lr": Option(0.1, "learning rate that the bounds close in on", low=0.0, open_low=True),
            "gamma": Option(1e-3, "speed at which the bounds close", low=0.0, open_low=True),
        },
        state_per_parameter=2,
    ),
    "sgdm": OptimizerRow(
        target="torch.optim:SGD",
        summary="stochastic gradient descent with momentum, dropping its rate tenfold twice",
        paper="Polyak 1964; Sutskever et al. 2013",
        options={
            "lr": Option(0.1, "learning rate", low=0.0),
            "momentum": Option(0.9, "decay rate of the velocity", low=0.0, high=1.0, open_high=True),
            "weight_decay": Option(0.0, "L2 penalty added to the gradient", low=0.0),
            "nesterov": Option(False, "look ahead along the velocity"),
        },
        schedule="step",
        state_per_parameter=1,
    ),
}


def optimizer_spec(name: str, given: Mapping[str, Value]) -> OptimizerSpec:
    """Resolve a name and its settings against the catalogue.

    Args:
        name: a catalogue name.
        given: hyperparameters by name, and ``schedule`` for that of the learning rate.

    Raises:
        RequestError: an unknown name or setting, or a value outside its range.
    """
    row = find("optimizer", OPTIMIZERS, name)
    schedule = Option(row.schedule, "how the learning rate moves over the run", choices=tuple(SCHEDULES))
    options = {**row.options, "schedule": schedule}
    settings = resolve(name, options, given)
    hyperparameters = {key: value for key, value in settings.items() if key != "schedule"}
    return OptimizerSpec(
        name=name,
        label=label(name, options, settings),
        hyperparameters=hyperparameters,
        schedule=str(settings["schedule"]),
    )


def __getattr__(name: str) -> Any:
    """The project's own optimizer classes, imported on first use."""
    if name in ("AdaFix", "AdaBound"):
        return load(f"adabench.optimizers.{name.lower()}:{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
