"""What makes AdaFix AdaFix: properties of the method, beyond following its reference."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from adabench.optimizers import AdaFix
from adabench.optimizers.fused import compiler_available


def network() -> torch.nn.Sequential:
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(20, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))


def train(make: Any, steps: int, *, hold_lipschitz_at_zero: bool = False) -> tuple[Tensor, Any]:
    torch.manual_seed(0)
    inputs, labels, model = torch.randn(64, 20), torch.randint(0, 4, (64,)), network()
    optimizer = make(model.parameters())

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), labels)
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
        if hold_lipschitz_at_zero:
            optimizer.param_groups[0]["lipschitz"].zero_()
    return torch.cat([p.detach().flatten() for p in model.parameters()]), optimizer


def test_with_lipschitz_held_at_zero_it_is_adam_bit_for_bit() -> None:
    """Any difference from its parent that is not the fixing of v."""
    held, _ = train(AdaFix, 200, hold_lipschitz_at_zero=True)
    adam, _ = train(lambda params: torch.optim.Adam(params, foreach=True), 200)
    assert torch.equal(held, adam)


def test_fixes_all_of_the_second_moment_once_gradients_are_small() -> None:
    """A trigger that never fires, or one that fixes a part of v: full-batch gradients vanish."""
    _, early = train(AdaFix, 2000)
    _, late = train(AdaFix, 2010)
    updates = early.diagnostics()["second_moment_updates"]
    assert 0 < updates < 2000
    assert updates == late.diagnostics()["second_moment_updates"]
    for a, b in zip(early.state.values(), late.state.values(), strict=True):
        assert torch.equal(a["exp_avg_sq"], b["exp_avg_sq"])


def cosine_bowl(optimizer_class: type, steps: int) -> tuple[Tensor, torch.optim.Optimizer]:
    """The paper's Figure 1 without noise: 1 - cos(|x|^2) from (1.0, 0.3) with learning rate 0.5."""
    x = torch.nn.Parameter(torch.tensor([1.0, 0.3], dtype=torch.float64))
    optimizer = optimizer_class([x], lr=0.5)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = 1 - torch.cos((x**2).sum())
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return x.detach(), optimizer


def test_on_the_papers_function_lipschitz_settles_after_one_step() -> None:
    """A wrong norm or a wrong pair of points in the estimate of L."""
    _, optimizer = cosine_bowl(AdaFix, 50)
    diagnostics = optimizer.diagnostics()
    assert float(diagnostics["lipschitz"]) == pytest.approx(2.29, abs=0.005)
    assert float(diagnostics["second_moment_updates"]) == 1


def test_a_fixed_second_moment_makes_it_scaled_momentum() -> None:
    """Bias correction by the step count, which would go on shrinking a v that no longer moves."""
    _, optimizer = cosine_bowl(AdaFix, 20)
    state = next(iter(optimizer.state.values()))
    x = next(iter(optimizer.state)).detach().clone()
    _, after = cosine_bowl(AdaFix, 21)
    momentum = next(iter(after.state.values()))["exp_avg"] / (1 - 0.9**21)
    first_gradient_squared = state["exp_avg_sq"] / (1 - 0.999)
    expected = x - 0.5 * momentum / (first_gradient_squared.sqrt() + 1e-8)
    torch.testing.assert_close(next(iter(after.state)).detach(), expected, rtol=1e-12, atol=0)


def test_gradients_are_left_as_the_first_evaluation_gave_them() -> None:
    """Gradient norms logged after a step would be those of another point."""
    x = torch.nn.Parameter(torch.tensor([2.0, -1.0]))
    optimizer = AdaFix([x], lr=0.1)

    def closure() -> Tensor:
        optimizer.zero_grad(set_to_none=False)
        loss = (x**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert torch.equal(x.grad, torch.tensor([4.0, -2.0]))


def test_lipschitz_of_a_quadratic_is_its_curvature() -> None:
    """An estimate that is not the constant where the constant is known."""
    x = torch.nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = AdaFix([x], lr=0.01)
    optimizer.step(lambda: optimizer.zero_grad() or (3.5 * x**2).sum().backward())
    assert float(optimizer.diagnostics()["lipschitz"]) == pytest.approx(7.0)


def test_needs_a_closure_and_says_why() -> None:
    optimizer = AdaFix([torch.nn.Parameter(torch.ones(1))])
    with pytest.raises(
        TypeError, match=r"^AdaFix needs step\(closure\): it evaluates the gradient again at the new weights$"
    ):
        optimizer.step()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": -1.0}, "lr=-1.0 is not in [0, inf)"),
        ({"betas": (0.9, 1.0)}, "betas[1]=1.0 is not in [0, 1)"),
        ({"eps": -1e-8}, "eps=-1e-08 is not in [0, inf)"),
        ({"trigger": "max"}, "trigger='max' is not one of abs, signed, second_moment"),
        ({"lipschitz_every": 0}, "lipschitz_every=0 is not in [1, inf)"),
    ],
)
def test_refuses_bad_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match="is not") as error:
        AdaFix([torch.nn.Parameter(torch.ones(1))], **settings)
    assert str(error.value) == message


