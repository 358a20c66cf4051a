"""Where a setting is searched: ranges on the scale that it is felt on, as data of the catalogue."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from adabench.catalogue import Scalar, spell

Scale = Literal["log", "linear", "log of one minus"]
DIGITS = 3
"""Significant digits of a number that is tried, so that it can be typed again."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """The values of one number or word that a search may try.

    Args:
        low: the smallest number.
        high: the largest number, above ``low``.
        scale: on which numbers are spread evenly; decay rates are felt by how far they are from 1.
        choices: the words, or true and false, to choose among instead.
        searched: whether it is searched unless the user says otherwise.
    """

    low: float = 0.0
    high: float = 1.0
    scale: Scale = "log"
    choices: tuple[Scalar, ...] = ()
    searched: bool = False

    def at(self, share: float) -> Scalar:
        """The value at a share in [0, 1) of the way from low to high, with `DIGITS` digits."""
        if self.choices:
            return self.choices[int(share * len(self.choices))]
        return min(max(self.beyond(share), self.low), self.high)

    def beyond(self, share: float) -> float:
        """The number at a share of the way from low to high, which may lie outside."""
        low, high = self._felt(self.low), self._felt(self.high)
        place = low + share * (high - low)
        if self.scale == "linear":
            return _rounded(place)
        value = _rounded(math.exp(place))
        return round(1 - value, 12) if self.scale == "log of one minus" else value

    def share_of(self, value: float) -> float | None:
        """How far a number is from low to high, in [0, 1] for those within; None off the scale."""
        try:
            low, high, place = self._felt(self.low), self._felt(self.high), self._felt(value)
        except ValueError:
            return None
        return (place - low) / (high - low)

    def _felt(self, value: float) -> float:
        if self.scale == "linear":
            return value
        return math.log(1 - value if self.scale == "log of one minus" else value)

    def __str__(self) -> str:
        if self.choices:
            return "/".join(map(spell, self.choices))
        return f"{self.low:.4g}..{self.high:.4g}"


Space = Mapping[str, tuple[Range, ...]]
"""The ranges of each setting, one for each number that it holds."""


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def around(default: float, *, factor: float = 30.0, searched: bool = False) -> tuple[Range]:
    """From ``default`` over ``factor`` to ``default`` times it, logarithmically."""
    return (Range(low=_rounded(default / factor), high=_rounded(default * factor), searched=searched),)


def lr(default: float) -> tuple[Range]:
    """A learning rate's range, which is searched by default: a factor of 30 to each side."""
    return around(default, searched=True)


def decay(low: float, high: float) -> Range:
    """A decay rate's range."""
    return Range(low=low, high=high, scale="log of one minus")


MOMENTUM = (decay(0.5, 0.99),)
BETAS = (decay(0.5, 0.99), decay(0.9, 0.9999))
EPS = (Range(low=1e-10, high=1e-3),)
PENALTY = (Range(low=1e-6, high=1e-2),)
DECOUPLED = (Range(low=1e-4, high=1.0),)
SWITCH = (Range(choices=(False, True)),)


def adam_space(default: float = 1e-3) -> dict[str, tuple[Range, ...]]:
    """The ranges of Adam's relatives, from their learning rate."""
    return {"lr": lr(default), "betas": BETAS, "eps": EPS, "weight_decay": PENALTY}
