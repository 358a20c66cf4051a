"""``adabench compare``: which optimizer was better where, and how sure that is."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adabench.catalogue import find
from adabench.commands.shared import (
    AsJson,
    Baseline,
    ResultPaths,
    Tuned,
    WithBaselines,
    read_results,
    remark,
    say,
    tuned_results,
)
from adabench.errors import BadValueError, RequestError

if TYPE_CHECKING:
    from adabench.compare import Comparison, Question
    from adabench.compare.checks import Gates
    from adabench.results import Result

FORMATS = {"text": "for people", "json": "everything", "gha-benchmark": "for github-action-benchmark"}

Metric = Annotated[
    str,
    typer.Option(
        help="final, best, validation (what validation selects), loss, train-loss, seconds, memory."
    ),
]
At = Annotated[
    str,
    typer.Option(
        help="end, or where all have spent the same: equal-steps, equal-samples, "
        "equal-gradient-evaluations, equal-seconds."
    ),
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        help="Show the cost until this is reached: 0.97, PROBLEM=0.97, baseline for its own mean, or "
        "known for each problem's own target.",
    ),
]
Pairs = Annotated[bool, typer.Option("--pairs", help="Compare every pair of optimizers.")]
Details = Annotated[bool, typer.Option("--details", help="Show every test, and every axis of cost.")]
Margin = Annotated[
    float | None, typer.Option(help="Differences up to this are practically nothing (accuracies: points).")
]
Difference = Annotated[
    float | None, typer.Option(help="Say how many seeds find this difference (accuracies: points).")
]
Power = Annotated[float | None, typer.Option(help="With --difference: how surely to find it [default: 0.8]")]
Against = Annotated[Path | None, typer.Option(help="Earlier results that --fail-if-worse judges by.")]
FailIfWorse = Annotated[
    float | None,
    typer.Option(
        help="Fail where the metric is worse than in --against by more than this (accuracies: points; "
        "others: per cent) and by more than chance."
    ),
]
FailBelow = Annotated[float | None, typer.Option(help="Fail where the metric's mean is below this.")]
JUnit = Annotated[Path | None, typer.Option("--junit", help="Write the gates' checks to this file.")]
Paper = Annotated[bool, typer.Option("--paper", help="Judge the AdaFix paper's tables.")]
Format = Annotated[str, typer.Option(help="text, json or gha-benchmark.")]


def compare(
    results: ResultPaths = None,
    baseline: Baseline = None,
    metric: Metric = "final",
    at: At = "end",
    target: Targets = None,
    pairs: Pairs = False,
    details: Details = False,
    margin: Margin = None,
    difference: Difference = None,
    power: Power = None,
    against: Against = None,
    fail_if_worse: FailIfWorse = None,
    fail_below: FailBelow = None,
    junit: JUnit = None,
    paper: Paper = False,
    tuned: Tuned = False,
    with_baselines: WithBaselines = False,
    format: Format = "text",
    as_json: AsJson = False,
) -> None:
    """Compare optimizers on each problem, paired by seed."""
    format = "json" if as_json else format
    find("format", FORMATS, format)
    if power is not None and difference is None:
        raise RequestError("--power needs --difference, the difference to find: --difference 0.2")
    from adabench.compare import compare as compare_results

    question = _question(metric, at, target, pairs, margin, difference, power, curves=format == "json")
    _check_gates(at, against, fail_if_worse, fail_below, junit)
    found = read_results(results, baselines=with_baselines)
    if tuned:
        found = tuned_results(found)
    if "known" in (target or ()):
        question = _with_known_targets(question, found)
    comparison = compare_results(found, baseline=baseline, question=question)
    earlier = read_results([against]) if against is not None else ()
    gates = _gates(comparison, found, earlier, question, fail_if_worse, fail_below)
    comparison = comparison.model_copy(update={"gates": gates})
    say(_answer(comparison, format, details=details or pairs, paper=paper))
    if format == "text" and os.environ.get("GITHUB_STEP_SUMMARY"):
        _summarize(comparison, found, Path(os.environ["GITHUB_STEP_SUMMARY"]))
    if gates is not None:
        raise typer.Exit(_verdict(comparison, gates, junit))


def _question(
    metric: str,
    at: str,
    target: Sequence[str] | None,
    pairs: bool,
    margin: float | None,
    difference: float | None,
    power: float | None,
    *,
    curves: bool,
) -> "Question":
    """The flags as one question; points of accuracy become fractions."""
    from adabench.compare import Question
    from adabench.compare.metrics import METRICS

    for flag, value in (("--margin", margin), ("--difference", difference)):
        if value is not None and not 0 < value < math.inf:
            raise BadValueError(f"{flag} {value:g} is not allowed; it is a number above 0")
    scale = 100 if find("metric", METRICS, metric).is_share else 1
    declared, of_baseline = _targets(target or ())
    return Question(
        metric=metric,
        at=at,
        pairs=pairs,
        margin=None if margin is None else margin / scale,
        target=declared.pop("", None),
        target_of_baseline=of_baseline,
        targets=declared,
        power=0.8 if power is None else power,
        difference=None if difference is None else difference / scale,
        curves=curves,
    )


def _targets(texts: Sequence[str]) -> tuple[dict[str, float], bool]:
    """Targets by the label of their problem, that of all under the empty one; if the baseline sets them."""
    found: dict[str, float] = {}
    for text in texts:
        label, _, value = text.rpartition("=")
        if text in ("baseline", "known"):
            continue
        try:
            found[label] = float(value)
        except ValueError:
            raise BadValueError(
                f"target {text!r} is not allowed; it is a number, PROBLEM=number, `baseline` or `known`"
            ) from None
    return found, "baseline" in texts


def _with_known_targets(question: "Question", found: "Sequence[Result]") -> "Question":
    """The question with the problems' own targets; those that have none are named on stderr."""
    from adabench.compare.targets import with_known

    question, lacking = with_known(question, found)
    if lacking:
        remark(f"left out, without a known target: {', '.join(lacking)}", "yellow")
    return question


