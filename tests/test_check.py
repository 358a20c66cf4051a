"""`adabench check`: every defect is found by the check that names it, and a sound optimizer passes."""

import json
import sys
from pathlib import Path

import pytest

from adabench import cli
from adabench.check import agreement, conformance
from adabench.check.conformance import CHECKS, check
from adabench.check.finding import Finding, Outcome, any_failed, render, to_json
from adabench.check.references import REFERENCES
from adabench.check.subject import Subject
from adabench.errors import RequestError
from adabench.optimizers import OPTIMIZERS

BROKEN = '''
import random
import torch


class Sound(torch.optim.Optimizer):
    """Momentum without a defect; each class below has one."""

    def __init__(self, params, lr=0.1, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, group)
        return loss

    def update(self, p, group):
        v = self.state[p].setdefault("velocity", torch.zeros_like(p))
        v.mul_(0.5).add_(p.grad)
        p.sub_(v, alpha=group["lr"])


class WrongSign(Sound):
    def update(self, p, group):
        p.add_(p.grad, alpha=group["lr"])


class HiddenState(Sound):
    def update(self, p, group):
        hidden = self.__dict__.setdefault("hidden", {})
        v = hidden.setdefault(p, torch.zeros_like(p))
        v.mul_(0.5).add_(p.grad)
        p.sub_(v, alpha=group["lr"])


class RoundsState(Sound):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        for kept in self.state.values():
            kept["velocity"] = kept["velocity"].bfloat16().float()


class ForgetsState(Sound):
    def load_state_dict(self, state):
        pass


class DecaysGradient(Sound):
    def update(self, p, group):
        if group["weight_decay"]:
            p.grad.add_(p, alpha=group["weight_decay"])
        super().update(p, group)


class ScalesGradient(Sound):
    def update(self, p, group):
        p.grad.mul_(0.5)
        super().update(p, group)


class ClearsGradient(Sound):
    def update(self, p, group):
        super().update(p, group)
        p.grad = None


class MovesIdle(Sound):
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.mul_(0.999)
        return super().step(closure)


class OneRate(Sound):
    def update(self, p, group):
        super().update(p, {"lr": self.defaults["lr"]})


class NoClosure(Sound):
    @torch.no_grad()
    def step(self):
        return super().step()


class LosesLoss(Sound):
    def step(self, closure=None):
        super().step(closure)


class GradientsOff(Sound):
    @torch.no_grad()
    def step(self, closure=None):
        loss = closure()
        super().step()
        return loss


class Unseeded(Sound):
    def update(self, p, group):
        super().update(p, {"lr": group["lr"] * (1 + 0.01 * random.SystemRandom().random())})


class Raises(Sound):
    def update(self, p, group):
        raise RuntimeError("no such luck")


class Refuses(Sound):
    def update(self, p, group):
        raise RuntimeError("Refuses does not support dense gradients")


class OneGroup(Sound):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        if len(self.param_groups) > 1:
            raise ValueError("OneGroup doesn't support parameter groups")


class SkipsNaN(Sound):
    def update(self, p, group):
        if p.grad.isfinite().all():
            super().update(p, group)


class SlowStart(Sound):
    def __init__(self, params, lr=10.0):
        super().__init__(params, lr)

    def update(self, p, group):
        p.sub_(p.grad, alpha=group["lr"])


class Draws(Sound):
    def update(self, p, group):
        super().update(p, {"lr": group["lr"] * (1 + 0.01 * torch.rand(()).item())})
'''

DEFECTS = [
    ("WrongSign", "convex descent", "starts at 0.785 and ends at"),
    ("WrongSign", "nonconvex descent", "starts at 3.9 and ends at"),
    ("HiddenState", "resume", "12 steps after loading, parameters differ by"),
    ("RoundsState", "state_dict round trip", "has other values after loading"),
    ("RoundsState", "resume", "parameters differ by"),
    ("ForgetsState", "state_dict round trip", "state_dict['state'] has 0 on one side only"),
    ("DecaysGradient", "gradients untouched", "changes the caller's gradients with weight_decay=0.01"),
    ("ScalesGradient", "gradients untouched", "changes the caller's gradients"),
    ("ClearsGradient", "gradients untouched", "clears the caller's gradients"),
    ("MovesIdle", "unused parameters", "moves a parameter without a gradient"),
    ("OneRate", "parameter groups", "a group with lr=0 moved by"),
    ("OneRate", "schedulers", "a tenth of the learning rate changes no step"),
    ("NoClosure", "closures", "step(closure) never calls the closure"),
    ("LosesLoss", "closures", "step(closure) returns None, not the loss"),
    ("GradientsOff", "closures", "calls the closure with gradients disabled"),
    ("Unseeded", "determinism", "two runs with one seed differ by"),
]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("broken") / "broken.py"
    path.write_text(BROKEN)
    return path


def outcome(name: str, title: str) -> Outcome:
    return CHECKS[title](Subject.of(name, {}))


@pytest.mark.parametrize(("defect", "title", "detail"), DEFECTS)
def test_finds_a_defect(broken: Path, defect: str, title: str, detail: str) -> None:
    """A check that passes whatever it is given."""
    found = outcome(f"{broken}:{defect}", title)
    assert found.verdict == "fail"
    assert detail in found.detail


