"""What a catalogue row is made of: named options with defaults and ranges, and a lazy target.

Optimizers, models and data sets are plain dicts of rows. Rows are data, so that the command line,
its error messages and the tests work from them without importing torch.
"""

import importlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from adabench.errors import BadValueError, UnknownNameError

Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...]
Row = TypeVar("Row")


@dataclass(frozen=True)
class Option:
    """One named setting of a row: its default, its range, and what it means.

    Args:
        default: the value used when none is given; its type decides how a given value is read.
        about: one line for people, with the unit.
        low: the smallest allowed number; excluded when ``open_low``.
        high: the largest allowed number; excluded when ``open_high``.
        choices: the allowed words, for a text option.
        any_length: a tuple option that takes any number of items, not only as many as the default.
    """

    default: Value
    about: str
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    choices: tuple[str, ...] = ()
    any_length: bool = False

    def check(self, owner: str, name: str, value: Value) -> Value:
        """Return ``value`` in the default's type, or raise `BadValueError`."""
        if isinstance(self.default, tuple):
            items = value if isinstance(value, tuple) else (value,)
            if (self.any_length or len(items) == len(self.default)) and all(map(self._fits, items)):
                return tuple(map(self._cast, items))
        elif not isinstance(value, tuple) and self._fits(value):
            return self._cast(value)
        raise BadValueError(f"{owner}: {name}={spell(value)} is not allowed; it takes {self.allowed()}")

    def allowed(self) -> str:
        """The allowed values in words, such as ``a number in [0, 1)``."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        noun = {bool: "true or false", int: "whole number", float: "number"}.get(self._kind, "word")
        if isinstance(self.default, tuple):
            noun = f"{noun}s joined by /" if self.any_length else f"{len(self.default)} {noun}s as a/b"
        elif self._kind is not bool:
            noun = f"a {noun}"
        if math.isinf(self.low) and math.isinf(self.high):
            return noun
        left = "(" if self.open_low or math.isinf(self.low) else "["
        right = ")" if self.open_high or math.isinf(self.high) else "]"
        return f"{noun} in {left}{self.low:g}, {self.high:g}{right}"

    @property
    def _kind(self) -> type:
        return type(self.default[0] if isinstance(self.default, tuple) else self.default)

    def _cast(self, item: Scalar) -> Scalar:
        return float(item) if self._kind is float and isinstance(item, int) else item

    def _fits(self, item: Scalar) -> bool:
        if self.choices:
            return item in self.choices
        if self._kind in (int, float) and isinstance(item, (int, float)) and not isinstance(item, bool):
            above = item > self.low if self.open_low else item >= self.low
            below = item < self.high if self.open_high else item <= self.high
            return above and below and math.isfinite(item) and isinstance(item, (int, self._kind))
        return isinstance(item, self._kind)


def find(kind: str, catalogue: Mapping[str, Row], name: str) -> Row:
    """The row called ``name``, or `UnknownNameError` with the nearest name."""
    if name not in catalogue:
        raise UnknownNameError(kind, name, catalogue)
    return catalogue[name]


def resolve(owner: str, options: Mapping[str, Option], given: Mapping[str, Value]) -> dict[str, Value]:
    """Every option's value in the catalogue's order: the given one, checked, else the default."""
    for name in given:
        if name not in options:
            raise UnknownNameError(f"option of {owner}", name, options or ["none"])
    return {
        name: option.check(owner, name, given[name]) if name in given else option.default
        for name, option in options.items()
    }


def label(name: str, options: Mapping[str, Option], values: Mapping[str, Value]) -> str:
    """``name`` with every value that differs from its default, as one would type it."""
    changed = [f"{key}={spell(value)}" for key, value in values.items() if value != options[key].default]
    return f"{name}:{','.join(changed)}" if changed else name


def load(target: str) -> Any:
    """The object that ``"package.module:attribute"`` names."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def parse(text: str) -> tuple[str, dict[str, Value]]:
    """Read ``name``, ``name:k=v,k=v`` or ``scheme:path,k=v`` into a name and its options.

    Whatever follows the first colon and does not look like ``k=v`` belongs to the name, so
    ``folder:/data/pets,augment=crop_flip`` is the name ``folder:/data/pets`` with one option.
    """
    name, *rest = re.split(r"[:,](?=[A-Za-z_]\w*=)", text.strip())
    pairs = (item.partition("=") for item in rest)
    return name, {key: read_value(value) for key, _, value in pairs}


def read_value(text: str) -> Value:
    """Read ``3``, ``1e-3``, ``true``, ``0.9/0.99`` or a word."""
    parts = tuple(_read_scalar(part) for part in text.split("/"))
    many = len(parts) > 1 and not any(isinstance(part, str) for part in parts)
    return parts if many else _read_scalar(text)


def _read_scalar(text: str) -> Scalar:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def spell(value: Value) -> str:
    """The inverse of `read_value`: the shortest text that reads back as ``value``."""
    if isinstance(value, tuple):
        return "/".join(map(spell, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)
