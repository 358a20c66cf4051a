"""Whole sweeps under fire: the short form of the fault harness, memory that runs out, and divergence."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from adabench.config import Settings, problem_spec
from adabench.engine.failure import is_out_of_memory
from adabench.engine.finite import not_finite
from adabench.engine.tasks import run_task
from adabench.events import JobEnded
from adabench.optimizers import optimizer_spec
from adabench.problems.supervised import SupervisedProblem
from adabench.spec import Job

HARNESS = Path(__file__).parent / "faults"
DATA = "synthetic:size=4,channels=1,classes=3,train=96,test=30"
STEPS_PER_EPOCH = 3

OPTIMIZERS_OF_OUR_OWN = """\
import torch

class Poisons(torch.optim.Adam):
    def __init__(self, params, place="", value="nan", at=0):
        super().__init__(params, lr=0.01)
        self.place, self.value, self.at, self.taken = place, float(value), at, 0

    @torch.no_grad()
    def step(self, closure=None):
        with torch.enable_grad():
            loss = closure()
        self.taken += 1
        p = self.param_groups[0]["params"][-1]
        if self.taken == self.at and self.place == "gradient":
            p.grad.fill_(self.value)
        super().step()
        if self.taken == self.at and self.place == "parameter":
            p.fill_(self.value)
        if self.taken == self.at and self.place.startswith("exp_avg"):
            self.state[p][self.place].fill_(self.value)
        return loss

class Hungers(torch.optim.SGD):
    def __init__(self, params, kind="python"):
        super().__init__(params, lr=0.1)
        self.kind = kind

    def step(self, closure=None):
        if self.kind == "python":
            raise MemoryError
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
"""


def job(optimizer: str, *, model: str = "mlp:hidden=8", folder: Path | None = None, **settings: Any) -> Job:
    if folder is not None:
        (folder / "ailing.py").write_text(OPTIMIZERS_OF_OUR_OWN)
        optimizer = f"{folder / 'ailing.py'}:{optimizer}"
    problem = problem_spec(model, DATA, Settings(batch_size=32))
    return Job(optimizer=optimizer_spec(optimizer, settings), problem=problem, seed=0, epochs=4, threads=1)


def ending(one: Job) -> JobEnded:
    return next(e for e in run_task((one,), device="cpu", data_dir=Path()) if isinstance(e, JobEnded))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the harness looks at /proc")
@pytest.mark.parametrize("scenario", ["kill", "signals", "disk"])
def test_a_sample_of_the_harness_finds_nothing(scenario: str) -> None:
    """A sweep that a kill, a signal or a full disk leaves torn, doubled, or unable to go on."""
    command = [sys.executable, HARNESS, scenario, "--short", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    tallies = json.loads(done.stdout or "[]")
    if scenario == "disk" and not tallies:
        pytest.skip("no file system can be mounted here")
    assert [tally["violations"] for tally in tallies] == [[] for _ in tallies], done.stderr
    assert sum(tally["cases"] for tally in tallies) > 1
    assert done.returncode == 0, done.stderr


AT = 5
SEEN_AT = {AT, AT + 1, 2 * STEPS_PER_EPOCH}
"""A number that is not finite shows at once, at the next loss, or when the epoch is over."""


class TestDivergence:
    """A number that is not finite, put somewhere at step 5 of 12."""

    @pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
    @pytest.mark.parametrize("place", ["gradient", "parameter", "exp_avg", "exp_avg_sq"])
    def test_it_ends_the_job_as_diverged(self, tmp_path: Path, place: str, value: str) -> None:
        """A run that is ranked although a part of its model is broken or no longer trained."""
        end = ending(job("Poisons", folder=tmp_path, place=place, value=value, at=AT))
        assert end.status == "diverged", end.reason
        assert any(f"step {step} (epoch 2)" in str(end.reason) for step in SEEN_AT), end.reason

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
    def test_a_loss_that_is_not_finite_names_its_step(
        self, monkeypatch: pytest.MonkeyPatch, value: float
    ) -> None:
        """A loss that recovers, and hides that a step was taken on nonsense."""
        real, calls = SupervisedProblem.loss, [0]

        def loss(self: Any, minibatch: Any) -> Any:
            mean, *rest = real(self, minibatch)
            calls[0] += 1
            return (mean + value if calls[0] == AT else mean, *rest)

        monkeypatch.setattr(SupervisedProblem, "loss", loss)
        end = ending(job("sgd"))
        assert (end.status, end.reason) == ("diverged", "the loss was not finite at step 5 (epoch 2)")

    def test_a_bias_of_minus_infinity_is_seen(self, tmp_path: Path) -> None:
        """Units that are switched off for good while the loss stays finite."""
        linear = torch.nn.Linear(2, 2)
        with torch.no_grad():
            linear.bias[0] = -float("inf")
        assert not_finite(torch.optim.SGD(linear.parameters())) == ["parameter"]

    def test_each_model_of_a_stack_has_its_own_verdict(self) -> None:
        """A seed that is called diverged because another one is."""
        p = torch.nn.Parameter(torch.zeros(3, 2))
        optimizer = torch.optim.Adam([p])
        p.grad = torch.ones_like(p)
        optimizer.step()
        assert not_finite(optimizer, models=3) == [None, None, None]
        optimizer.state[p]["exp_avg_sq"][1] = float("inf")
        with torch.no_grad():
            p[2, 1] = float("nan")
        assert not_finite(optimizer, models=3) == [None, "exp_avg_sq", "parameter"]


class TestMemory:
    """Memory that runs out."""

    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (MemoryError(), True),
            (torch.OutOfMemoryError("CUDA out of memory"), True),
            (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"), True),
            (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), True),
            (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
            (ValueError("can't allocate memory"), False),
        ],
    )
    def test_is_told_from_other_errors(self, error: Exception, expected: bool) -> None:
        assert is_out_of_memory(error) is expected

    @pytest.mark.parametrize("kind", ["python", "cuda"])
    def test_fails_the_job_with_what_it_asked_for(self, tmp_path: Path, kind: str) -> None:
        """A reason that does not say what was too large, or what would help."""
        end = ending(job("Hungers", folder=tmp_path, kind=kind))
        assert end.status == "failed"
        assert str(end.reason).startswith("out of memory: ")
        assert "with batch size 32, fp32, eager, cpu; a smaller --batch-size or fewer --workers" in end.reason

    @pytest.mark.skipif(importlib.util.find_spec("resource") is None, reason="no limits on this system")
    def test_the_next_job_of_the_process_is_clean(self, tmp_path: Path) -> None:
        """One job's memory that stays taken, so that all later ones fail as well."""
        small, huge, large = (job("adam", model=f"mlp:hidden={size}") for size in (8, 4_000_000, 300_000))
        code = f"""
import resource, sys
from pathlib import Path
from adabench.engine.tasks import run_task
from adabench.events import JobEnded
from adabench.spec import Job
for text in {[one.model_dump_json() for one in (small, small, huge, small, large)]!r}:
    for event in run_task((Job.model_validate_json(text),), device="cpu", data_dir=Path()):
        if isinstance(event, JobEnded):
            print(event.status, event.job.problem.batch_size, event.reason)
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + 400_000_000, -1))
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        assert [line.split()[0] for line in lines] == ["completed"] * 2 + ["failed", *["completed"] * 2], done
        assert "failed 32 out of memory: adam on mlp:hidden=4000000" in lines[2]
