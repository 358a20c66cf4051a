"""All checks, in order, over one optimizer."""

import contextlib
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from adabench.catalogue import Value
from adabench.check.agreement import follows_reference
from adabench.check.behaviour import (
    closure_honoured,
    constructs,
    gradients_kept,
    groups_honoured,
    idle_parameters,
    nan_gradients,
    scheduler_honoured,
)
from adabench.check.cost import state_size, step_cost
from adabench.check.descent import convex, nonconvex
from adabench.check.finding import Finding, Outcome, failed, skipped
from adabench.check.state import deterministic, resumes, round_trip
from adabench.check.subject import Subject
from adabench.errors import one_line

CHECKS: Mapping[str, Callable[[Subject], Outcome]] = {
    "constructs": constructs,
    "scalar reference": follows_reference,
    "convex descent": convex,
    "nonconvex descent": nonconvex,
    "state_dict round trip": round_trip,
    "resume": resumes,
    "gradients untouched": gradients_kept,
    "unused parameters": idle_parameters,
    "parameter groups": groups_honoured,
    "schedulers": scheduler_honoured,
    "closures": closure_honoured,
    "determinism": deterministic,
    "NaN gradients": nan_gradients,
    "state": state_size,
    "cost of a step": step_cost,
}


def check(name: str, given: Mapping[str, Value]) -> tuple[Finding, ...]:
    """Run every check over an optimizer; the first one alone when it cannot even take a step.

    Args:
        name: a catalogue name or an import path.
        given: its settings, where they are not the default ones.

    Returns:
        One finding for each check, in the order of `CHECKS`. An exception is a finding too.

    Raises:
        RequestError: an unknown name or setting, or a value outside its range.
    """
    subject = Subject.of(name, given)
    findings: list[Finding] = []
    with _quiet():
        for title, examine in CHECKS.items():
            findings.append(Finding(name=title, **_outcome(examine, subject)._asdict()))
            if findings[0].verdict == "skip":  # what refuses to take any step conforms to nothing
                findings[0] = replace(findings[0], verdict="fail")
            if findings[0].verdict == "fail":
                break
    return tuple(findings)


def _outcome(examine: Callable[[Subject], Outcome], subject: Subject) -> Outcome:
    try:
        return examine(subject)
    except Exception as error:  # whatever an optimizer raises is what there is to find out
        text = one_line(error)
        refused = isinstance(error, NotImplementedError) or re.search(r"(not|n't) support", text)
        return skipped(text) if refused else failed(text)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the optimizer's own warnings and prints away from the answer."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        yield
