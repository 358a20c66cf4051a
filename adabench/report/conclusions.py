"""What may be claimed of one problem, as few sentences as say it."""

from collections.abc import Sequence

from adabench.compare.model import ProblemComparison
from adabench.compare.versus import Versus
from adabench.report.numbers import short
from adabench.report.text import plain
from adabench.report.units import Units, probability

DECIDED = ("better", "worse", "practically equal")
UNDECIDED = "too few seeds to tell"


def conclusions(compared: ProblemComparison, units: Units, family: int) -> list[str]:
    """A sentence for every decided comparison, and one for all that are undecided.

    Args:
        compared: the problem.
        units: how its numbers are written.
        family: the number of tests that Holm's correction counts.
    """
    every = compared.comparisons
    decided = [each for each in every if each.verdict in DECIDED]
    undecided = [each for each in every if each.verdict == UNDECIDED]
    return [
        *(_decided(each, units) for each in decided),
        *_undecided([each for each in undecided if not _same(each)], units),
        *_level(list(filter(_same, undecided)), units),
        *_uncorrected(undecided, family),
        *_silent(compared),
        *_unmatched(compared),
        *_method(decided, family),
    ]


def _decided(found: Versus, units: Units) -> str:
    name, other = plain(found.optimizer), plain(found.against)
    facts = f"95 % interval {units.span(found.interval)}, {_pairs(found)}, p {probability(found.p_holm)}"
    if found.verdict == "practically equal":
        change = units.difference(found.difference, found.interval)
        return f"{name} is practically equal to {other}: {change}{units.points}, within the margin."
    size = units.value(abs(found.difference))
    return f"{name} is {found.verdict} than {other} by {size}{units.points} ({facts})."


def _pairs(found: Versus) -> str:
    if not found.paired:
        return f"unpaired, n at least {found.n}"
    return "1 pair" if found.n == 1 else f"{found.n} pairs"


def _undecided(found: Sequence[Versus], units: Units) -> list[str]:
    """One sentence for all that are compared with one optimizer, or a count where there are several such."""
    others = sorted({each.against for each in found})
    if len(others) > 1:
        return [f"{len(found)} pairs: {UNDECIDED}{_detectable(found, units)}."]
    return [
        f"{', '.join(plain(each.optimizer) for each in found)} against {plain(other)}: "
        f"{UNDECIDED}{_detectable(found, units)}."
        for other in others
    ]


def _same(found: Versus) -> bool:
    """Whether every pair differs by the same, which leaves nothing to judge a difference by."""
    return found.paired and found.deviation == 0


def _level(found: Sequence[Versus], units: Units) -> list[str]:
    if not found:
        return []
    words = ", ".join(f"{plain(each.optimizer)} {units.change(each.difference)}" for each in found)
    other = f" against {plain(found[0].against)}" if len({each.against for each in found}) == 1 else ""
    return [f"The same in each pair{other}, so there is no interval, and {UNDECIDED}: {words}."]


def _detectable(found: Sequence[Versus], units: Units) -> str:
    sizes = [each.detectable for each in found if each.detectable is not None]
    if not sizes:
        return ""
    low, high = units.value(min(sizes)), units.value(max(sizes))
    span = low if low == high else f"{low} to {high}"
    pairs = sorted({each.n for each in found if each.detectable is not None})
    count = str(pairs[0]) if len(pairs) == 1 else f"{pairs[0]} to {pairs[-1]}"
    return f"; {count} pairs find true differences of {span}{units.points} with 80 % power"


def _uncorrected(undecided: Sequence[Versus], family: int) -> list[str]:
    """What an interval on its own would have claimed."""
    alone = [each for each in undecided if each.interval and not _includes_zero(each)]
    if not alone or family < 2:
        return []
    if len(alone) > 3:
        return [f"{len(alone)} of their intervals exclude 0, each on its own; not as {family} comparisons."]
    words = ", ".join(
        f"{plain(each.optimizer)} against {plain(each.against)} "
        f"(p {probability(each.p_t)}, corrected {probability(each.p_holm)})"
        for each in alone
    )
    return [f"An interval excludes 0 on its own, but not as one of {family} comparisons: {words}."]


def _includes_zero(found: Versus) -> bool:
    return found.interval is not None and found.interval[0] <= 0 <= found.interval[1]


def _silent(compared: ProblemComparison) -> list[str]:
    """Optimizers with diverged runs: nothing is claimed from the survivors."""
    rows = [row for row in compared.rows if row.diverged]
    if not rows or len(compared.rows) < 2:
        return []
    fates = ", ".join(f"{plain(row.optimizer)} ({row.diverged} of {row.runs} runs)" for row in rows)
    return [f"Diverged, so nothing is claimed: {fates}."]


def _unmatched(compared: ProblemComparison) -> list[str]:
    """Optimizers that no comparison mentions although they completed runs."""
    if compared.baseline is None or compared.row(compared.baseline) is None:
        return []
    met = {name for each in compared.comparisons for name in (each.optimizer, each.against)}
    met |= {row.optimizer for row in compared.rows if row.diverged} | {compared.baseline}
    lost = [plain(row.optimizer) for row in compared.rows if row.optimizer not in met]
    other = plain(compared.baseline)
    return (
        [f"Nothing can be said of {', '.join(lost)} against {other}: no completed seed in common."]
        if lost
        else []
    )


def _method(decided: Sequence[Versus], family: int) -> list[str]:
    """What the decided sentences rest on, and how little a test without normality could show."""
    tested = [each for each in decided if each.verdict in ("better", "worse")]
    if not tested:
        return []
    kinds = sorted({"paired t test" if each.paired else "Welch's t test" for each in tested})
    line = f"p: {' and '.join(kinds)}" + (f", Holm over {family} comparisons" if family > 1 else "")
    floors = [each for each in tested if each.p_floor is not None and each.p_floor > 0.05]
    if floors:
        most = min(floors, key=lambda each: each.n)
        line += f"; with {_pairs(most)} a sign-flip test cannot go below {short(most.p_floor)}"
    return [f"{line}."]