def test_capturable_changes_no_bit_on_a_cpu() -> None:
    """Another arithmetic on the path that CUDA graphs take."""
    plain, _ = train(AdaFix, 100)
    captured, _ = train(lambda params: AdaFix(params, capturable=True), 100)
    assert torch.equal(plain, captured)


def test_lipschitz_survives_in_double_precision_for_bfloat16_parameters() -> None:
    """Loading that casts shared numbers to the parameters' type."""
    x = torch.nn.Parameter(torch.ones(4, dtype=torch.bfloat16))
    optimizer = AdaFix([x], lr=0.1)
    optimizer.step(lambda: optimizer.zero_grad() or (x**2).sum().backward())
    copy = AdaFix([torch.nn.Parameter(torch.ones(4, dtype=torch.bfloat16))], lr=0.1)
    copy.load_state_dict(optimizer.state_dict())
    assert copy.diagnostics()["lipschitz"].dtype == torch.float64
    assert torch.equal(copy.diagnostics()["lipschitz"], optimizer.diagnostics()["lipschitz"])


def test_has_two_moments_of_its_own_for_each_group_and_one_lipschitz() -> None:
    """A trigger that asks each group alone: |g| / lr over all groups decides for all."""
    x, y = (torch.nn.Parameter(torch.ones(1, dtype=torch.float64)) for _ in range(2))
    optimizer = AdaFix([{"params": [x], "lr": 1e-3}, {"params": [y], "lr": 10.0}])

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = x.square().sum() + 0.5 * y.square().sum()
        loss.backward()
        return loss

    for expected in (1.0, 2.0, 3.0):  # y alone would stop moving v at once: |g| / 10 < L
        optimizer.step(closure)
        assert float(optimizer.diagnostics()["second_moment_updates"]) == expected


@pytest.mark.parametrize("schedule", ["StepLR", "CosineAnnealingLR", "OneCycleLR", "ReduceLROnPlateau"])
def test_torch_schedulers_reach_every_group(schedule: str) -> None:
    """A learning rate copied out of the group when the optimizer was made."""
    params = [torch.nn.Parameter(torch.ones(2)) for _ in range(2)]
    optimizer = AdaFix([{"params": [params[0]], "lr": 0.1}, {"params": [params[1]], "lr": 0.01}])
    arguments: dict[str, Any] = {
        "StepLR": {"step_size": 2},
        "CosineAnnealingLR": {"T_max": 4},
        "OneCycleLR": {"max_lr": [0.1, 0.01], "total_steps": 8, "cycle_momentum": False},
        "ReduceLROnPlateau": {"patience": 0},
    }[schedule]
    scheduler = getattr(torch.optim.lr_scheduler, schedule)(optimizer, **arguments)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = sum(p.square().sum() for p in params)
        loss.backward()
        return loss

    before = [group["lr"] for group in optimizer.param_groups]
    for _ in range(6):
        optimizer.step(closure)
        scheduler.step(*([1.0] if schedule == "ReduceLROnPlateau" else []))
    after = [group["lr"] for group in optimizer.param_groups]
    assert all(a != b for a, b in zip(after, before, strict=True))
    assert after[0] == pytest.approx(10 * after[1])


