"""Optimizers by import path: what their signatures say, as a specification that names every setting."""

import inspect
import math
import warnings
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from adabench.catalogue import Option, Scalar, Value, spell
from adabench.errors import BadValueError, UnknownNameError
from adabench.optimizers.importing import import_object
from adabench.optimizers.known import arguments_of, outside_traits
from adabench.spec import OptimizerSpec

FALLBACK_LR = Option(1e-3, "learning rate of AdamW, for what is not a matrix", low=0.0)


def is_outside(name: str) -> bool:
    """Whether a name is an import path and not a catalogue name."""
    return ":" in name


def outside_spec(name: str, given: Mapping[str, Value], schedule: Option) -> OptimizerSpec:
    """Resolve an import path and its settings against the signature it leads to.

    Args:
        name: ``package.module:attribute`` or ``path.py:attribute`` of a class, or of a factory that
            takes parameters and settings and returns an optimizer.
        given: settings by name, and ``schedule`` for that of the learning rate.
        schedule: the option that ``schedule`` is read by.

    Returns:
        A specification with every setting that was given or that has a plain default.

    Raises:
        RequestError: what cannot be imported, a setting it does not take, or one it needs.
    """
    imported = import_object(name)
    traits = outside_traits(name, imported.target)
    if traits.licence:
        warnings.warn(f"{name}: {traits.licence}", stacklevel=2)
    settings = {key: value for key, value in given.items() if key != "schedule"}
    arguments, taken = _arguments(imported.target)
    if traits.matrices_only:
        default = FALLBACK_LR.default
        arguments["fallback_lr"] = inspect.Parameter("fallback_lr", _NAMED, default=default)
    _check_names(name, settings, arguments, takes_any=taken)
    resolved = {key: each.default for key, each in arguments.items() if _is_plain(each.default)}
    for key, value in settings.items():
        resolved[key] = _checked(name, key, value, resolved.get(key))
    scheduled = schedule.check(name, "schedule", given.get("schedule", schedule.default))
    changed = {key: resolved[key] for key in settings if not _same(resolved[key], arguments.get(key))}
    changed |= {} if scheduled == schedule.default else {"schedule": scheduled}
    pairs = ",".join(f"{key}={spell(value)}" for key, value in changed.items())
    return OptimizerSpec(
        name=name,
        label=f"{name}:{pairs}" if pairs else name,
        hyperparameters={key: value for key, value in resolved.items() if key != "foreach" or key in given},
        schedule=str(scheduled),
        source=imported.source,
    )


_NAMED = inspect.Parameter.KEYWORD_ONLY


def _arguments(target: Callable[..., Any]) -> tuple[dict[str, inspect.Parameter], bool]:
    """The settings that a signature names, and whether it takes others too."""
    arguments = arguments_of(target)
    stars = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = {key: each for key, each in arguments.items() if each.kind not in stars}
    return named, any(each.kind is inspect.Parameter.VAR_KEYWORD for each in arguments.values())


def _check_names(
    name: str, settings: Mapping[str, Value], arguments: Mapping[str, inspect.Parameter], *, takes_any: bool
) -> None:
    """Refuse a setting that is not taken, or looks like a slip for one that is, and ask for those needed."""
    for key in settings:
        if key not in arguments and not (takes_any and not get_close_matches(key, arguments)):
            raise UnknownNameError(f"option of {name}", key, arguments or ["none"])
    for key, each in arguments.items():
        if each.default is each.empty and key not in settings:
            raise BadValueError(
                f"{name} has no default for {key}; give it as {name}:{key}=VALUE, or name a factory of yours"
            )


def _is_plain(value: object) -> bool:
    """Whether a default can be written down: a word, a finite number, true, false, or several of them."""
    if isinstance(value, tuple):
        return bool(value) and all(_is_plain(item) and not isinstance(item, tuple) for item in value)
    return type(value) in (bool, int, str) or (type(value) is float and math.isfinite(value))


def _checked(name: str, key: str, value: Value, default: Value | None) -> Value:
    """The given value in the default's type; anything goes where there is no plain default."""
    if default is None:
        return value
    pattern = default[0] if isinstance(default, tuple) else default
    items = value if isinstance(value, tuple) else (value,)
    if isinstance(default, tuple) != isinstance(value, tuple) or not all(_fits(i, pattern) for i in items):
        raise BadValueError(f"{name}: {key}={spell(value)} is not allowed; its default is {spell(default)}")
    cast = tuple(float(item) if isinstance(pattern, float) else item for item in items)
    return cast if isinstance(value, tuple) else cast[0]


def _fits(item: Scalar, pattern: Scalar) -> bool:
    number = (int, float)
    if type(pattern) in number:
        return type(item) in number
    return type(item) is type(pattern)


def _same(value: Value, argument: inspect.Parameter | None) -> bool:
    return argument is not None and type(value) is type(argument.default) and value == argument.default
