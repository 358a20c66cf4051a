"""What is searched for one optimizer: the settings that the user left open, each within its range."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from adabench.catalogue import Value, parse, read_value, spell
from adabench.errors import BadValueError, RequestError, UnknownNameError
from adabench.optimizers import optimizer_spec, search_space
from adabench.optimizers.ranges import Range, Space
from adabench.spec import OptimizerSpec

EDGE = 0.05
"""The outer part of a range, on the scale searched, where a best setting is in doubt."""


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """A range declared on the command line, such as ``lr=1e-4..1e-1`` or ``sgdm:lr=0.01..1``.

    Args:
        optimizer: the name that it is for; empty for all.
        setting: what it is the range of.
        text: the range, as it was written.
    """

    optimizer: str
    setting: str
    text: str

    @classmethod
    def read(cls, text: str) -> "ByHand":
        """Read ``[OPTIMIZER:]SETTING=RANGE``, or raise `BadValueError`."""
        left, equals, right = text.rpartition("=")
        optimizer, _, setting = left.rpartition(":")
        if not (equals and setting and right):
            raise BadValueError(
                f"--space {text!r} is not allowed; it takes SETTING=LOW..HIGH or SETTING=A/B/C, "
                "perhaps after OPTIMIZER:"
            )
        return cls(optimizer=optimizer, setting=setting, text=right)

    def ranges(self, known: Sequence[Range]) -> tuple[Range, ...]:
        """The ranges, on the catalogue's scales where it has some.

        Raises:
            BadValueError: no two numbers, the lower one first.
        """
        if ".." not in self.text:
            return (Range(choices=tuple(_scalar(part) for part in self.text.split("/"))),)
        parts = self.text.split("/")
        before = known if len(known) == len(parts) else [None] * len(parts)
        return tuple(self._range(part, old) for part, old in zip(parts, before, strict=True))

    def _range(self, text: str, known: Range | None) -> Range:
        try:
            low, high = map(float, text.split(".."))
        except ValueError:
            low, high = math.nan, math.nan
        if not -math.inf < low < high < math.inf:
            raise BadValueError(
                f"--space {self.setting}={self.text} is not allowed; it takes LOW..HIGH, two numbers, "
                "the lower one first"
            )
        if known is not None and not known.choices:
            changed = replace(known, low=low, high=high)
            if changed.share_of(low) is not None and changed.share_of(high) is not None:
                return changed
        return Range(low=low, high=high, scale="log" if low > 0 else "linear")


def _scalar(text: str) -> bool | int | float | str:
    value = read_value(text)
    return text if isinstance(value, tuple) else value


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An optimizer that is tuned.

    Args:
        default: with the settings that the user gave, and the untuned default of all others.
        given: these settings, which are not searched.
        space: the ranges of the settings that are.
    """

    default: OptimizerSpec
    given: Mapping[str, Value]
    space: Space

    @property
    def label(self) -> str:
        """What it is called: the label of its default."""
        return self.default.label

    @property
    def axes(self) -> list[tuple[str, Range]]:
        """Every number or word that is searched. Words come first: the first axes are spread best."""
        every = [(setting, each) for setting, ranges in self.space.items() for each in ranges]
        return sorted(every, key=lambda axis: not axis[1].choices)

    def at(self, shares: Sequence[float]) -> OptimizerSpec:
        """The optimizer at a point of the unit cube, one share for each of its axes."""
        values: dict[str, list[bool | int | float | str]] = {setting: [] for setting in self.space}
        for (setting, each), share in zip(self.axes, shares, strict=True):
            value = each.at(share)
            if type(self._default(setting)) is int and isinstance(value, float):
                value = round(value)
            values[setting].append(value)
        tried = {key: tuple(each) if len(each) > 1 else each[0] for key, each in values.items()}
        return optimizer_spec(self.default.name, {**self.given, **tried})

    def edges(self, spec: OptimizerSpec) -> list[str]:
        """One line for each setting of ``spec`` that lies at an edge of its range, with the cure."""
        lines = []
        for setting, ranges in self.space.items():
            value = spec.hyperparameters.get(setting)
            values = value if isinstance(value, tuple) else (value,)
            shares = [
                each.share_of(number)
                for each, number in zip(ranges, values, strict=False)
                if not each.choices and isinstance(number, (int, float))
            ]
            for place, share in enumerate(shares):
                if share is not None and not EDGE <= share <= 1 - EDGE:
                    lines.append(self._edge(setting, place, spell(value or 0), share))
        return lines

    def _edge(self, setting: str, place: int, value: str, share: float) -> str:
        ranges = self.space[setting]
        wider = [_widened(r, share) if i == place else r for i, r in enumerate(ranges)]
        side = "lower" if share < 0.5 else "upper"
        return (
            f"{self.label}: the best {setting}={value} lies at the {side} edge of its range "
            f"{'/'.join(map(str, ranges))}; widen it: "
            f"--space {self.default.name}:{setting}={'/'.join(map(str, wider))}"
        )

    def _default(self, setting: str) -> Value:
        return self.default.schedule if setting == "schedule" else self.default.hyperparameters[setting]


