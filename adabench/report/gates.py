"""What a gate says, in words and as JUnit XML."""

from xml.etree import ElementTree

from adabench.compare.checks import Check, Gates, Outcome
from adabench.compare.metrics import Metric
from adabench.report.text import plain
from adabench.report.units import Units, probability


def sentence(check: Check, metric: Metric) -> str:
    """One check in one line: who, where, what was found, and what was allowed."""
    name = f"{plain(check.optimizer)} on {plain(check.problem)}"
    return f"{name}: {_floor(check, metric) if check.gate == 'below' else _change(check, metric)}"


def _floor(check: Check, metric: Metric) -> str:
    units = Units(metric)
    if check.lost and check.value is not None:
        return f"{_seeds(check)} diverged or failed"
    if check.value is None:
        return f"no run has a {metric.words}, which must not be below {units.told(check.limit)}"
    side = "below" if check.outcome == "failed" else "not below"
    return f"{metric.words} {units.told(check.value)} is {side} {units.told(check.limit)}"


def _seeds(check: Check) -> str:
    return f"{'seed' if len(check.lost) == 1 else 'seeds'} {', '.join(map(str, check.lost))}"


def _change(check: Check, metric: Metric) -> str:
    if check.lost:
        return f"{_seeds(check)} completed before and did not now"
    if check.change is None or check.worsening is None:
        return "no completed runs to compare on both sides"
    found, units = check.change, Units(metric)
    kind = f"{found.n} {'pair' if found.n == 1 else 'pairs'}" if found.paired else "unpaired"
    facts = [kind]
    if found.interval:
        facts = [f"95 % interval {units.span(found.interval)}", kind, f"p {probability(found.p_holm)}"]
    unit = " points" if metric.is_share else " %"
    allowed = f"{100 * check.limit:g}{unit} are allowed"
    doubt = "; too few seeds to tell" if check.outcome == "cannot tell" else ""
    change = units.change(found.difference)
    return f"{metric.words} changed by {change}{units.points} ({', '.join(facts)}); {allowed}{doubt}"


def summary(gates: Gates) -> str:
    """How many checks there were and how they ended, in one line."""
    named: dict[Outcome, str] = {"failed": "failed", "cannot tell": "in doubt", "passed": "passed"}
    words = [f"{len(found)} {word}" for outcome, word in named.items() if (found := gates.having(outcome))]
    checks = "1 check" if len(gates.checks) == 1 else f"{len(gates.checks)} checks"
    missing = f"; not run here: {', '.join(map(plain, gates.missing))}" if gates.missing else ""
    return f"gates: {checks}: {', '.join(words)}{missing}"


def reason(gates: Gates, metric: Metric) -> str:
    """Why the gates failed, in one line: the first failure, and how many more there are."""
    failed = gates.having("failed")
    more = f"; and {len(failed) - 1} more" if len(failed) > 1 else ""
    return f"gate failed: {sentence(failed[0], metric)}{more}"


def junit(gates: Gates, metric: Metric) -> str:
    """All checks as one JUnit test suite; what cannot be told is skipped, with its reason."""
    suite = ElementTree.Element(
        "testsuite",
        name="adabench compare",
        tests=str(len(gates.checks)),
        failures=str(len(gates.having("failed"))),
        skipped=str(len(gates.having("cannot tell"))),
        errors="0",
    )
    for check in gates.checks:
        name = f"{plain(check.optimizer)} {check.gate}"
        case = ElementTree.SubElement(suite, "testcase", classname=plain(check.problem), name=name)
        if check.outcome != "passed":
            kind = "failure" if check.outcome == "failed" else "skipped"
            ElementTree.SubElement(case, kind, message=sentence(check, metric))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"
