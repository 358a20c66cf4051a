"""What cannot be seen from outside of other people's optimizers, as data, and what can be, by looking.

A key is a top-level package, or a package and the name of a class in it. Authors need no entry:
``adabench_traits = {"create_graph": True}`` on a class, or on a factory, says the same.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from adabench.errors import UnknownNameError
from adabench.optimizers.row import Traits

_NON_COMMERCIAL = "its licence is CC BY-NC-SA 4.0, which forbids commercial use"

KNOWN: Mapping[str, Mapping[str, Any]] = {
    # Compiles its kernels with max-autotune on first use, which takes minutes and a C++ compiler.
    "heavyball": {"module_settings": {"heavyball.utils:compile_mode": None}},
    "pytorch_optimizer:AdaHessian": {"create_graph": True},
    "pytorch_optimizer:SophiaH": {"create_graph": True},
    "pytorch_optimizer:Fromage": {"licence": _NON_COMMERCIAL},
    "pytorch_optimizer:Nero": {"licence": _NON_COMMERCIAL},
    "pytorch_optimizer:SpectralSphere": {"matrices_only": True},
    "torch:Muon": {"matrices_only": True, "rounds_to_bfloat16": True},
    "torch:LBFGS": {"parameter_groups": False},
}

_NAMES = tuple(field.name for field in fields(Traits))


def outside_traits(name: str, target: Callable[..., Any], optimizer: object = None) -> Traits:
    """The traits of an optimizer from outside: seen, then known, then declared; the last word counts.

    Args:
        name: as the user typed it, for the error.
        target: its class, or a factory.
        optimizer: one that ``target`` has made; without it ``target`` is taken to be a class.

    Raises:
        UnknownNameError: the author declares a trait that does not exist.
    """
    made = target if optimizer is None else type(optimizer)
    package = target.__module__.partition(".")[0]
    traits = {**_seen(target, made)}
    for key in (package, f"{package}:{getattr(target, '__name__', '')}"):
        traits |= KNOWN.get(key, {})
    for owner in (made, target):
        declared = getattr(owner, "adabench_traits", {})
        for key in declared:
            if key not in _NAMES:
                raise UnknownNameError(f"trait of {name}", key, _NAMES)
        traits |= declared
    return Traits(**traits)


def _seen(target: Callable[..., Any], made: Any) -> dict[str, Any]:
    """What classes and signatures show by themselves."""
    arguments = arguments_of(target)
    step = arguments_of(getattr(made, "step", None))
    closure = next(iter(step.values()), None)
    switches = all(callable(getattr(made, word, None)) for word in ("train", "eval"))
    return {
        "needs_closure": closure is not None and closure.default is closure.empty,
        "calls_closure": bool(step),
        "create_graph": bool(getattr(made, "is_second_order", False)),  # timm's word for it
        "train_eval": switches,
        "recompute_batchnorm": switches,
        "foreach": "foreach" in arguments,
        "capturable": "capturable" in arguments,
    }


def arguments_of(function: Any) -> dict[str, inspect.Parameter]:
    """A function's or a class's parameters after its first: ``self``, or what it optimizes."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return {}
    return {parameter.name: parameter for parameter in parameters[1:]}
