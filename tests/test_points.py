"""Runs on analytic problems: batches equal single runs, and what is told of them is true."""

import math
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from adabench import pipeline
from adabench.catalogue import parse
from adabench.compare import compare
from adabench.compare.shares import share_interval
from adabench.config import Request, Settings, problem_spec
from adabench.engine.points import batches, train_points
from adabench.engine.track import Track
from adabench.errors import BadValueError
from adabench.events import EpochEnded, JobEnded, JobStarted
from adabench.launchers.local import launch
from adabench.optimizers import OPTIMIZERS, AdaFix, optimizer_spec
from adabench.problems import analytic_spec
from adabench.problems.analytic import build_problem
from adabench.progress import Bars
from adabench.report import render, terminal
from adabench.results import Recorder, Result, ResultStore
from adabench.spec import Job

STACKED = [name for name, row in OPTIMIZERS.items() if row.traits.elementwise or row.traits.stacked]
SINGLE = [name for name in OPTIMIZERS if name not in STACKED]


def job(
    optimizer: str = "adam:lr=0.5", problem: str = "cosine_bowl:noise=1e-2", seed: int = 0, epochs: int = 4
) -> Job:
    return Job(
        optimizer=optimizer_spec(*parse(optimizer)),
        problem=analytic_spec(*parse(problem)),
        seed=seed,
        epochs=epochs,
        threads=1,
    )


def run(*jobs: Job) -> dict[Job, Result]:
    recorder, results = Recorder(), {}
    for event in train_points(jobs, device="cpu"):
        result = recorder.add(event)
        if result is not None:
            results[result.job] = result
    return results


def columns(result: Result) -> dict[str, list[Any]]:
    return {name: values for name, values in result.curve.items() if name != "seconds"}


@pytest.mark.parametrize("name", STACKED)
def test_a_batch_is_its_single_runs(name: str) -> None:
    """Seeds that see each other's gradients, norms or noise once they share a tensor."""
    jobs = [job(name, f"cosine_bowl:noise={noise}", seed) for noise in (0, 0.01) for seed in (0, 1, 5)]
    together = run(*jobs)
    assert len(batches(jobs)) == 1
    for each in jobs:
        alone = run(each)[each]
        for column, values in columns(together[each]).items():
            assert values == pytest.approx(alone.curve[column], rel=1e-11, abs=1e-13), (column, each.title)
        assert together[each].summary.left_region_step == alone.summary.left_region_step


@pytest.mark.parametrize("name", SINGLE)
def test_what_cannot_be_stacked_runs_by_itself(name: str) -> None:
    """A rule that mixes coordinates, applied across seeds."""
    jobs = [job(name, "quadratic", seed, epochs=2) for seed in (0, 1)]
    assert [len(batch) for batch in batches(jobs)] == [1, 1]
    results = run(*jobs)
    assert [results[each].status for each in jobs] == ["completed"] * 2
    assert results[jobs[0]].summary.final_loss < 0.505  # where it started


def test_only_seeds_and_noise_share_a_batch() -> None:
    """Jobs of another length, function or optimizer that inherit the first one's."""
    base = job()
    assert len(batches([base, job(seed=1), job(problem="cosine_bowl")])) == 1
    others = [
        job("adam:lr=0.4"),
        job(epochs=5),
        job(problem="quadratic"),
        job(problem="cosine_bowl:interval=7"),
    ]
    assert len(batches([base, *others])) == 5


def test_a_job_tells_its_whole_story() -> None:
    """Epochs unannounced, told of another job, or costs that do not add up; AdaFix evaluates twice."""
    jobs = [job("adafix:lr=0.5", seed=seed, epochs=3) for seed in (0, 1)]
    events = [event for event in train_points(jobs, device="cpu") if isinstance(event, EpochEnded | JobEnded)]
    for index, each in enumerate(jobs):
        *epochs, end = events[4 * index : 4 * index + 4]
        assert [event.epoch for event in epochs if isinstance(event, EpochEnded)] == [1, 2, 3]
        assert {event.job for event in epochs} == {each} == {end.job}
        assert isinstance(end, JobEnded)
        assert (end.summary.steps, end.summary.gradient_evaluations) == (180, 360)
        assert isinstance(epochs[-1], EpochEnded)
        assert end.summary.final_distance == epochs[-1].metrics["distance_to_optimum"]
        assert math.hypot(epochs[-1].metrics["x1"], epochs[-1].metrics["x2"]) == pytest.approx(
            end.summary.final_distance
        )


