"""A tuning's end as text for a terminal."""

import math
from collections.abc import Mapping, Sequence

from adabench.compare.budget_curve import BestOf
from adabench.report.numbers import NOTHING, difference, percent, quantity, span
from adabench.report.terminal_blocks import tabulated, wrapped
from adabench.tuning.outcome import Judged, Outcome, Tuned
from adabench.tuning.sampling import SAMPLERS
from adabench.tuning.study import PRUNERS

LABELS = 34


def render(outcomes: Sequence[Outcome]) -> str:
    """Every problem's winners with their gain, the cost, performance as a function of budget, and doubts."""
    return "\n\n".join(_problem(outcome) for outcome in outcomes) + "\n"


def _problem(outcome: Outcome) -> str:
    parts = [
        wrapped(f"{outcome.problem}: {protocol(outcome)}"),
        "\n".join(wrapped(f"{each.optimizer}: {_space(each)}") for each in outcome.optimizers),
        _winners(outcome),
        _costs(outcome),
        _budget(outcome),
        "\n".join(map(wrapped, doubts(outcome))),
    ]
    return "\n\n".join(part for part in parts if part)


def protocol(outcome: Outcome) -> str:
    """Budget, sampler and selection rule, in one sentence."""
    seeds = ", ".join(map(str, outcome.seeds))
    pruned = f", pruned by {PRUNERS[outcome.pruner]}" if outcome.pruner else ""
    return (
        f"{outcome.trials} trials of each optimizer, its untuned default among them, of {outcome.epochs} "
        f"epochs with seed {outcome.tuning_seed}; {SAMPLERS[outcome.sampler].summary}{pruned}. Chosen by the "
        f"accuracy after the last epoch on {100 * outcome.validation_fraction:g} % of the training set, kept "
        f"apart; the default and the best {outcome.finalists} judged again on seeds {seeds}."
    )


def _space(each: Tuned) -> str:
    return "searched " + ", ".join(f"{setting} {ranges}" for setting, ranges in each.space.items())


def _winners(outcome: Outcome) -> str:
    columns = ["best setting", "validation %", "95 % interval", "test %", "default's\ntest %", "gain, points"]
    rows = [
        [
            each.best.optimizer,
            _mean(each.best, each.best.validation),
            span(each.best.validation.interval if each.best.validation else None),
            _mean(each.best, each.best.test),
            _mean(each.default, each.default.test),
            difference(each.gain.mean, each.gain.interval) if each.gain else "the default is best",
        ]
        for each in sorted(outcome.optimizers, key=_validation, reverse=True)
    ]
    return tabulated(columns, rows, label_width=LABELS)


def _validation(each: Tuned) -> float:
    return each.best.validation.mean if each.best.validation else -1.0


def _mean(judged: Judged, sample: object) -> str:
    value = percent(getattr(sample, "mean", None))
    return value if judged.completed == judged.runs else f"{value} ({judged.completed} of {judged.runs})"


def _costs(outcome: Outcome) -> str:
    columns = ["optimizer", "trials", "diverged\nor failed", "gradient\nevaluations", "seconds"]
    rows = [
        [
            each.optimizer,
            str(each.trials),
            str(each.unfinished),
            quantity(each.gradient_evaluations),
            quantity(each.seconds, 1),
        ]
        for each in outcome.optimizers
    ]
    return tabulated(columns, rows, label_width=LABELS)


def _budget(outcome: Outcome) -> str:
    """Validation accuracy as a function of the number of trials."""
    if all(each.budget for each in outcome.optimizers):
        counts = sorted({best.trials for each in outcome.optimizers for best in each.budget})
        tables = {each.optimizer: {b.trials: b for b in each.budget} for each in outcome.optimizers}
        cells = {
            label: {
                k: f"{percent(b.mean)}\n({percent(b.low)} to {percent(b.high)})" for k, b in table.items()
            }
            for label, table in tables.items()
        }
        leaders = [_leader(tables, k) for k in counts]
        head = "Validation %, expected of the best of k random trials (and where 95 % of such bests lie):"
        after = _order(counts, leaders)
    elif outcome.pruner is None:
        longest = max(len(each.so_far) for each in outcome.optimizers)
        counts = sorted({*(2**i for i in range(longest.bit_length()) if 2**i <= longest), longest})
        cells = {
            each.optimizer: {k: percent(each.so_far[k - 1]) for k in counts if k <= len(each.so_far)}
            for each in outcome.optimizers
        }
        head, after = "Validation %, the best after k trials in the order that they were made:", ""
    else:
        return "No curve over budget: most trials were ended early, so they do not compare with whole runs."
    rows = [[label, *(found.get(k, NOTHING) for k in counts)] for label, found in cells.items()]
    table = tabulated(["optimizer", *(f"k = {k}" for k in counts)], rows, label_width=LABELS)
    return "\n".join([wrapped(head), "", table, *([wrapped(after)] if after else [])])


def _leader(tables: Mapping[str, Mapping[int, BestOf]], trials: int) -> str:
    reached = {label: table[trials].mean for label, table in tables.items() if trials in table}
    best = max(reached.values())
    return " and ".join(label for label, mean in reached.items() if math.isclose(mean, best))


def _order(counts: Sequence[int], leaders: Sequence[str]) -> str:
    """Whether more budget changes who leads."""
    if len(set(leaders)) < 2:
        return f"In front at every budget: {leaders[-1]}." if len(counts) > 1 else ""
    turns = [
        f"{leader} from k = {k}"
        for k, leader, before in zip(counts, leaders, [None, *leaders], strict=False)
        if leader != before
    ]
    return f"Who is in front depends on the budget: {', '.join(turns)}."


def doubts(outcome: Outcome) -> list[str]:
    """What a reader should know before believing the winners."""
    lines = [f"warning: {line}" for each in outcome.optimizers for line in each.edges]
    lines += [
        f"note: {each.optimizer} has {each.trials} different settings, fewer than {outcome.trials} trials"
        for each in outcome.optimizers
        if each.trials < outcome.trials
    ]
    return lines
