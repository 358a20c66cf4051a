# ruff: noqa: E501  (messages are quoted whole)
"""Optimizers by import path: how they are named, read, called and refused."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from adabench.config import Settings, problem_spec
from adabench.engine.seeding import Streams
from adabench.engine.step import EagerStep, EpochTotals
from adabench.engine.train import train
from adabench.errors import RequestError
from adabench.events import EpochEnded, Event, JobEnded
from adabench.optimizers import optimizer_spec
from adabench.optimizers.building import build_optimizer, traits_of
from adabench.problems.supervised import SupervisedProblem
from adabench.spec import Job, OptimizerSpec

OWN = """\
import torch

class Plain(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1, betas=(0.9, 0.99), steps: int = 3, tag=None, table={}, big=float("inf")):
        super().__init__(params, {"lr": lr})
    @torch.no_grad()
    def step(self, closure=None):
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for p in group["params"]:
                p -= group["lr"] * p.grad
        return loss

class Deaf(Plain):
    def step(self, closure=None):
        return super().step()

class Bare(Plain):
    def step(self):
        return super().step()

class Shy(Plain):
    def step(self, closure):
        with torch.no_grad():
            closure()
        super().step()

class Curious(Plain):
    adabench_traits = {"create_graph": True}
    def step(self, closure=None):
        loss = closure()
        params = self.param_groups[0]["params"]
        flat = sum((p.grad ** 2).sum() for p in params)
        self.second = torch.autograd.grad(flat, params)
        return super().step()

class Matrices(Plain):
    adabench_traits = {"matrices_only": True}
    def __init__(self, params, lr=0.1):
        params = list(params)
        assert all(p.ndim == 2 for group in params for p in group["params"])
        super().__init__(params, lr)

class TwoFaced(Plain):
    calls = []
    def train(self): self.calls.append("train")
    def eval(self): self.calls.append("eval")

class Blind(TwoFaced):
    adabench_traits = {"recompute_batchnorm": False}

class Typo(Plain):
    adabench_traits = {"create_grph": True}

class Needy(Plain):
    def __init__(self, params, lr): super().__init__(params, lr)

class Rateless(torch.optim.Optimizer):
    def __init__(self, params, force=0.1): super().__init__(params, {"force": force})
    def step(self, closure):
        closure()
        for p in self.param_groups[0]["params"]:
            p.data -= self.param_groups[0]["force"] * p.grad

def make(params, speed=0.2):
    return Plain(params, lr=speed)

def number(params):
    return 7

def broken(params, lr=0.1):
    raise RuntimeError("no such luck")
"""
TINY = "synthetic:size=8,channels=1,classes=4,train=100,test=40"
TINY_MLP = problem_spec("mlp:hidden=16", TINY, Settings(batch_size=32))
NOWHERE, CPU = Path("/nonexistent"), torch.device("cpu")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of one's own optimizers in the working folder."""
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path / "own.py"


def run(spec: OptimizerSpec, *, epochs: int = 2, model: str = "mlp:hidden=16") -> list[Event]:
    problem = problem_spec(model, TINY, Settings(batch_size=32))
    job = Job(optimizer=spec, problem=problem, seed=0, epochs=epochs, threads=1)
    return list(train(job, device="cpu", data_dir=NOWHERE))


def ending(events: list[Event]) -> JobEnded:
    assert isinstance(events[-1], JobEnded)
    return events[-1]


def losses(events: list[Event]) -> list[float]:
    return [event.metrics["train_loss"] for event in events if isinstance(event, EpochEnded)]


def complaint(name: str, **given: Any) -> str:
    with pytest.raises(RequestError) as error:
        optimizer_spec(name, given)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_specification_names_every_plain_setting(own: Path) -> None:
    """A result that does not say with which settings it was made, or one that no JSON can hold."""
    spec = optimizer_spec("own.py:Plain", {"lr": 1})
    assert spec.hyperparameters == {"lr": 1.0, "betas": (0.9, 0.99), "steps": 3}
    assert (spec.label, spec.schedule) == ("own.py:Plain:lr=1", "constant")
    assert (
        optimizer_spec("own.py:Plain", {"lr": 0.1, "schedule": "step"}).label == "own.py:Plain:schedule=step"
    )
    assert OptimizerSpec.model_validate_json(spec.model_dump_json()) == spec


def test_a_changed_file_is_another_job(own: Path) -> None:
    """Yesterday's result for today's code, or a job that runs other code than was planned."""
    before = optimizer_spec("own.py:Plain", {})
    assert str(before.source).startswith("sha256:")
    own.write_text(OWN + "\n# changed\n")
    assert optimizer_spec("own.py:Plain", {}).source != before.source
    with pytest.raises(
        RequestError, match=r"^own.py:Plain is now sha256:\w{16}; it was planned as sha256:\w{16}$"
    ):
        build_optimizer(before, [nn.Parameter(torch.ones(1))])