def test_every_job_starts_once() -> None:
    events = list(train_points([job(seed=seed, epochs=1) for seed in (0, 1, 2)], device="cpu"))
    started = [event.job.seed for event in events if isinstance(event, JobStarted)]
    assert started == [0, 1, 2]
    assert isinstance(events[0], JobStarted)
    assert events[0].total_steps == 60


def test_exact_gradients_follow_torch() -> None:
    """A loop that skips a step, or a learning rate that is not the one asked for."""
    each = job(problem="cosine_bowl", epochs=2)
    x = torch.nn.Parameter(torch.tensor([1.0, 0.3], dtype=torch.float64))
    optimizer = torch.optim.Adam([x], lr=0.5)
    for _ in range(120):
        optimizer.zero_grad()
        (1 - torch.cos((x**2).sum())).backward()
        optimizer.step()
    curve = run(each)[each].curve
    assert [curve["x1"][-1], curve["x2"][-1]] == pytest.approx(x.tolist(), rel=1e-9)


def test_a_diverged_seed_leaves_the_others_alone() -> None:
    """One NaN that ends a batch, or a job that goes on after it: sin of infinity at the second step."""
    calm, wild = (job("sgd:lr=0.1", f"cosine_bowl:noise={noise}", epochs=3) for noise in ("0", "1e200"))
    results = run(calm, wild)
    assert results[wild].status == "diverged"
    assert results[wild].reason == "the point was not finite after step 2 (epoch 1)"
    assert results[wild].summary.left_region_step == 1
    assert len(results[wild].curve["loss"]) == 1
    alone = run(calm)[calm]
    assert results[calm].status == alone.status == "completed"
    assert results[calm].curve["x1"] == pytest.approx(alone.curve["x1"], rel=1e-11)


def test_a_refused_setting_fails_every_job_of_the_batch() -> None:
    """A sweep that ends with a traceback."""
    broken = job().model_copy(
        update={"optimizer": optimizer_spec("adam", {}).model_copy(update={"hyperparameters": {"rate": 1.0}})}
    )
    results = run(broken, broken.model_copy(update={"seed": 1}))
    assert [result.status for result in results.values()] == ["failed", "failed"]
    assert all(result.reason and "rate" in result.reason for result in results.values())


def test_exits_are_noticed_between_epochs() -> None:
    """A run that left and came back within an epoch, or a late distance taken at ends of epochs alone."""
    problem = build_problem(analytic_spec("cosine_bowl", {}), "cpu")
    draw = torch.Generator().manual_seed(0)
    path = 0.1 * torch.randn(1201, 3, 2, generator=draw, dtype=torch.float64)
    path[77, 1], path[333, 1], path[1100, 2] = torch.tensor([2.0, 0.0]), torch.nan, torch.tensor([0.0, 1.5])
    track = Track(problem, (3,), interval=400)
    for epoch in range(3):
        window = path[400 * epoch : 400 * epoch + 401]
        track.add(window, None, learning_rate=0.1, seconds=1.0, gradient_evaluations=400)
    calm, broken, late = (track.summary(i) for i in range(3))
    assert (calm.left_region_step, broken.left_region_step, late.left_region_step) == (None, 77, None)
    assert calm.largest_late_distance == float(path[1001:, 0].norm(dim=-1).max())
    assert late.largest_late_distance == 1.5
    assert [len(track.rows(i)) for i in range(3)] == [3, 1, 3]
    assert track.trouble(1) == "the point was not finite after step 333 (epoch 1)"


def test_regret_counts_what_was_seen() -> None:
    """Regret at the mean function, or at the point after the step instead of before it."""
    each = job("sgd:lr=0,schedule=constant", "reddi_online:interval=101", epochs=2)
    curve = run(each)[each].curve  # stays at 0, where every f_t is 0; at -1 their mean is -1/101
    assert curve["average_regret"] == pytest.approx([1 / 101, 1 / 101])


