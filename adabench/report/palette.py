"""One colour and one kind of line for each optimizer, the same in every figure and on the page.

The palette is Okabe and Ito's, told apart by colour-blind readers; the dashes tell lines apart in grey.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from adabench.catalogue import parse

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31")
DASHES = ("solid", "dash", "dot", "dashdot", "longdashdot")

_FIXED = {"adafix": 1, "adam": 0, "amsgrad": 2, "adabound": 3, "sgdm": 4}


@dataclass(frozen=True)
class Look:
    """How an optimizer looks: a colour as ``#rrggbb``, and the name of its dashes in `DASHES`."""

    colour: str
    dash: str


def looks(labels: Iterable[str]) -> dict[str, Look]:
    """The look of each optimizer label: fixed for the paper's methods, by order for others.

    A label with settings, such as ``adam:lr=0.01``, keeps the colour of its optimizer while it is
    the only one of that name, and so does one told apart by a number, ``adam [1]``. With more labels
    than colours, a colour comes again in other dashes.
    """
    found: dict[str, Look] = {}
    taken: set[int] = set()
    for label in sorted(set(labels), key=lambda label: (label.count(":"), label)):
        place = _place(_FIXED.get(parse(label.partition(" [")[0])[0]), taken)
        taken.add(place)
        turn, colour = divmod(place, len(COLOURS))
        found[label] = Look(COLOURS[colour], DASHES[(colour + turn) % len(DASHES)])
    return found


def _place(wanted: int | None, taken: set[int]) -> int:
    """The wanted place when it is free, else the first free one, those after the fixed ones first."""
    if wanted is not None and wanted not in taken:
        return wanted
    first = (place for place in range(len(_FIXED), len(COLOURS)) if place not in taken)
    free = (place for place in range(len(taken) + 1) if place not in taken)
    return next(first, next(free))