def _check_gates(
    at: str, against: Path | None, fail_if_worse: float | None, fail_below: float | None, junit: Path | None
) -> None:
    if (against is None) != (fail_if_worse is None):
        raise RequestError("--against and --fail-if-worse need each other: --against DIR --fail-if-worse 0.5")
    if against is not None and at != "end":
        raise RequestError(f"--against judges runs at their end; leave out --at {at}")
    if fail_if_worse is not None and not 0 <= fail_if_worse < math.inf:
        raise BadValueError(f"--fail-if-worse {fail_if_worse:g} is not allowed; it is a number of at least 0")
    if junit is not None and fail_if_worse is None and fail_below is None:
        raise RequestError("--junit needs a gate: --fail-if-worse or --fail-below")


def _gates(
    comparison: "Comparison",
    found: "Sequence[Result]",
    earlier: "Sequence[Result]",
    question: "Question",
    fail_if_worse: float | None,
    fail_below: float | None,
) -> "Gates | None":
    from adabench.compare import gates

    every = []
    if fail_if_worse is not None:
        every.append(gates.against(found, earlier, question, fail_if_worse / 100))
    if fail_below is not None:
        every.append(gates.below(comparison, question, fail_below))
    if not every:
        return None
    together = gates.together(every)
    if not together.checks:
        raise RequestError("the gates have nothing to judge: no result here is of a problem with data")
    return together


def _answer(comparison: "Comparison", format: str, *, details: bool, paper: bool) -> str:
    from adabench.report import ci, paper_terminal, terminal

    if format == "json":
        return comparison.model_dump_json(indent=2)
    if format == "gha-benchmark":
        return ci.benchmark(comparison)
    return paper_terminal.render(comparison) if paper else terminal.render(comparison, detailed=details)


def _verdict(comparison: "Comparison", gates: "Gates", junit: Path | None) -> int:
    """Say how the gates ended, and return the exit code."""
    from adabench.compare.metrics import METRICS
    from adabench.report import gates as words

    metric = METRICS[comparison.metric]
    if junit is not None:
        _write(junit, words.junit(gates, metric))
    for check in gates.having("cannot tell"):
        remark(f"in doubt: {words.sentence(check, metric)}", "yellow")
    remark(words.summary(gates))
    if not gates.having("failed"):
        return 0
    remark(words.reason(gates, metric), "red")
    return 1


def _summarize(comparison: "Comparison", found: "Sequence[Result]", path: Path) -> None:
    """Append the comparison and the gates' outcome to GitHub's summary of the step."""
    from adabench.compare.metrics import METRICS
    from adabench.report import ci, render
    from adabench.report import gates as words
    from adabench.report.text import markdown

    lines = []
    if comparison.gates is not None:
        metric = METRICS[comparison.metric]
        told = [check for check in comparison.gates.checks if check.outcome != "passed"]
        lines = [words.summary(comparison.gates)]
        lines += [f"- {check.outcome}: {words.sentence(check, metric)}" for check in told]
    gates = "".join(f"{markdown(line, 2000)}\n" for line in lines)
    document = "\n".join([*([gates] if gates else []), render(comparison, found)])
    already = path.stat().st_size if path.exists() else 0
    _write(path, ci.capped(document, already), append=True)


def _write(path: Path, text: str, *, append: bool = False) -> None:
    try:
        with path.open("a" if append else "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror}") from error