def test_seeds_differ_and_optimizers_share_them() -> None:
    """The same noise for every seed, or other noise for every optimizer: then nothing is paired."""
    jobs = [job("sgd:lr=1e-3", seed=seed, epochs=1) for seed in (0, 1)]
    first, second = (run(each)[each].summary.final_loss for each in jobs)
    assert first != second
    assert run(jobs[0])[jobs[0]].summary.final_loss == first


def stacked_parameters(models: int) -> list[torch.nn.Parameter]:
    draw = torch.Generator().manual_seed(3)
    shapes = ((models, 4, 3), (models, 5), (models,))
    return [torch.nn.Parameter(torch.randn(s, generator=draw, dtype=torch.float64)) for s in shapes]


@pytest.mark.parametrize("trigger", ["abs", "signed", "second_moment"])
@pytest.mark.parametrize("foreach", [True, False])
def test_stacked_adafix_is_many_adafixes(trigger: str, foreach: bool) -> None:
    """A norm, a maximum or a count taken over all models instead of each."""
    models, scales = 3, (0.3, 1.0, 3.0)
    params = stacked_parameters(models)
    singles = [[torch.nn.Parameter(p[i].detach().clone()) for p in params] for i in range(models)]
    settings: Any = {"lr": 0.05, "betas": (0.9, 0.9), "weight_decay": 0.01}
    together = AdaFix(params, stacked=True, trigger=trigger, foreach=foreach, **settings)
    apart = [AdaFix(single, trigger=trigger, foreach=foreach, **settings) for single in singles]

    def backward(optimizer: AdaFix, families: list[list[torch.Tensor]], scales: Sequence[float]) -> None:
        optimizer.zero_grad()
        terms = [1 - torch.cos(c * x) for family, c in zip(families, scales, strict=True) for x in family]
        torch.stack([term.sum() for term in terms]).sum().backward()

    for _ in range(150):
        together.step(lambda: backward(together, [[p[i] for p in params] for i in range(models)], scales))
        for optimizer, single, scale in zip(apart, singles, scales, strict=True):
            optimizer.step(lambda o=optimizer, s=single, c=scale: backward(o, [s], [c]))
    for i, single in enumerate(singles):
        for whole, part in zip(params, single, strict=True):
            torch.testing.assert_close(whole[i], part, rtol=1e-12, atol=1e-14)
        for name, value in apart[i].diagnostics().items():
            assert float(together.diagnostics()[name][i]) == pytest.approx(float(value), rel=1e-12)
    updates = together.diagnostics()["second_moment_updates"].tolist()
    assert len(set(updates)) > 1, "the models of this test should differ"


def test_stacked_parameters_must_agree_on_how_many_models_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"^stacked parameters share their first dimension; these have shapes "
    ):
        AdaFix([torch.nn.Parameter(torch.ones(2, 3)), torch.nn.Parameter(torch.ones(3))], stacked=True)


@pytest.mark.parametrize(
    ("count", "n", "low", "high"), [(0, 20, 0.0, 0.1684), (20, 20, 0.8316, 1.0), (17, 20, 0.6211, 0.9679)]
)
def test_shares_have_clopper_and_pearsons_interval(count: int, n: int, low: float, high: float) -> None:
    assert share_interval(count, n) == pytest.approx((low, high), abs=5e-5)


def test_a_report_says_who_left(tmp_path: Path) -> None:
    """Figures that do not survive the way from the run through the file to the page."""
    texts = ("cosine_bowl", "cosine_bowl:noise=1e-2", "cosine_bowl:noise=1e-10")
    jobs = [job(f"sgd:lr={lr}", text, seed) for text in texts for lr in (0.1, 9) for seed in (0, 1)]
    results = []
    for each, result in run(*jobs).items():
        ResultStore(tmp_path).write(result)
        results.append(ResultStore(tmp_path).finished(each) or result)
    comparison = compare(results)
    labels = [compared.problem.label for compared in comparison.analytic]
    assert labels == ["cosine_bowl", "cosine_bowl:noise=1e-10", "cosine_bowl:noise=0.01"]
    assert comparison.problems == ()
    exact, _, noisy = comparison.analytic
    calm, wild = noisy.rows
    assert (calm.optimizer, wild.optimizer) == ("sgd", "sgd:lr=9")
    assert calm.exits is not None
    assert wild.exits is not None
    assert (calm.exits.left, wild.exits.left, wild.exits.earliest_step) == (0, 2, 1)
    assert [row.identical for row in exact.rows] == [True, True]
    for text in (terminal.render(comparison), render(comparison, results)):
        words = " ".join(text.split())
        assert "sgd in 0 of 2 runs (95 % interval 0 to 84 %); sgd:lr=9 in 2 of 2 runs" in words
        assert "sgd never (all 2 runs are the same one)" in words
        assert "test %" not in words


