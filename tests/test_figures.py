"""Pictures: what is drawn is what was optimized, and every kind of result has its picture."""

from pathlib import Path

import numpy as np
import pytest
import torch
from factories import make_result

from adabench.errors import RequestError
from adabench.problems import PROBLEMS, analytic_spec
from adabench.problems.analytic import build_problem
from adabench.problems.surfaces import SURFACES
from adabench.report.figures import illustrate, training
from adabench.report.figures.style import looks
from adabench.results.format import Result

PNG = b"\x89PNG"


def analytic_result(optimizer: str, problem: str, seed: int) -> Result:
    result = make_result(optimizer=optimizer, seed=seed)
    steps = [60.0, 120.0, 180.0]
    curve = {
        "steps": steps,
        "x1": [0.5, 0.2, 0.1],
        "x2": [0.1, 0.1, 0.0],
        "distance_to_optimum": [0.5, 0.2, 0.1],
    }
    job = result.job.model_copy(update={"problem": analytic_spec(problem, {}), "epochs": 3})
    return result.model_copy(update={"job": job, "curve": curve})


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
        for radius, inside in ((0.99 * surface.edge, True), (1.01 * surface.edge, False)):
            point = problem.optimum + torch.tensor([radius, 0.0], dtype=torch.float64)
            assert bool(problem.inside(point)) == inside


def test_every_problem_gets_a_picture_beside_the_document(tmp_path: Path) -> None:
    """A problem left out, or pictures of two problems under one name."""
    results = [make_result(optimizer=o, seed=s) for o in ("adam", "adafix") for s in (0, 1)]
    results += [
        analytic_result(o, p, s)
        for o in ("adam", "sgd")
        for p in ("cosine_bowl", "rosenbrock")
        for s in (0, 1)
    ]
    pictures = illustrate(results, tmp_path / "report.md")
    assert len(pictures) == len({picture.path for picture in pictures}) == 3
    for picture in pictures:
        assert picture.path.parent == tmp_path
        assert picture.path.name.startswith("report-")
        assert picture.path.read_bytes().startswith(PNG)
    assert [picture.title for picture in pictures][-1] == "rosenbrock, 180 steps"


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    """A picture that changes in every commit although nothing else did."""
    results = [make_result(optimizer=o, seed=s) for o in ("adam", "adafix") for s in (0, 1)]
    (tmp_path / "again").mkdir()
    first = illustrate(results, tmp_path / "report.md")
    second = illustrate(results[::-1], tmp_path / "again" / "report.md")
    assert [p.path.read_bytes() for p in first] == [p.path.read_bytes() for p in second]


def test_a_panel_shows_only_what_some_run_has() -> None:
    """Empty panels of quantities that nobody recorded."""
    probed = make_result().model_copy(update={"probes": {"lipschitz": [1.0, 2.0]}})
    assert len(training.draw([make_result()], "t").axes) + 1 == len(training.draw([probed], "t").axes)


def test_an_optimizer_keeps_its_colour() -> None:
    """One optimizer in two colours across figures, or two in one colour within a figure."""
    alone, together = looks(["adafix"]), looks(["sgdm", "adafix", "adam", "mine", "adam:lr=0.1"])
    assert alone["adafix"] == together["adafix"]
    assert looks(["adam:lr=0.5"])["adam:lr=0.5"]["color"] == together["adam"]["color"]
    assert len({style["color"] for style in together.values()}) == 5


def test_a_folder_that_refuses_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"^cannot write .*none.*: No such file or directory$"):
        illustrate([make_result()], tmp_path / "none" / "report.md")


def test_surfaces_are_known_problems() -> None:
    assert set(SURFACES) <= set(PROBLEMS)
