"""Analytic problems in words and cells, for every format: who left the region, when, and how far."""

from adabench.compare.model import AnalyticComparison, AnalyticRow, Exits
from adabench.compare.notes import seed_words
from adabench.report import numbers
from adabench.report.facts import settings
from adabench.report.text import plain

COLUMNS = (
    "optimizer",
    "n",
    "left the region",
    "earliest exit, step",
    "median exit, step",
    "largest distance after step 1,000",
    "final distance",
    "gradient evaluations",
)
LEGEND = (
    "Analytic problems are computed in float64. A run left the region when a step ended where one-point "
    "convexity towards the optimum does not hold; its exit is the first such step, whether or not it came "
    "back. Distances are 2-norms to the optimum; they and the evaluations are medians over completed runs. "
    "Intervals of shares are exact 95 % intervals (Clopper and Pearson), each on its own."
)


def facts(compared: AnalyticComparison) -> str:
    """One line of facts: options, length, seeds."""
    options = settings(compared.problem.options)
    words = [options, f"{compared.steps:,} steps", seed_words(compared.seeds)]
    return ", ".join(word for word in words if word)


def cells(row: AnalyticRow) -> list[str]:
    """A row of the table, in the order of `COLUMNS`."""
    exits = row.exits
    return [
        plain(row.optimizer),
        numbers.runs(row),
        f"{exits.left} of {exits.runs}" if exits else numbers.NOTHING,
        numbers.quantity(exits.earliest_step if exits else None),
        numbers.quantity(exits.median_step if exits else None),
        numbers.short(row.largest_late_distance),
        numbers.short(row.final_distance),
        numbers.quantity(row.gradient_evaluations),
    ]


def sentence(compared: AnalyticComparison) -> str:
    """What may be claimed of one problem; optimizers with the same to say share their words."""
    sharing: dict[str, list[str]] = {}
    for row in compared.rows:
        if row.exits:
            sharing.setdefault(_phrase(row.exits), []).append(plain(row.optimizer))
    if not sharing:
        return "No run came to an end: nothing can be said of who left the region."
    phrases = (f"{', '.join(names)} {phrase}" for phrase, names in sharing.items())
    return f"Left the region of one-point convexity: {'; '.join(phrases)}."


def _phrase(exits: Exits) -> str:
    when = "" if exits.earliest_step is None else f", first at step {exits.earliest_step:,}"
    if exits.interval is None:
        return f"{'always' if exits.left else 'never'} (all {exits.runs} runs are the same one){when}"
    low, high = (f"{100 * bound:.0f}" for bound in exits.interval)
    return f"in {exits.left} of {exits.runs} runs (95 % interval {low} to {high} %){when}"


def every_exit(row: AnalyticRow) -> str:
    """The first step outside of every run that ended, for one line."""
    steps = sorted(row.exits.steps.items()) if row.exits else []
    words = (f"{'never' if step is None else format(step, ',')} (seed {seed})" for seed, step in steps)
    return f"{plain(row.optimizer)}: {', '.join(words) or 'none ended'}"