def test_a_module_in_the_working_folder_and_an_installed_one_are_found(own: Path) -> None:
    """Only files, or only installed packages."""
    assert str(optimizer_spec("own:Plain", {}).source).startswith("sha256:")
    assert (
        optimizer_spec("torch.optim:Rprop", {"lr": 0.02}).source
        == f"torch {torch.__version__.partition('+')[0]}"
    )


@pytest.mark.parametrize("name", ["Plain", "Deaf", "Bare", "Shy", "make:speed=0.1", "Curious"])
def test_every_calling_convention_takes_the_same_steps(own: Path, name: str) -> None:
    """A closure that is never called, called without gradients, or passed where none is taken."""
    name, _, speed = name.partition(":speed=")
    given = {"speed": float(speed)} if speed else {}
    events, plain = run(optimizer_spec(f"own.py:{name}", given)), run(optimizer_spec("own.py:Plain", {}))
    assert ending(events).reason is None
    assert losses(events) == losses(plain)
    assert ending(events).summary.gradient_evaluations == ending(events).summary.steps == 8


def test_differentiable_gradients_are_gone_when_the_step_is_over(own: Path) -> None:
    """Memory that grows by one graph a step."""
    spec = optimizer_spec("own.py:Curious", {})
    problem = SupervisedProblem(TINY_MLP, data_dir=NOWHERE, device=CPU, draw=Streams(0).generator)
    optimizer = build_optimizer(spec, problem.model.parameters())
    assert traits_of(spec, optimizer).create_graph
    problem.start_epoch(0)
    EagerStep(problem, optimizer, Streams(0), EpochTotals(CPU), create_graph=True)(0, 0)
    assert all(p.grad is not None and p.grad.grad_fn is None for p in problem.model.parameters())


def test_weights_to_judge_are_put_in_place_and_taken_away(own: Path) -> None:
    """A method judged at the weights that it trains, or trained at those that it judges."""
    spec = optimizer_spec("own.py:TwoFaced", {})
    assert ending(run(spec, epochs=2)).status == "completed"
    calls = type(build_optimizer(spec, [nn.Parameter(torch.ones(2))])).calls
    assert calls[-6:-1] == ["train", "eval", "train", "eval", "train"]


@pytest.mark.parametrize(("name", "times"), [("TwoFaced", 2), ("Blind", 0), ("Plain", 0)])
def test_statistics_are_gathered_again_for_methods_that_judge_other_weights(
    own: Path, monkeypatch: pytest.MonkeyPatch, name: str, times: int
) -> None:
    """BatchNorm statistics of the weights that are trained, under the weights that are judged."""
    calls: list[None] = []
    monkeypatch.setattr(SupervisedProblem, "refresh_statistics", lambda self: calls.append(None))
    assert ending(run(optimizer_spec(f"own.py:{name}", {}), epochs=2)).reason is None
    assert len(calls) == times


def test_gathered_statistics_are_those_of_the_weights_as_they_are() -> None:
    """Statistics that still remember earlier weights, or that cover one minibatch only."""
    spec = problem_spec("vgg11", TINY, Settings(batch_size=50))
    problem = SupervisedProblem(spec, data_dir=NOWHERE, device=CPU, draw=Streams(0).generator)
    problem.start_epoch(0)
    norm = next(m for m in problem.model.modules() if isinstance(m, nn.BatchNorm2d))
    convolution = next(m for m in problem.model.modules() if isinstance(m, nn.Conv2d))
    with torch.no_grad():
        norm.running_mean.fill_(1e6)
        convolution.weight.add_(1.0)
        problem.refresh_statistics()
        means = [convolution(problem.minibatch(step).inputs).mean(dim=(0, 2, 3)) for step in range(2)]
    torch.testing.assert_close(norm.running_mean, torch.stack(means).mean(dim=0))
    assert problem.model.training


def test_matrices_and_the_rest_go_to_different_optimizers(own: Path) -> None:
    """A vector given to a method that takes none, or a fallback whose rate nobody declared."""
    spec = optimizer_spec("own.py:Matrices", {"fallback_lr": 0.01})
    assert spec.hyperparameters == {"lr": 0.1, "fallback_lr": 0.01}
    assert spec.label == "own.py:Matrices:fallback_lr=0.01"
    params = [nn.Parameter(torch.ones(shape)) for shape in ((2, 2), (2,), (2, 2, 1, 1))]
    optimizer = build_optimizer(spec, params)
    assert [(len(group["params"]), group["lr"]) for group in optimizer.param_groups] == [(1, 0.1), (2, 0.01)]
    assert ending(run(spec)).status == "completed"


