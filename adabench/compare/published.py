"""Published means and deviations judged: against each other, and against what was measured."""

from collections.abc import Mapping
from typing import Literal

from adabench.compare.question import Question
from adabench.compare.statistics import Estimate, Interval
from adabench.compare.versus import Versus, judged, unpaired

Agreement = Literal["agrees", "differs", "cannot tell"]

CLOSE = 0.5
"""Half a percentage point: an interval that includes 0 and reaches no further agrees."""


def champion_against_all(
    table: Mapping[str, Mapping[str, Estimate]], champion: str
) -> dict[str, tuple[Versus, ...]]:
    """One method of a published table against each other one in every column, as one family.

    Args:
        table: for each column the sample of each method, in one unit; higher is better.
        champion: the method that the others are compared with.

    Returns:
        For each column the champion's comparisons by Welch's test, Holm-corrected over the whole table.
    """
    places = [(column, other) for column, cells in table.items() for other in cells if other != champion]
    family = [
        unpaired(champion, other, table[column][champion], table[column][other]) for column, other in places
    ]
    verdicts = list(zip(places, judged(family, Question()), strict=True))
    return {column: tuple(each for (place, _), each in verdicts if place == column) for column in table}


def agreement(interval: Interval | None, close: float = CLOSE) -> Agreement:
    """Whether a measured figure agrees with a published one.

    Args:
        interval: the 95 % interval of their difference.
        close: how far from 0 an interval may reach and still agree, in its unit.

    Returns:
        "differs" where the interval excludes 0, "agrees" where it includes 0 and reaches no further
        than ``close``, else "cannot tell".
    """
    if interval is None:
        return "cannot tell"
    low, high = interval
    if low > 0 or high < 0:
        return "differs"
    return "agrees" if max(-low, high) <= close else "cannot tell"
