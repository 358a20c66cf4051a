"""Pictures: what is drawn is what was optimized, each only where there is something to draw."""

from pathlib import Path

import numpy as np
import pytest
import torch
from factories import make_result
from sweeps import diverged, rates, run, sweep

from adabench.compare import compare
from adabench.compare.question import Question
from adabench.compare.selection import by_optimizer
from adabench.errors import RequestError
from adabench.problems import PROBLEMS, analytic_spec
from adabench.problems.analytic import build_problem
from adabench.problems.surfaces import SURFACES
from adabench.report.charts import Charts, charts
from adabench.report.charts.model import Chart
from adabench.report.charts.training import inside
from adabench.report.curves import POINTS, band, thinned
from adabench.report.figures import SUFFIXES, Picture, exhibits, illustrate
from adabench.report.palette import COLOURS, looks
from adabench.results.format import Result

BEGINNINGS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


def analytic_result(optimizer: str, problem: str, seed: int) -> Result:
    result = make_result(optimizer=optimizer, seed=seed)
    curve = {
        "steps": [60.0, 120.0, 180.0],
        "gradient_evaluations": [60.0, 120.0, 180.0],
        "x1": [0.5, 0.2, 0.1],
        "x2": [0.1, 0.1, 0.0],
        "distance_to_optimum": [0.5, 0.2, 0.1],
    }
    job = result.job.model_copy(update={"problem": analytic_spec(problem, {}), "epochs": 3})
    return result.model_copy(update={"job": job, "curve": curve})


def drawn(results: list[Result], document: Path, suffix: str = "png") -> list[Picture]:
    return illustrate(compare(results, question=Question(target_of_baseline=True)), results, document, suffix)


def charted(results: list[Result]) -> Charts:
    return charts(compare(results, question=Question(target_of_baseline=True)), results)


def slugs(group: tuple[Chart, ...]) -> list[str]:
    return [chart.slug for chart in group]


def only(results: list[Result], slug: str) -> Chart:
    (group,) = charted(results).problems
    (chart,) = (chart for chart in group if chart.slug == slug)
    return chart


@pytest.mark.parametrize("name", SURFACES)
def test_the_drawn_surface_is_the_optimized_one(name: str) -> None:
    """A map of another function than the one the paths ran on, or of another start, optimum or region."""
    spec, surface = analytic_spec(name, {}), SURFACES[name]
    problem = build_problem(spec, "cpu")
    points = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    heights = surface.height(*points.numpy().T, **spec.options)
    np.testing.assert_allclose(heights, problem.loss(points).numpy(), rtol=1e-12, atol=1e-12)
    assert surface.start == tuple(problem.start.tolist())
    assert surface.optimum == tuple(problem.optimum.tolist())
    if surface.edge is not None:
        for radius, inside_ in ((0.99 * surface.edge, True), (1.01 * surface.edge, False)):
            point = problem.optimum + torch.tensor([radius, 0.0], dtype=torch.float64)
            assert bool(problem.inside(point)) == inside_


def test_an_optimizer_has_one_colour_in_every_figure() -> None:
    """A setting that takes its optimizer's colour on one figure and another one on the next."""
    results = [*sweep(["one"]), *(analytic_result("adam:lr=0.5", "cosine_bowl", seed) for seed in (0, 1))]
    colours: dict[str, set[str]] = {}
    for exhibit in exhibits(compare(results), results):
        for line in (line for axis in exhibit.draw().axes for line in axis.get_lines()):
            if not line.get_label().startswith("_"):
                colours.setdefault(line.get_label(), set()).add(line.get_color())
    assert {"adam", "adam:lr=0.5"} <= set(colours)
    assert all(len(found) == 1 for found in colours.values()), colours


def two_points() -> list[Result]:
    problems = ("cosine_bowl", "rosenbrock")
    return [analytic_result(o, p, s) for o in ("adam", "sgd") for p in problems for s in (0, 1)]