def test_a_closure_that_does_not_zero_gradients_is_not_counted_twice() -> None:
    """The second gradient added to the first, which would double L: zeroing may stand before the step."""
    x = torch.nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = AdaFix([x], lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        optimizer.step(lambda: (3.5 * x**2).sum().backward())
    assert float(optimizer.diagnostics()["lipschitz"]) == pytest.approx(7.0)


def quadratic(lr: float = 0.01, **settings: Any) -> tuple[torch.nn.Parameter, AdaFix]:
    """A point on 3.5 x^2, whose gradient is 7 x, and an AdaFix over it."""
    x = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    return x, AdaFix([x], lr=lr, **settings)


@pytest.mark.parametrize(
    "settings", [{}, {"lipschitz_every": 3}, {"weight_decay": 0.1}, {"lipschitz_opening": 2}]
)
def test_two_halves_are_a_step(settings: dict[str, Any]) -> None:
    """An engine that holds both gradients walks another way than ``step(closure)``."""
    (x, whole), (y, halves) = quadratic(**settings), quadratic(**settings)

    def closure() -> None:
        x.grad = 7 * x.detach() + 0.1 * x.detach() ** 2

    for _ in range(8):
        whole.step(closure)
        due = halves.due
        y.grad = 7 * y.detach() + 0.1 * y.detach() ** 2
        halves.advance()
        if due:
            y.grad = 7 * y.detach() + 0.1 * y.detach() ** 2
            halves.observe()
    assert torch.equal(x, y)
    for name, value in whole.diagnostics().items():
        assert torch.equal(value, halves.diagnostics()[name])


def test_says_before_a_step_whether_it_estimates() -> None:
    """An engine that prepares one gradient where two are needed, or two where one is."""
    x, optimizer = quadratic(lipschitz_every=3, lipschitz_opening=2)
    calls: list[int] = []
    for _ in range(8):
        calls.append(0)
        due = optimizer.due

        def closure() -> None:
            calls[-1] += 1
            x.grad = 7 * x.detach()

        optimizer.step(closure)
        assert calls[-1] == (2 if due else 1)
    assert calls == [2, 2, 1, 2, 1, 1, 2, 1]


def test_a_replayed_step_moves_the_schedule_of_estimates() -> None:
    """A count on the host that stands still while a CUDA graph takes the steps."""
    x, optimizer = quadratic(lipschitz_every=3, capturable=True)
    x.grad = 7 * x.detach()
    optimizer.advance()
    assert not optimizer.due
    optimizer.replayed()
    optimizer.replayed()
    assert optimizer.due


def test_an_estimate_needs_the_first_half_of_its_step() -> None:
    """L raised by gradients of two different steps."""
    x, optimizer = quadratic(lipschitz_every=2)
    message = r"^AdaFix\.observe\(\) completes the advance\(\) of a step that was due$"
    with pytest.raises(RuntimeError, match=message):
        optimizer.observe()
    x.grad = 7 * x.detach()
    optimizer.advance()
    optimizer.observe()
    with pytest.raises(RuntimeError, match=message):
        optimizer.observe()
    optimizer.advance()  # not due
    with pytest.raises(RuntimeError, match=message):
        optimizer.observe()


def test_measures_the_step_that_was_taken_and_not_the_one_meant() -> None:
    """In single precision a step far under the weights' last digit moves nothing: no estimate of L."""
    x = torch.nn.Parameter(torch.full((4,), 1e6))
    optimizer = AdaFix([x], lr=1e-3)
    x.grad = torch.ones(4)
    optimizer.advance()
    x.grad = torch.full((4,), 2.0)
    optimizer.observe()
    assert torch.equal(x.detach(), torch.full((4,), 1e6))
    assert float(optimizer.diagnostics()["lipschitz"]) == 0.0


def test_the_largest_magnitude_may_be_negative() -> None:
    """A maximum in the place of the largest magnitude: v fixed where gradients are large and negative."""
    for sign in (1.0, -1.0):
        x, optimizer = quadratic()
        x.grad = torch.tensor([0.0, sign * 5.0], dtype=torch.float64)
        optimizer.param_groups[0]["lipschitz"].fill_(400.0)  # x lr = 4
        optimizer.advance()
        assert float(optimizer.diagnostics()["second_moment_updates"]) == 1.0
        x.grad = torch.tensor([0.0, sign * 3.0], dtype=torch.float64)
        optimizer.advance()
        assert float(optimizer.diagnostics()["second_moment_updates"]) == 1.0


def test_fused_finds_the_same_lipschitz_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum of squares of something else than the step, in the kernel that moves the weights."""
    if not compiler_available():
        pytest.skip("needs a C++ compiler")
    monkeypatch.setattr("adabench.optimizers.fused.SMALLEST", 2)
    walks = [train(lambda params, fused=fused: AdaFix(params, fused=fused), 100) for fused in (False, True)]
    torch.testing.assert_close(walks[1][0], walks[0][0], rtol=1e-4, atol=1e-5)
    for name, value in walks[0][1].diagnostics().items():
        torch.testing.assert_close(walks[1][1].diagnostics()[name], value, rtol=1e-4, atol=0)


def test_both_gradients_can_come_from_one_pass() -> None:
    """Halves that no engine can use: g' of one step and g of the next, taken together at the same weights."""
    torch.manual_seed(0)
    xs, ys = torch.randn(40, 16, 6, dtype=torch.float64), torch.randint(3, (40, 16))
    start = [torch.randn(3, 6, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)]

    def loss(weights: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
        return cross_entropy(x @ weights[0].T + weights[1], y)

    one, two = ([torch.nn.Parameter(p.clone()) for p in start] for _ in range(2))
    usual, paired = AdaFix(one, lr=2.0), AdaFix(two, lr=2.0)
    gradients = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    for step in range(40):

        def closure(step: int = step) -> Any:
            usual.zero_grad()
            value = loss(one, xs[step], ys[step])
            value.backward()
            return value

        usual.step(closure)
        first = max(step - 1, 0)
        found = gradients([p.detach() for p in two], xs[first : step + 1], ys[first : step + 1])
        if step:
            for p, both in zip(two, found, strict=True):
                p.grad = both[0]
            paired.observe()
        for p, both in zip(two, found, strict=True):
            p.grad = both[-1]
        paired.advance()
    for p, q in zip(one, two, strict=True):
        torch.testing.assert_close(p, q, rtol=0, atol=1e-9)
    updates = [optimizer.diagnostics()["second_moment_updates"] for optimizer in (usual, paired)]
    assert 0 < int(updates[0]) == int(updates[1]) < 40
