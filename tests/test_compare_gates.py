"""Gates for a CI job: what fails, what does not, and what a service is told."""

import json
import random
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from factories import make_result, make_runs

from adabench.compare import Question, compare
from adabench.compare.checks import Check, Gates
from adabench.compare.gates import against, below, together
from adabench.compare.metrics import METRICS
from adabench.errors import BadValueError, RequestError
from adabench.report.ci import CUT, benchmark, capped
from adabench.report.gates import junit, reason, sentence, summary
from adabench.results import Result

BEFORE = [0.980, 0.982, 0.979]
QUESTION = Question()


def judged(before: list[float], now: list[float], limit: float = 0.005, **changes: Any) -> Check:
    found = against(make_runs("adafix", now, **changes), make_runs("adafix", before), QUESTION, limit)
    (check,) = found.checks
    return check


def test_a_clear_loss_beyond_the_limit_fails() -> None:
    check = judged(BEFORE, [0.960, 0.963, 0.958])
    assert check.outcome == "failed"
    assert check.worsening == pytest.approx(0.02)
    assert sentence(check, METRICS["final"]) == (
        "adafix on mlp-mnist, 2 epochs, fp32: final test accuracy changed by -2.00 points "
        "(95 % interval -2.25 to -1.75, 3 pairs, p <0.001); 0.5 points are allowed"
    )


def test_a_loss_within_the_limit_passes_however_sure() -> None:
    """A build stopped by a difference that nobody minds."""
    assert judged(BEFORE, [0.979, 0.981, 0.9781]).outcome == "passed"


def test_a_loss_that_chance_could_make_is_in_doubt_and_does_not_fail() -> None:
    """A build stopped by noise."""
    check = judged(BEFORE, [0.980, 0.940, 0.979])
    assert check.outcome == "cannot tell"
    assert sentence(check, METRICS["final"]).endswith("0.5 points are allowed; too few seeds to tell")


def test_an_improvement_and_no_change_pass() -> None:
    assert judged(BEFORE, [0.990, 0.992, 0.989]).outcome == "passed"
    assert judged(BEFORE, BEFORE).outcome == "passed"


def test_the_same_loss_in_each_of_several_pairs_fails_and_in_one_is_in_doubt() -> None:
    """A deterministic regression that has no spread to be judged by."""
    assert judged([0.98, 0.97], [0.96, 0.95]).outcome == "failed"
    assert judged([0.98], [0.90]).outcome == "cannot tell"


def test_another_machine_is_compared_unpaired() -> None:
    check = judged(BEFORE, [0.960, 0.963, 0.958], environment={"device": "another"})
    assert check.change is not None
    assert not check.change.paired
    assert check.outcome == "failed"


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_a_seed_that_completed_before_and_does_not_now_fails(status: Any) -> None:
    """The survivors' mean hiding the run that diverged."""
    now = [
        *make_runs("adafix", BEFORE[:2]),
        make_result(optimizer="adafix", seed=2, status=status, accuracy=None),
    ]
    (check,) = against(now, make_runs("adafix", BEFORE), QUESTION, 0.005).checks
    assert (check.outcome, check.lost) == ("failed", (2,))
    assert sentence(check, METRICS["final"]).endswith("seed 2 completed before and did not now")


def test_what_is_not_run_any_more_is_named_and_nothing_in_common_is_refused() -> None:
    """A renamed optimizer that passes since there is nothing to judge."""
    before = make_runs("adafix", BEFORE) + make_runs("adam", BEFORE)
    assert against(make_runs("adam", BEFORE), before, QUESTION, 0.0).missing == ("adafix on mlp-mnist",)
    with pytest.raises(RequestError, match="no optimizer and problem is in both sets of results"):
        against(make_runs("adafox", BEFORE), before, QUESTION, 0.0)


def test_changed_settings_are_another_optimizer_and_changed_source_is_the_same() -> None:
    """A gate that never fires, since every change of the code makes a new optimizer."""

    def with_source(results: list[Result], source: str) -> list[Result]:
        return [
            result.model_copy(
                update={
                    "job": result.job.model_copy(
                        update={"optimizer": result.job.optimizer.model_copy(update={"source": source})}
                    )
                }
            )
            for result in results
        ]

    before, now = with_source(make_runs("a.py:A", BEFORE), "1"), with_source(make_runs("a.py:A", BEFORE), "2")
    assert len(against(now, before, QUESTION, 0.0).checks) == 1
    with pytest.raises(RequestError):
        against(
            make_runs("adam", BEFORE, hyperparameters={"lr": 0.5}), make_runs("adam", BEFORE), QUESTION, 0.0
        )


def test_seconds_are_judged_in_per_cent_of_what_they_were() -> None:
    question = Question(metric="seconds")
    before = [make_result(seed=i, seconds=10 + i / 10) for i in range(4)]
    slower = [make_result(seed=i, seconds=12 + i / 9) for i in range(4)]
    (check,) = against(slower, before, question, 0.1).checks
    assert (check.outcome, check.worsening) == ("failed", pytest.approx(0.199, abs=0.01))
    assert against(slower, before, question, 0.5).checks[0].outcome == "passed"
    assert against(before, slower, question, 0.1).checks[0].outcome == "passed"
    assert "10 % are allowed" in sentence(check, METRICS["seconds"])