def test_every_problem_gets_its_pictures_beside_the_document(tmp_path: Path) -> None:
    """A problem left out, or pictures of two problems under one name."""
    results = [*sweep(["one"]), make_result(problem={"label": "two, 2"}), *two_points()]
    pictures = drawn(results, tmp_path / "report.md")
    names = [picture.path.name for picture in pictures]
    assert len(names) == len(set(names))
    for owner in ("one", "two-2", "cosine-bowl-180-steps", "rosenbrock-180-steps"):
        assert any(name.startswith(f"report-{owner}-") for name in names), owner
    assert names.count("report-rosenbrock-180-steps-paths.png") == 1
    assert all(picture.path.parent == tmp_path for picture in pictures)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_results_give_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    """A picture that changes in every commit although nothing else did."""
    results = [*sweep(), *two_points()[:3]]
    (tmp_path / "again").mkdir()
    first = drawn(results, tmp_path / "report.md", suffix)
    second = drawn(results[::-1], tmp_path / "again" / "report.md", suffix)
    assert [p.path.read_bytes() for p in first] == [p.path.read_bytes() for p in second]
    assert all(p.path.read_bytes().startswith(BEGINNINGS[suffix]) for p in first)


def test_a_chart_is_drawn_only_where_results_hold_what_it_needs() -> None:
    """Empty axes, or a chart that says something the runs cannot know."""
    bare = charted([make_result()])
    assert bare.suite == ()
    assert slugs(bare.problems[0]) == ["tradeoff", "overhead"]
    full = charted(sweep())
    assert slugs(full.problems[0]) == ["curves", "tradeoff", "target", "overhead"]
    assert "sensitivity" in slugs(charted(rates()).problems[0])
    assert "sensitivity" not in slugs(charted(rates(values=(1e-3, 1e-2))).problems[0])
    assert slugs(charted(sweep([f"p{i}" for i in range(2)])).suite) == ["profiles"]
    assert slugs(charted(sweep([f"p{i}" for i in range(6)], seeds=2)).suite) == ["profiles", "ranks"]


def test_no_overhead_is_drawn_of_runs_from_different_machines() -> None:
    """Seconds of a GPU beside those of a laptop."""
    mixed = [*sweep(), run("adam", 0.97, seed=9, environment={"device": "another"})]
    assert "overhead" not in slugs(charted(mixed).problems[0])


def test_curves_stand_on_all_four_axes_with_their_own_costs() -> None:
    """AdaFix drawn as cheap as Adam: it takes two gradients a step."""
    panels = {panel.x: panel for panel in only(sweep(), "curves").panels if panel.y.startswith("test")}
    assert list(panels) == ["steps", "samples", "gradient evaluations", "seconds"]

    def ends(axis: str) -> dict[str, float]:
        return {series.optimizer: series.x[-1] for series in panels[axis].series if not series.broken}

    assert ends("steps") == {"adam": 800, "adafix": 800, "sgdm": 800}
    assert ends("gradient evaluations") == {"adam": 800, "adafix": 1600, "sgdm": 800}


def test_a_curve_is_the_comparisons_own_mean_and_interval() -> None:
    """A figure that shows other numbers than the table beside it."""
    results = sweep()
    (compared,) = compare(results).problems
    row = compared.row("adam")
    (panel, *_) = only(results, "curves").panels
    (line,) = (series for series in panel.series if series.optimizer == "adam")
    assert row is not None
    assert row.final_test_accuracy is not None
    assert row.final_test_accuracy.interval is not None
    assert line.y[-1] == pytest.approx(100 * row.final_test_accuracy.mean, rel=1e-4)
    low, high = row.final_test_accuracy.interval
    assert (line.low[-1], line.high[-1]) == pytest.approx((100 * low, 100 * high), rel=1e-4)


