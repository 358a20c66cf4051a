"""How jobs will run: what is chosen for them, and which wishes are refused before anything runs."""

from typing import Any

import pytest
import torch

from adabench.config import Settings, formula_spec, problem_spec
from adabench.engine import choices
from adabench.engine.choices import settle
from adabench.engine.tasks import tasks
from adabench.errors import RequestError
from adabench.optimizers import OPTIMIZERS, optimizer_spec
from adabench.spec import Job

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def job(name: str = "adam", model: str = "mlp", seed: int = 0) -> Job:
    problem = problem_spec(model, "synthetic", Settings())
    return Job(optimizer=optimizer_spec(name, {}), problem=problem, seed=seed, epochs=1)


def settled(*jobs: Job, device: torch.device = CPU, **wishes: Any) -> tuple[Job, ...]:
    return settle(jobs, device=device, **{"executor": "auto", "stacking": "auto", **wishes})


def test_a_cpu_runs_steps_as_written_and_stacks_nothing() -> None:
    """Seeds stacked where it costs time; graphs asked of a device that has none."""
    for one in settled(*(job("adafix", seed=seed) for seed in range(3))):
        assert (one.executor, one.stacked) == ("eager", False)


def test_a_gpu_captures_and_stacks_what_it_can() -> None:
    """A convolutional model stacked, or an optimizer with host decisions captured."""
    jobs = [
        job(name, model, seed)
        for name in ("adafix", "lbfgs")
        for model in ("mlp", "vgg11")
        for seed in (0, 1)
    ]
    got = {(j.optimizer.name, j.problem.model): (j.executor, j.stacked) for j in settled(*jobs, device=CUDA)}
    assert got == {
        ("adafix", "mlp"): ("captured", True),
        ("adafix", "vgg11"): ("captured", False),
        ("lbfgs", "mlp"): ("eager", False),
        ("lbfgs", "vgg11"): ("eager", False),
    }


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_are_fused_where_there_is_a_kind_and_a_compiler(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One optimizer's kernel beside another's list operations, unless the result says so."""
    for compiler in (True, False):
        monkeypatch.setattr(choices, "compiler_available", lambda device, found=compiler: found)
        (one,) = settled(job(name))
        assert (one.implementation == "fused") == (compiler and OPTIMIZERS[name].traits.fused)


def test_formulas_are_left_alone() -> None:
    """A batch of points with an executor that nothing honours."""
    points = Job(
        optimizer=optimizer_spec("adam", {}), problem=formula_spec("rosenbrock", Settings()), seed=0, epochs=1
    )
    assert settled(points, device=CUDA) == (points,)


def test_stacks_are_one_task_each() -> None:
    """Seeds that say they were stacked and ran by themselves, or two optimizers in one stack."""
    jobs = settled(*(job(name, seed=s) for s in range(3) for name in ("adam", "adafix")), stacking="on")
    assert [[(j.optimizer.name, j.seed) for j in task] for task in tasks(jobs)] == [
        [("adam", 0), ("adam", 1), ("adam", 2)],
        [("adafix", 0), ("adafix", 1), ("adafix", 2)],
    ]


def test_wishes_that_cannot_be_met_are_refused() -> None:
    """A wish that is silently not honoured."""
    jobs = [job("adafix", "vgg11", seed) for seed in (0, 1)]
    with pytest.raises(RequestError, match=r"^--executor captured needs a CUDA device; on a CPU use auto"):
        settled(*jobs, executor="captured")
    with pytest.raises(RequestError, match=r"^--stack-seeds on finds nothing to stack; it takes two seeds"):
        settled(*jobs, stacking="on")


def test_without_a_compiler_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that fails job by job for want of a compiler."""
    monkeypatch.setattr(choices, "compiler_available", lambda device: False)
    with pytest.raises(RequestError, match=r"^--executor compiled needs a C\+\+ compiler; install g\+\+"):
        settled(job(), executor="compiled")


def test_what_cannot_be_captured_says_so() -> None:
    with pytest.raises(RequestError, match=r"^lbfgs cannot be captured in a CUDA graph; use --executor"):
        settled(job("lbfgs"), device=CUDA, executor="captured")
