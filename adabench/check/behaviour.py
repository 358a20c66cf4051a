"""How it treats what it is given: gradients, idle parameters, groups, schedulers, closures, NaN."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import StepLR

from adabench.check.finding import Outcome, failed, noted, passed, skipped
from adabench.check.subject import Subject
from adabench.check.surfaces import network, quadratic
from adabench.check.trial import Trial, distance
from adabench.errors import one_line

WARM_UP = 20
"""Steps that let a method that starts slowly begin to move."""
NO_RATE = "it has no setting called lr"
AFTER = 5
"""Steps that show a changed learning rate, which some methods read one step late."""


def constructs(subject: Subject) -> Outcome:
    """Is built over parameters and takes a step."""
    trial = Trial(subject.spec, quadratic()).step()
    return passed(f"takes a step; from {subject.spec.source or type(trial.optimizer).__module__}")


def gradients_kept(subject: Subject) -> Outcome:
    """Leaves gradients as the backward pass made them, with weight decay too where it has that."""
    decays = subject.spec.hyperparameters.get("weight_decay") == 0.0
    for spec in [subject.spec, *([subject.having(weight_decay=0.01)] if decays else [])]:
        trial = Trial(spec, network())
        for _ in range(3):
            trial.step()
            after = [p.grad for p in trial.params if p.grad is not None]
            if len(after) < len(trial.params):
                return failed("clears the caller's gradients")
            if not any(all(map(torch.equal, after, left)) for left in trial.gradients):
                with_decay = "" if spec == subject.spec else " with weight_decay=0.01"
                return failed(f"changes the caller's gradients{with_decay}")
    return passed("as the backward pass left them")


def idle_parameters(subject: Subject) -> Outcome:
    """Leaves a parameter alone that the loss does not use."""
    idle = nn.Parameter(torch.linspace(-1.0, 1.0, 12).reshape(4, 3))
    before = idle.detach().clone()
    Trial(subject.spec, network(), grouping=lambda params: [*params, idle]).run(5)
    if idle.grad is not None:
        return failed("gives a gradient to a parameter without one")
    if not torch.equal(idle.detach(), before):
        return failed("moves a parameter without a gradient")
    return passed("a parameter without a gradient stays as it is")


def groups_honoured(subject: Subject) -> Outcome:
    """Reads the learning rate of each parameter group: one of 0 holds its parameters still."""
    if subject.learning_rate is None:
        return skipped(NO_RATE)

    def two_groups(params: list[nn.Parameter]) -> list[dict[str, Any]]:
        return [{"params": params[:2]}, {"params": params[2:], "lr": 0.0}]

    trial = Trial(subject.spec, network(), grouping=two_groups)
    before = trial.points()
    after = trial.run(WARM_UP).points()
    moved, still = distance(before[:2], after[:2]), distance(before[2:], after[2:])
    if still != 0:
        return failed(f"a group with lr=0 moved by {still:.3g}")
    if moved == 0:
        return failed("a group with lr=0 stops the other group too")
    return passed("a group with lr=0 stays still, the other one moves")


def scheduler_honoured(subject: Subject) -> Outcome:
    """Takes another step once a torch scheduler has cut the learning rate."""
    if subject.learning_rate is None:
        return skipped(NO_RATE)
    (before, constant), (_, cut) = (_around_a_schedule(subject, factor) for factor in (1.0, 0.1))
    if distance(before, constant) == 0:
        return failed(f"does not move after step {WARM_UP}")
    if distance(constant, cut) == 0:
        return failed("a tenth of the learning rate changes no step")
    ratio = distance(before, cut) / distance(before, constant)
    return passed(f"a tenth of the learning rate moves {ratio:.3g} times as far in {AFTER} steps")


def _around_a_schedule(subject: Subject, factor: float) -> tuple[list[Tensor], list[Tensor]]:
    """Where it is when a scheduler multiplies its learning rate by ``factor``, and some steps later."""
    trial = Trial(subject.spec, network())
    scheduler = StepLR(trial.optimizer, step_size=WARM_UP, gamma=factor)
    for _ in range(WARM_UP):
        trial.step()
        scheduler.step()
    return trial.points(), trial.run(AFTER).points()


def closure_honoured(subject: Subject) -> Outcome:
    """Calls the closure with gradients enabled and returns the loss that it gave."""
    trial = Trial(subject.spec, network())
    if not (trial.traits.calls_closure and _own_step_evaluates(trial)):
        return failed("step(closure) never calls the closure")
    evaluations = []
    for _ in range(5):
        returned = trial.step().returned
        evaluations.append(len(trial.losses))
        if not all(trial.grad_enabled):
            return failed("calls the closure with gradients disabled")
        if returned is None:
            return failed("step(closure) returns None, not the loss")
        if not _among(returned, trial.losses):
            return failed("step(closure) returns something else than the loss")
    low, high = min(evaluations), max(evaluations)
    count = f"{low}" if low == high else f"{low} to {high}"
    noun = "evaluation" if high == 1 else "evaluations"
    return passed(f"returns the loss, {count} {noun} a step")


def _own_step_evaluates(trial: Trial) -> bool:
    """Whether the class's own ``step`` calls the closure, without the help that building may add."""
    trial.closure()
    before = len(trial.losses)
    type(trial.optimizer).step(trial.optimizer, trial.closure)
    return len(trial.losses) > before


def _among(returned: Any, losses: list[Tensor]) -> bool:
    try:
        height = returned.detach() if isinstance(returned, Tensor) else returned
        return float(height) in map(float, losses)
    except (TypeError, ValueError, RuntimeError):
        return False


def nan_gradients(subject: Subject) -> Outcome:
    """What a step whose loss and gradients are NaN does to the parameters and to the steps after it."""
    trial = Trial(subject.spec, network()).run(5)
    before, trial.factor = trial.points(), float("nan")
    try:
        after = trial.step().points()
        trial.factor = 1.0
        later = trial.run(3).points()
    except Exception as error:
        return noted(f"raises {one_line(error)}")
    return noted(_after_nan(before, after, later))


def _after_nan(before: list[Tensor], after: list[Tensor], later: list[Tensor]) -> str:
    if not all(bool(p.isfinite().all()) for p in after):
        return "a step with NaN gradients turns parameters into NaN"
    if not all(bool(p.isfinite().all()) for p in later):
        return "parameters survive the step, but NaN in the state reaches them soon after"
    if all(map(torch.equal, before, after)):
        stuck = all(map(torch.equal, after, later))
        return "the step is skipped, but nothing moves again" if stuck else "the step is skipped"
    return "parameters move, but stay finite"