def test_a_diverged_run_is_shown_as_far_as_it_came() -> None:
    """A sweep that looks well because its failures are missing from the picture."""
    chart = only([*sweep(), diverged("adam", seed=5)], "curves")
    broken = [series for series in chart.panels[0].series if series.broken]
    assert [series.optimizer for series in broken] == ["adam", "muon"]
    assert [series.x[-1] for series in broken] == [300, 300]
    assert "diverged" in chart.caption


def test_a_rate_that_diverged_has_no_point() -> None:
    """A learning rate made to look good by its one survivor."""
    label = {"label": "adam:lr=0.1", "hyperparameters": {"lr": 0.1, "betas": (0.9, 0.999)}}
    results = [*rates(), run("adam", 0.99, seed=0, **label), diverged("adam", seed=1, **label)]
    (series,) = only(results, "sensitivity").panels[0].series
    assert series.x == (1e-4, 1e-3, 1e-2)


def test_the_share_that_met_a_target_starts_at_nothing_and_never_falls() -> None:
    for panel in only(sweep(), "target").panels:
        for series in panel.series:
            assert series.y[0] == 0
            assert list(series.y) == sorted(series.y)
            assert series.y[-1] <= 100


def test_a_panel_shows_only_what_some_run_has() -> None:
    """Empty panels of quantities that nobody recorded."""
    probed = make_result().model_copy(update={"probes": {"lipschitz": [1.0, 2.0]}})
    assert inside(by_optimizer([make_result()])) is None
    chart = inside(by_optimizer([probed]))
    assert chart is not None
    assert [panel.y for panel in chart.panels] == ["smoothness estimate L"]


def test_a_band_skips_gaps_and_reaches_from_the_lowest_to_the_highest_seed() -> None:
    """A hole in one seed's column drawn as 0, or a band of the wrong seeds."""
    columns = ([1.0, None, 3.0, 5.0], [3.0, 2.0, 5.0, 5.0])
    runs = [make_result(seed=i).model_copy(update={"curve": {"q": c}}) for i, c in enumerate(columns)]
    found = band(runs, None, "q")
    assert found is not None
    assert (found.x, found.middle, found.low, found.high) == ((1, 3, 4), (2, 4, 5), (1, 3, 5), (3, 5, 5))
    assert band(runs, None, "nothing") is None


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize("length", [0, 1, 2, POINTS, POINTS + 1, 5000])
def test_thinning_keeps_the_ends_and_few_places(length: int, logarithmic: bool) -> None:
    kept = thinned(length, logarithmic=logarithmic)
    assert kept == sorted(set(kept))
    assert len(kept) <= POINTS
    assert kept[:1] == list(range(length))[:1]
    assert kept[-1:] == list(range(length))[-1:]


def test_an_optimizer_keeps_its_colour() -> None:
    """One optimizer in two colours across figures, or two in one colour within a figure."""
    alone, together = looks(["adafix"]), looks(["sgdm", "adafix", "adam", "mine", "adam:lr=0.1"])
    assert alone["adafix"] == together["adafix"]
    assert looks(["adam:lr=0.5"])["adam:lr=0.5"].colour == together["adam"].colour
    assert looks(["adafix [1]", "adafix [2]"])["adafix [1]"].colour == together["adafix"].colour
    assert len({look.colour for look in together.values()}) == 5


def test_more_optimizers_than_colours_still_look_different() -> None:
    """Two lines that nobody can tell apart."""
    many = looks([f"optimizer{i}" for i in range(3 * len(COLOURS))])
    assert len(set(many.values())) == len(many)


def test_a_folder_that_refuses_pictures_is_named(tmp_path: Path) -> None:
    (tmp_path / "none").touch()
    with pytest.raises(RequestError, match=r"^cannot write .*none.*: (Not a directory|File exists)$"):
        drawn([make_result()], tmp_path / "none" / "report.md")


def test_surfaces_are_known_problems() -> None:
    assert set(SURFACES) <= set(PROBLEMS)