def test_a_floor_is_not_met_by_a_lower_mean_or_by_none() -> None:
    results = (
        make_runs("adam", [0.99, 0.97])
        + make_runs("adafix", [0.9])
        + [make_result(optimizer="sgdm", status="failed", accuracy=None)]
    )
    found = {check.optimizer: check for check in below(compare(results), QUESTION, 0.98).checks}
    assert {name: check.outcome for name, check in found.items()} == {
        "adam": "passed",
        "adafix": "failed",
        "sgdm": "failed",
    }
    assert (
        sentence(found["adafix"], METRICS["final"])
        == "adafix on mlp-mnist, 2 epochs, fp32: final test accuracy 90.00 % is below 98.00 %"
    )
    assert "no run has a final test accuracy, which must not be below 98.00 %" in sentence(
        found["sgdm"], METRICS["final"]
    )
    with pytest.raises(
        BadValueError, match="--fail-below needs a metric of which higher is better, not loss"
    ):
        below(compare(results, question=Question(metric="loss")), Question(metric="loss"), 0.1)


def test_a_floor_is_not_met_by_the_survivors_of_a_divergence() -> None:
    results = make_runs("adam", [0.99, 0.99])
    results.append(make_result(seed=2, status="diverged", accuracy=None))
    (check,) = below(compare(results), QUESTION, 0.9).checks
    assert (check.outcome, check.lost) == ("failed", (2,))
    assert sentence(check, METRICS["final"]).endswith(": seed 2 diverged or failed")


def test_two_problems_of_one_name_are_two_lines_of_a_benchmark() -> None:
    """Two batch sizes drawn as one curve."""
    results = make_runs("adam", [0.9]) + make_runs("adam", [0.8], problem={"batch_size": 64})
    assert len({entry["name"] for entry in json.loads(benchmark(compare(results)))}) == 2


def test_many_checks_are_one_family() -> None:
    """Twenty optimizers without a change, one of which fails by chance at 5 %."""
    draw = random.Random(1)
    names = [f"opt{i}" for i in range(20)]
    before = [r for name in names for r in make_runs(name, [0.9 + draw.gauss(0, 0.01) for _ in range(3)])]
    now = [r for name in names for r in make_runs(name, [0.9 + draw.gauss(0, 0.01) for _ in range(3)])]
    assert against(now, before, QUESTION, 0.0).having("failed") == ()


def mixed() -> Gates:
    failed = judged(BEFORE, [0.960, 0.963, 0.958])
    doubtful = judged(BEFORE, [0.980, 0.940, 0.979])
    passed = judged(BEFORE, BEFORE)
    return together([Gates(checks=(passed, failed)), Gates(checks=(doubtful, failed), missing=("x on y",))])


def test_the_outcome_in_one_line() -> None:
    assert summary(mixed()) == "gates: 4 checks: 2 failed, 1 in doubt, 1 passed; not run here: x on y"
    line = reason(mixed(), METRICS["final"])
    assert line.startswith("gate failed: adafix on mlp-mnist")
    assert line.endswith("; and 1 more")
    assert "\n" not in line


def test_junit_counts_failures_and_skips_what_cannot_be_told() -> None:
    root = ElementTree.fromstring(junit(mixed(), METRICS["final"]).encode())
    assert root.attrib == {
        "name": "adabench compare",
        "tests": "4",
        "failures": "2",
        "skipped": "1",
        "errors": "0",
    }
    assert [[child.tag for child in case] for case in root] == [[], ["failure"], ["skipped"], ["failure"]]


@pytest.mark.parametrize("name", ["<script>&\"'", "\x1b[31m\x00", "a\nb", "\u202e", "]]>", "x" * 5000])
def test_junit_is_well_formed_whatever_things_are_called(name: str) -> None:
    """XML 1.0 has no place for control characters: a parser would refuse the file."""
    results = make_runs("evil", [0.5], label=name, problem={"label": name})
    text = junit(below(compare(results), QUESTION, 0.9), METRICS["final"])
    root = ElementTree.fromstring(text.encode())
    assert len(root) == 1
    assert len(text) < 2000


def test_benchmark_json_is_what_github_action_benchmark_reads() -> None:
    entries = json.loads(benchmark(compare(make_runs("adam", [0.97, 0.99]) + make_runs("adafix", [0.5]))))
    assert entries == [
        {
            "name": "adam on mlp-mnist, 2 epochs, fp32",
            "unit": "final test accuracy, %",
            "value": 98.0,
            "range": "± 1.41",
            "extra": "n = 2",
        },
        {
            "name": "adafix on mlp-mnist, 2 epochs, fp32",
            "unit": "final test accuracy, %",
            "value": 50.0,
            "range": "",
            "extra": "n = 1",
        },
    ]
    (seconds,) = json.loads(benchmark(compare(make_runs("adam", [0.9]), question=Question(metric="seconds"))))
    assert (seconds["unit"], seconds["value"]) == ("training seconds", 10.0)


def test_a_summary_stays_under_githubs_limit_and_says_that_it_was_cut() -> None:
    """GitHub drops a whole summary that is above 1,024 KiB."""
    long = "é line\n" * 300_000
    cut = capped(long, already=1000)
    assert len(cut.encode()) + 1000 <= 1024 * 1024
    assert cut.endswith(CUT)
    assert cut.removesuffix(CUT).endswith("é line")
    assert capped("short\n", already=0) == "short\n"
    assert capped("short\n", already=2_000_000) == ""


def test_gates_travel_in_the_json(tmp_path: Path) -> None:
    comparison = compare(make_runs("adam", [0.9])).model_copy(update={"gates": mixed()})
    again = type(comparison).model_validate_json(comparison.model_dump_json())
    assert again.gates == mixed()