def test_the_launcher_takes_both_kinds(tmp_path: Path) -> None:
    tiny = problem_spec("mlp:hidden=4", "synthetic:size=4,channels=1,classes=2,train=20,test=10", Settings())
    supervised = job().model_copy(update={"problem": tiny, "epochs": 1})
    events = launch([supervised, job(epochs=1)], devices=["cpu"], data_dir=tmp_path)
    ends = [event for event in events if isinstance(event, JobEnded)]
    assert [(end.job.problem.label, end.status) for end in ends] == [
        ("cosine_bowl:noise=0.01", "completed"),
        (tiny.label, "completed"),
    ]


def test_a_request_is_run_kept_and_found_again(tmp_path: Path) -> None:
    """A display, a plan or a store that knows only problems with data."""
    request = Request(
        problems=("quadratic", "adabound_online", "adashift_stochastic"),
        optimizers=("adafix", "lbfgs"),
        settings=Settings(seeds=2, epochs=2),
    )
    plan = pipeline.plan(request, out=tmp_path, data_dir=tmp_path, device="cpu")
    assert sorted(pipeline.costs(plan).values()) == [240] * 6 + [2400] * 6
    pipeline.prepare(plan)
    console = Console(file=StringIO(), force_terminal=True, width=120)
    with Bars(console, pipeline.costs(plan)) as display:
        results = pipeline.execute(plan, display)
    assert {result.status for result in results} == {"completed"}
    assert "from the optimum after 120 steps" in console.file.getvalue()  # type: ignore[attr-defined]
    assert pipeline.plan(request, out=tmp_path, data_dir=tmp_path, device="cpu").pending == ()


def test_options_that_do_not_fit_are_refused_before_any_run(tmp_path: Path) -> None:
    request = Request(problems=("reddi_online:C=3",), settings=Settings(epochs=1))
    with pytest.raises(BadValueError, match=r"^reddi_online:C=3: C=3 must be above period - 1 = 100; "):
        pipeline.prepare(pipeline.plan(request, out=tmp_path, data_dir=tmp_path, device="cpu"))


def test_a_job_that_never_started_has_no_curve() -> None:
    """The curve of the job before it."""
    broken = job().model_copy(
        update={"optimizer": optimizer_spec("sgd", {}).model_copy(update={"hyperparameters": {"rate": 1.0}})}
    )
    results = run(job(), broken)
    assert results[job()].curve
    assert results[broken].curve == {}


NEWTON = """
import torch

class Newton(torch.optim.Optimizer):
    adabench_traits = {"create_graph": True}

    def __init__(self, params, lr=1.0):
        super().__init__(params, {"lr": lr})

    def step(self, closure):
        loss = closure()
        (x,) = self.param_groups[0]["params"]
        (curvature,) = torch.autograd.grad(x.grad.sum(), [x])
        with torch.no_grad():
            x -= self.param_groups[0]["lr"] * x.grad / curvature
        return loss
"""


def test_second_derivatives_are_there_for_who_asks(tmp_path: Path) -> None:
    """Closed-form gradients, which nobody can differentiate: Newton's method needs one step here."""
    file = tmp_path / "newton.py"
    file.write_text(NEWTON)
    each = job(f"{file}:Newton", "quadratic:interval=1,dimension=3", epochs=2)
    result = run(each)[each]
    assert result.status == "completed", result.reason
    assert result.summary.final_distance == pytest.approx(0, abs=1e-12)
