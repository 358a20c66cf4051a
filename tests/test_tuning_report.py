"""What a report draws of a tuning, from ordinary results alone."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from factories import make_result
from sweeps import sweep

from adabench.compare import compare
from adabench.compare.selection import by_problem
from adabench.compare.trials import trials, tuned
from adabench.report import Publication
from adabench.report.charts import Charts, charts
from adabench.report.charts.tuning import budget, settings
from adabench.results.format import Result

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
ACCURACIES = (0.5, 0.7, 0.8, 0.9, 0.6)


def run(
    rate: float, validation: float, *, seed: int = 1000, optimizer: str = "adam", **others: Any
) -> Result:
    """A run of one setting; its test accuracy is the lower, the higher that of validation."""
    label = optimizer if rate == 1e-3 else f"{optimizer}:lr={rate:g}"
    made = make_result(
        optimizer=optimizer,
        label=label,
        hyperparameters={"lr": rate, "betas": (0.9, 0.999), "weight_decay": 0.0},
        seed=seed,
        accuracy=1 - validation,
        problem={"validation_fraction": 0.1},
        **others,
    )
    columns = {"validation_accuracy": [validation - 0.1, validation], "validation_loss": [0.5, 0.4]}
    return made.model_copy(update={"curve": made.curve | columns})


def tuning(optimizer: str = "adam", shift: float = 0.0) -> list[Result]:
    """Five settings at the seed of the trials, and two of them at three others."""
    tried = [
        run(rate, accuracy + shift, optimizer=optimizer)
        for rate, accuracy in zip(RATES, ACCURACIES, strict=True)
    ]
    finals = [
        run(rate, accuracy + shift, seed=seed, optimizer=optimizer)
        for rate, accuracy in ((1e-3, 0.8), (3e-3, 0.9))
        for seed in range(3)
    ]
    return tried + finals


def drawn(results: Sequence[Result], *, only_tuned: bool = False) -> Charts:
    """The charts of a comparison of all results, or of those that validation chose."""
    return charts(compare(tuned(results)[0] if only_tuned else results), results)


def slugs(found: Charts) -> list[str]:
    return [chart.slug for group in found.problems for chart in group]


def test_a_tuning_is_drawn_and_an_ordinary_sweep_is_not() -> None:
    """Curves over budget of settings that nobody drew at random, or a tuning without its figures."""
    assert {"budget", "settings"} <= set(slugs(drawn(tuning())))
    assert not {"budget", "settings"} & set(slugs(drawn(sweep())))
    few = [result for result in tuning() if result.job.optimizer.hyperparameters["lr"] in RATES[:3]]
    assert not {"budget", "settings"} & set(slugs(drawn(few)))


def test_the_curve_over_budget_is_of_validation_and_of_one_seed() -> None:
    """A curve made of test accuracies, or of the finalists' other seeds."""
    chart = budget(trials(by_problem(tuning()))[0])
    assert chart is not None
    (line,) = chart.panels[0].series
    assert line.optimizer == "adam"
    assert line.x == (1, 2, 3, 4, 5)
    assert line.y[0] == pytest.approx(100 * sum(ACCURACIES) / 5)
    assert list(line.y) == sorted(line.y)
    assert (line.low[0], line.high[0]) == (50, 90)
    assert "seed 1000" in chart.caption


def test_a_setting_is_drawn_where_it_varies() -> None:
    """A panel for what was not searched, or points at the finalists' other seeds."""
    chart = settings(trials(by_problem(tuning()))[0])
    assert chart is not None
    (panel,) = chart.panels
    assert (panel.x, panel.log_x) == ("learning rate", True)
    assert panel.series[0].x == RATES
    assert panel.series[0].y == tuple(100 * accuracy for accuracy in ACCURACIES)


def test_a_trial_that_diverged_pulls_the_curve_down_and_has_no_point() -> None:
    """A divergence that is left out of what a random trial may expect."""
    lost = run(0.1, 0.0, status="diverged", reason="loss is not finite at step 3")
    tried = trials(by_problem([*tuning(), lost.model_copy(update={"curve": {}})]))[0]
    curve, points = budget(tried), settings(tried)
    assert curve is not None
    assert points is not None
    assert curve.panels[0].series[0].y[0] == pytest.approx(100 * sum(ACCURACIES) / 6, rel=1e-4)
    assert "1 did not complete" in points.caption
    assert len(points.panels[0].series[0].x) == 5


def test_settings_left_behind_leave_no_curve_over_budget() -> None:
    """The survivors of a pruner drawn as if they were random settings."""
    short = [
        run(rate, accuracy, epochs=1)
        for rate, accuracy in zip((*RATES, 0.1), (*ACCURACIES, 0.2), strict=True)
    ]
    assert slugs(drawn([*short, *tuning()])).count("budget") == 1
    assert "budget" not in slugs(drawn([*short, *tuning()], only_tuned=True))


def test_a_tuned_report_compares_the_chosen_and_draws_every_trial() -> None:
    """Dozens of curves in one figure, or a budget that shrinks with what is compared."""
    every = [*tuning(), *tuning("sgdm", -0.05)]
    found = drawn(every, only_tuned=True)
    chart = {chart.slug: chart for group in found.problems for chart in group}
    assert {series.optimizer for series in chart["tradeoff"].panels[0].series} == {
        "adam",
        "adam:lr=0.003",
        "sgdm",
        "sgdm:lr=0.003",
    }
    assert [len(line.x) for line in chart["budget"].panels[0].series] == [5, 5]


def test_a_tuned_document_with_its_figures(tmp_path: Path) -> None:
    """Figures that a document does not show, or settings in its tables that nothing chose."""
    every = [*tuning(), *tuning("sgdm", -0.05)]
    written = Publication(output=tmp_path / "report.md", tuned=True).write(every)
    names = {path.name for path in written}
    assert {"report-mlp-mnist-budget.png", "report-mlp-mnist-settings.png"} <= names
    text = (tmp_path / "report.md").read_text()
    assert "report-mlp-mnist-budget.png" in text
    assert "adam:lr=0.003" in text
    assert "adam:lr=0.01" not in text
    Publication(output=tmp_path / "report.html", tuned=True).write(every)
    page = (tmp_path / "report.html").read_text()
    assert re.search("Best of k trials", page)
