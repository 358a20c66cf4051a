"""The catalogue of optimizers: one row each, read by the command line, the engine and the tests.

Importing this room does not import torch; ``from adabench.optimizers import AdaFix`` does.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adabench.catalogue import Option, Value, find, label, load, resolve
from adabench.optimizers.outside import is_outside, outside_spec
from adabench.optimizers.ranges import Range, Space, lr
from adabench.optimizers.row import OptimizerRow, Traits, one_a_step
from adabench.optimizers.rows import OPTIMIZERS
from adabench.optimizers.schedules import SCHEDULES
from adabench.spec import Implementation, OptimizerSpec

if TYPE_CHECKING:
    from adabench.optimizers.adabound import AdaBound
    from adabench.optimizers.adafix import AdaFix
    from adabench.optimizers.adashift import AdaShift

__all__ = [
    "OPTIMIZERS",
    "AdaBound",
    "AdaFix",
    "AdaShift",
    "OptimizerRow",
    "Traits",
    "can_be_captured",
    "gradient_evaluations",
    "implementation_of",
    "optimizer_spec",
    "search_space",
]


def optimizer_spec(name: str, given: Mapping[str, Value]) -> OptimizerSpec:
    """Resolve a name and its settings against the catalogue, or against the code the name points at.

    Args:
        name: a catalogue name, or ``package.module:attribute``, or ``path.py:attribute``. A name of
            the latter kinds is imported: its code runs.
        given: hyperparameters by name, and ``schedule`` for that of the learning rate.

    Raises:
        RequestError: an unknown name or setting, a value outside its range, or code that cannot be
            loaded.
    """
    outside = is_outside(name) and name.partition(":")[0] not in OPTIMIZERS
    row = None if outside else find("optimizer", OPTIMIZERS, name)
    default = row.schedule if row else "constant"
    schedule = Option(default, "how the learning rate moves over the run", choices=tuple(SCHEDULES))
    if row is None:
        return outside_spec(name, given, schedule)
    options = {**row.options, "schedule": schedule}
    settings = resolve(name, options, given)
    hyperparameters = {key: value for key, value in settings.items() if key != "schedule"}
    return OptimizerSpec(
        name=name,
        label=label(name, options, settings),
        hyperparameters=hyperparameters,
        schedule=str(settings["schedule"]),
    )


def gradient_evaluations(spec: OptimizerSpec, steps: int) -> int:
    """How many gradients ``spec`` evaluates in ``steps`` steps.

    It is the most where the row says so, and the least, one a step, for an optimizer from outside.
    """
    row = OPTIMIZERS.get(spec.name)
    return (row.gradient_evaluations if row else one_a_step)(spec.hyperparameters, steps)


def implementation_of(spec: OptimizerSpec, wanted: Implementation) -> Implementation:
    """The kind of update that ``spec`` runs when ``wanted`` is asked of all: fused only where it has one."""
    row = OPTIMIZERS.get(spec.name)
    return "fused" if wanted == "fused" and row is not None and row.traits.fused else "foreach"


def can_be_captured(spec: OptimizerSpec, implementation: Implementation) -> bool:
    """Whether a CUDA graph can hold a step of ``spec``, built as ``implementation`` and capturable."""
    row = OPTIMIZERS.get(spec.name)
    if row is None:
        return False
    fused = implementation_of(spec, implementation) == "fused"
    return row.traits.capturable or (row.traits.capturable_if_fused and fused)


def search_space(spec: OptimizerSpec) -> Space:
    """The ranges in which the settings of ``spec`` can be searched.

    They are the catalogue's; of an optimizer from outside, those around its own learning rate.
    """
    row, rate = OPTIMIZERS.get(spec.name), spec.hyperparameters.get("lr")
    schedules = {"schedule": (Range(choices=tuple(SCHEDULES), searched=True),)}
    if row is None:
        own = {"lr": lr(rate)} if isinstance(rate, float) and rate > 0 else {}
        return own | schedules
    return {**row.space, **schedules}


def __getattr__(name: str) -> Any:
    """The project's own optimizer classes, imported on first use."""
    if name in ("AdaFix", "AdaBound", "AdaShift"):
        return load(f"adabench.optimizers.{name.lower()}:{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