@pytest.mark.parametrize("title", sorted({title for _, title, _ in DEFECTS}))
def test_passes_what_is_sound(broken: Path, title: str) -> None:
    """A check that fails whatever it is given."""
    found = outcome(f"{broken}:Sound", title)
    assert found.verdict == "pass", found.detail


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_catalogue_conforms(name: str) -> None:
    """A row of ours that its own author's tool would not let pass."""
    slow = {"nonconvex descent", "cost of a step", "state"}
    subject = Subject.of(name, {})
    outcomes = {
        title: conformance._outcome(examine, subject)
        for title, examine in CHECKS.items()
        if title not in slow
    }
    assert not {title: each.detail for title, each in outcomes.items() if each.verdict == "fail"}
    assert outcomes["scalar reference"].verdict == "pass"


def test_a_rule_that_strays_from_its_reference_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison too loose to tell Adam from AMSGrad."""
    monkeypatch.setitem(agreement.REFERENCES, "adam", REFERENCES["amsgrad"])
    assert outcome("adam", "scalar reference").verdict == "fail"


def test_what_raises_is_a_finding_and_ends_the_checks(broken: Path) -> None:
    """A stack trace instead of a table; or one reason told fifteen times."""
    (only,) = check(f"{broken}:Raises", {})
    assert (only.name, only.verdict, only.detail) == ("constructs", "fail", "RuntimeError: no such luck")
    (only,) = check(f"{broken}:Refuses", {})
    assert only.verdict == "fail", "nothing was checked, so nothing may pass"


def test_what_the_optimizer_declines_is_skipped(broken: Path) -> None:
    """A fail for a documented limit."""
    name = "parameter groups"
    found = conformance._outcome(CHECKS[name], Subject.of(f"{broken}:OneGroup", {}))
    assert found.verdict == "skip"
    assert found.detail.endswith("OneGroup doesn't support parameter groups")


def test_notes_what_nan_gradients_do(broken: Path) -> None:
    """A method that protects itself told apart from one that does not."""
    spread = "a step with NaN gradients turns parameters into NaN"
    assert outcome(f"{broken}:Sound", "NaN gradients") == Outcome("note", spread)
    assert outcome(f"{broken}:SkipsNaN", "NaN gradients") == Outcome("note", "the step is skipped")


def test_says_which_learning_rate_descends(broken: Path) -> None:
    """A method condemned for a default learning rate that does not suit the test."""
    found = outcome(f"{broken}:SlowStart", "nonconvex descent")
    assert found.verdict == "pass"
    assert found.detail.endswith(("lr=1", "lr=0.1"))


def test_says_when_random_numbers_are_drawn(broken: Path) -> None:
    """A stochastic rule taken for one that is not."""
    assert outcome(f"{broken}:Draws", "determinism").detail.endswith("draws from torch's random numbers")


@pytest.mark.parametrize(("name", "per_parameter"), [("sgd", 0), ("sgdm", 4), ("adam", 8), ("amsgrad", 12)])
def test_weighs_the_state(name: str, per_parameter: int) -> None:
    """Bytes that are counted twice or not at all; a step count is not worth a percent."""
    assert outcome(name, "state").value == pytest.approx(per_parameter, rel=0.01)


def test_costs_are_relative_to_fused_adam() -> None:
    """A ratio the wrong way up: Adam without fusing cannot be several times faster."""
    found = outcome("adam", "cost of a step")
    assert found.verdict == "note"
    assert found.value is not None
    assert found.value > 0.3
    assert "times torch's fused Adam" in found.detail


def test_tables_and_json_say_the_same() -> None:
    """A finding that is shown to people but not to programs."""
    findings = [
        Finding(name="a", verdict="pass", detail="x"),
        Finding(name="b", verdict="fail", detail="y", value=2.0),
    ]
    assert any_failed(findings)
    assert render("opt", findings).splitlines()[0] == "opt"
    assert render("opt", findings).splitlines()[-1] == "2 checks: 1 pass, 1 fail"
    document = json.loads(to_json("opt", findings))
    assert document["conforms"] is False
    assert document["checks"][1] == {"name": "b", "verdict": "fail", "detail": "y", "value": 2.0}


@pytest.mark.parametrize(("defect", "code"), [("Sound", 0), ("OneRate", 1)])
def test_the_exit_code_tells_a_fail(
    broken: Path, defect: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A release script that goes on past a fail, or stops without one."""
    few = {title: CHECKS[title] for title in ("constructs", "parameter groups")}
    monkeypatch.setattr(conformance, "CHECKS", few)
    monkeypatch.setattr(sys, "argv", ["adabench", "check", f"{broken}:{defect}:lr=0.05"])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == code
    assert capsys.readouterr().out.startswith(f"{broken}:{defect}:lr=0.05\ncheck ")


def test_a_wrong_name_is_a_wrong_request() -> None:
    """A slip of the pen reported as a broken optimizer."""
    with pytest.raises(RequestError, match="did you mean 'adam'"):
        check("adm", {})