def _widened(old: Range, share: float) -> Range:
    """The range, half as long again on the scale searched, towards where ``share`` lies."""
    return replace(old, high=old.beyond(1.5)) if share > 0.5 else replace(old, low=old.beyond(-0.5))


def entries(texts: Iterable[str], search: Sequence[str], by_hand: Sequence[ByHand]) -> tuple[Entry, ...]:
    """The optimizers to tune.

    Args:
        texts: as ``--opt`` takes them; settings given there are not searched.
        search: the settings to search; the catalogue's choice when empty.
        by_hand: ranges that take the place of the catalogue's, and are searched.

    Raises:
        RequestError: an unknown name, a setting that no optimizer here has a range for, or an optimizer
            with nothing left to search.
    """
    read = [parse(text) for text in texts]
    defaults = [(optimizer_spec(name, given), given) for name, given in read]
    known = [_with_hand(spec, by_hand) for spec, _ in defaults]
    _check_names(search, by_hand, known, [spec.name for spec, _ in defaults])
    found = []
    for (spec, given), (space, declared) in zip(defaults, known, strict=True):
        wanted = {*search, *declared} if search else {*declared, *_usual(space)}
        searched = {key: ranges for key, ranges in space.items() if key in wanted - given.keys()}
        if not searched:
            raise RequestError(
                f"{spec.label}: nothing is left to search; leave a setting open, or name one with --search"
            )
        found.append(Entry(default=spec, given=given, space=searched))
    return tuple(found)


def _usual(space: Space) -> set[str]:
    return {key for key, ranges in space.items() if any(each.searched for each in ranges)}


def _with_hand(spec: OptimizerSpec, by_hand: Sequence[ByHand]) -> tuple[Space, set[str]]:
    """The optimizer's ranges with those declared by hand, and the names of these."""
    space = dict(search_space(spec))
    mine = [
        each
        for each in by_hand
        if each.optimizer in ("", spec.name)
        and (each.setting in spec.hyperparameters or each.setting == "schedule")
    ]
    for each in mine:
        space[each.setting] = each.ranges(space.get(each.setting, ()))
    return space, {each.setting for each in mine}


def _check_names(
    search: Sequence[str],
    by_hand: Sequence[ByHand],
    known: Sequence[tuple[Space, set[str]]],
    optimizers: Sequence[str],
) -> None:
    """Refuse what fits no optimizer here; what fits some and not others is searched where it fits."""
    settings = {setting for space, _ in known for setting in space}
    declared = {setting for _, names in known for setting in names}
    for name in search:
        if name not in settings:
            raise UnknownNameError("setting to search", name, sorted(settings))
    for each in by_hand:
        if each.optimizer and each.optimizer not in optimizers:
            raise UnknownNameError("optimizer of --space", each.optimizer, optimizers)
        if each.setting not in declared:
            raise UnknownNameError("setting of --space", each.setting, sorted(settings))