def test_a_method_without_a_learning_rate_runs(own: Path) -> None:
    events = run(optimizer_spec("own.py:Rateless", {}))
    assert ending(events).reason is None
    assert losses(events) == losses(run(optimizer_spec("own.py:Plain", {})))


def test_what_cannot_be_named_is_said_in_one_line(own: Path) -> None:
    """A traceback, or a message without the cure."""
    assert complaint("own.py:Plian") == "unknown class or function of own.py 'Plian'; did you mean 'Plain'?"
    assert complaint("own.py:Plain", lrr=1) == "unknown option of own.py:Plain 'lrr'; did you mean 'lr'?"
    assert complaint("own.py:Plain", lr="fast") == "own.py:Plain: lr=fast is not allowed; its default is 0.1"
    assert (
        complaint("own.py:Plain", betas=0.9)
        == "own.py:Plain: betas=0.9 is not allowed; its default is 0.9/0.99"
    )
    assert complaint("own.py:Plain", schedule="stpe").startswith(
        "own.py:Plain: schedule=stpe is not allowed; it takes one of "
    )
    assert (
        complaint("own.py:Needy")
        == "own.py:Needy has no default for lr; give it as own.py:Needy:lr=VALUE, or name a factory of yours"
    )
    assert (
        complaint("own.py:Typo") == "unknown trait of own.py:Typo 'create_grph'; did you mean 'create_graph'?"
    )
    assert complaint("other.py:Plain") == "other.py:Plain: there is no file 'other.py'"
    assert (
        complaint("no_such_pkg.optim:X")
        == "no_such_pkg.optim:X: there is no module 'no_such_pkg' here; pip install no-such-pkg"
    )
    assert complaint("torch.optm:Adam") == "unknown module of torch 'optm'; did you mean 'optim'?"
    assert (
        complaint("torch.optim:Adamm")
        == "unknown class or function of torch.optim 'Adamm'; did you mean 'Adam'?"
    )
    assert complaint("adam:lr") == "unknown optimizer 'adam:lr'; did you mean 'adam'?"


def test_a_file_that_does_not_run_says_why(own: Path) -> None:
    own.write_text("import no_such_pkg\n")
    assert (
        complaint("own.py:X")
        == "own.py:X: 'own.py' does not run: ModuleNotFoundError: No module named 'no_such_pkg'"
    )
    own.write_text("def f(:\n")
    assert complaint("own.py:X").startswith("own.py:X: 'own.py' does not run: SyntaxError: ")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("number", "own.py:number made a int, not an optimizer with step() and param_groups"),
        ("broken", "RuntimeError: no such luck"),
    ],
)
def test_what_cannot_be_built_fails_alone_and_says_why(own: Path, name: str, reason: str) -> None:
    """A sweep lost to one optimizer that does not work."""
    end = ending(run(optimizer_spec(f"own.py:{name}", {})))
    assert (end.status, end.reason) == ("failed", reason)


@pytest.mark.parametrize(
    ("package", "name", "settings"),
    [
        ("pytorch_optimizer", "pytorch_optimizer:Lion", {"lr": 1e-3}),
        ("pytorch_optimizer", "pytorch_optimizer:AdaHessian", {}),
        ("pytorch_optimizer", "pytorch_optimizer:SophiaH", {}),
        ("pytorch_optimizer", "pytorch_optimizer:ScheduleFreeAdamW", {}),
        ("pytorch_optimizer", "pytorch_optimizer:Prodigy", {}),
        ("timm", "timm.optim:Adan", {"lr": 1e-2}),
        ("timm", "timm.optim:Adahessian", {}),
        ("schedulefree", "schedulefree:AdamWScheduleFree", {"lr": 1e-2}),
        ("schedulefree", "schedulefree:AdamWScheduleFreeClosure", {"lr": 1e-2}),
        ("heavyball", "heavyball:SOAP", {"lr": 1e-2}),
        ("torch", "torch.optim:Muon", {"lr": 0.02, "fallback_lr": 0.01}),
        ("torch", "torch.optim:LBFGS", {"line_search_fn": "strong_wolfe"}),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_published_packages_train(package: str, name: str, settings: dict[str, Any]) -> None:
    """A protocol of a real package that the engine does not keep: every one must learn, evaluated a step."""
    pytest.importorskip(package)
    spec = optimizer_spec(name, settings)
    assert str(spec.source).split()[0].replace("-", "_") == package
    events = run(spec, epochs=8)
    assert ending(events).reason is None
    assert losses(events)[-1] < losses(events)[0]


def test_a_licence_that_forbids_something_is_said() -> None:
    pytest.importorskip("pytorch_optimizer")
    with pytest.warns(
        UserWarning, match="pytorch_optimizer:Nero: its licence is CC BY-NC-SA 4.0, which forbids"
    ):
        optimizer_spec("pytorch_optimizer:Nero", {})
