"""The contract that every row of the catalogue keeps. A new row is tested by all of it at once."""

import io
import math
from typing import Any

import pytest
import torch
from references import REFERENCES, Vector
from torch import Tensor

from adabench.errors import RequestError
from adabench.optimizers import OPTIMIZERS, optimizer_spec
from adabench.optimizers.building import build_optimizer
from adabench.optimizers.schedules import SCHEDULES

N = 6
STEPS = 300
SCALES = [0.3, 1.0, 2.0, 0.7, 1.5, 0.1]

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in OPTIMIZERS),
    *((name, {"weight_decay": 0.01}) for name in OPTIMIZERS),
    *((name, {"lr": 0.03}) for name in OPTIMIZERS),
    ("adafix", {"trigger": "signed", "lr": 0.03}),
    ("adafix", {"trigger": "second_moment", "lr": 0.03}),
    ("adafix", {"weight_decay": 0.1, "decoupled_weight_decay": True, "lr": 0.03}),
    ("adafix", {"lipschitz_every": 7, "lr": 0.03}),
    ("adafix", {"lipschitz_every": 50, "lipschitz_opening": 12, "lr": 0.03}),
    ("sgdm", {"nesterov": True}),
]


def minibatch_center(t: int) -> Vector:
    """Where minibatch t has its minimum: another place each step, so that gradients are noisy."""
    return [0.5 * math.sin(1.7 * t + i) for i in range(N)]


def gradient(t: int, x: Vector) -> Vector:
    """Of sum_i a_i (1 - cos(x_i - c_ti)) + 0.05 (sum_i x_i)^2, in scalar arithmetic."""
    shared = 0.1 * sum(x)
    return [a * math.sin(xi - ci) + shared for a, xi, ci in zip(SCALES, x, minibatch_center(t), strict=True)]


def loss(t: int, x: Tensor) -> Tensor:
    """The function whose gradient `gradient` is, for autograd."""
    center, scales = (torch.tensor(values, dtype=x.dtype) for values in (minibatch_center(t), SCALES))
    return (scales * (1 - torch.cos(x - center))).sum() + 0.05 * x.sum() ** 2


class Descent:
    """An optimizer on `loss`, whose point is split over several parameters."""

    def __init__(self, name: str, settings: dict[str, Any] | None = None, *, foreach: bool = True) -> None:
        torch.manual_seed(0)
        start = torch.linspace(-1.2, 1.1, N, dtype=torch.float64)
        self.params = [torch.nn.Parameter(part.clone()) for part in start.split([1, 3, 2])]
        self.optimizer = build_optimizer(optimizer_spec(name, settings or {}), self.params)
        for group in self.optimizer.param_groups:
            group["foreach"] = foreach
        self.base_lr, self.t, self.evaluations = self.optimizer.param_groups[0]["lr"], 0, 0

    def run(self, steps: int, rate: Any = lambda t: 1.0) -> "Descent":
        for _ in range(steps):
            self.t += 1
            self.optimizer.param_groups[0]["lr"] = self.base_lr * rate(self.t)
            self.optimizer.step(self.closure)
        return self

    def closure(self) -> Any:
        self.optimizer.zero_grad()
        value = loss(self.t, torch.cat(self.params))
        value.backward()
        self.evaluations += 1
        return value

    @property
    def point(self) -> Tensor:
        return torch.cat([p.detach() for p in self.params])

    def state(self, name: str) -> Tensor:
        """A per-parameter state as one vector, or a shared one from the first group."""
        shared = self.optimizer.param_groups[0]
        if name in shared:
            return torch.as_tensor(shared[name], dtype=torch.float64)
        parts = [torch.as_tensor(self.optimizer.state[p][name], dtype=torch.float64) for p in self.params]
        return parts[0] if parts[0].ndim == 0 else torch.cat(parts)


def test_every_row_has_a_reference() -> None:
    """A row without an independent reference would be believed without proof."""
    assert set(OPTIMIZERS) == set(REFERENCES)


@pytest.mark.parametrize(("name", "settings"), VARIANTS)
@pytest.mark.parametrize("schedule", ["constant", "step"])
def test_follows_the_scalar_reference(name: str, settings: dict[str, Any], schedule: str) -> None:
    """Any slip in the rule: 300 steps in float64, parameters and state, to 1e-9."""
    spec = optimizer_spec(name, settings)

    def rate(t: int) -> float:
        return SCHEDULES[schedule].factor((t - 1) / STEPS)

    descent = Descent(name, settings).run(STEPS, rate)
    start = torch.linspace(-1.2, 1.1, N, dtype=torch.float64).tolist()
    point, state = REFERENCES[name](start, gradient, STEPS, spec.hyperparameters, rate)
    torch.testing.assert_close(descent.point, torch.tensor(point, dtype=torch.float64), rtol=1e-9, atol=1e-12)
    for key, value in state.items():
        expected = torch.as_tensor(value, dtype=torch.float64)
        torch.testing.assert_close(descent.state(key), expected, rtol=1e-9, atol=1e-12, msg=key)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_foreach_changes_no_bit(name: str) -> None:
    """The same maths written twice, where one copy would be mended and the other forgotten."""
    together, apart = Descent(name, foreach=True).run(50), Descent(name, foreach=False).run(50)
    assert torch.equal(together.point, apart.point)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_dict_round_trip_goes_on_bit_for_bit(name: str) -> None:
    """State that lives outside ``state_dict``, or that loading casts or drops."""
    whole = Descent(name).run(40)
    first = Descent(name).run(20)
    file = io.BytesIO()
    torch.save(first.optimizer.state_dict(), file)
    second = Descent(name)
    with torch.no_grad():
        for p, q in zip(second.params, first.params, strict=True):
            p.copy_(q)
    file.seek(0)
    second.optimizer.load_state_dict(torch.load(file, weights_only=True))
    second.t = 20
    assert torch.equal(second.run(20).point, whole.point)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_leaves_parameters_without_gradient_alone(name: str) -> None:
    """An update, or a crash, for a parameter that the loss does not use."""
    descent = Descent(name)
    idle = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    descent.optimizer.add_param_group({"params": [idle]})
    descent.run(3)
    assert torch.equal(idle.detach(), torch.ones(3, dtype=torch.float64))
    assert idle.grad is None


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_groups_have_learning_rates_of_their_own(name: str) -> None:
    """A learning rate read from the first group for all: a group at 0 must stand still."""
    descent = Descent(name)
    for group in descent.optimizer.param_groups:
        still = group["params"].pop()
    descent.optimizer.add_param_group({"params": [still], "lr": 0.0})
    before = still.detach().clone()
    descent.run(5)
    assert torch.equal(still.detach(), before)


@pytest.mark.parametrize(("name", "settings"), VARIANTS)
def test_counts_its_gradient_evaluations(name: str, settings: dict[str, Any]) -> None:
    """A plan that promises another cost than the run has."""
    row, spec = OPTIMIZERS[name], optimizer_spec(name, settings)
    assert Descent(name, settings).run(60).evaluations == row.gradient_evaluations(spec.hyperparameters, 60)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_keeps_as_much_state_as_its_row_says(name: str) -> None:
    """A memory figure in the catalogue that nobody measured."""
    descent = Descent(name).run(1)
    kept = sum(
        value.numel()
        for state in descent.optimizer.state.values()
        for key, value in state.items()
        if isinstance(value, Tensor) and key != "step"
    )
    assert kept == OPTIMIZERS[name].state_per_parameter * N


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_descends(name: str) -> None:
    """A wrong sign: on one fixed minibatch the loss must fall."""
    descent = Descent(name)
    before = loss(1, descent.point)
    for _ in range(100):
        descent.t = 1
        descent.optimizer.step(descent.closure)
    assert loss(1, descent.point) < before


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_refuses_a_negative_learning_rate_before_torch_sees_it(name: str) -> None:
    with pytest.raises(RequestError) as error:
        optimizer_spec(name, {"lr": -1.0})
    assert str(error.value) == f"{name}: lr=-1 is not allowed; it takes a number in [0, inf)"


def test_names_the_nearest_optimizer_and_setting() -> None:
    with pytest.raises(RequestError, match=r"^unknown optimizer 'adafx'; did you mean 'adafix'\?$"):
        optimizer_spec("adafx", {})
    with pytest.raises(RequestError, match=r"^unknown option of adam 'beta'; did you mean 'betas'\?$"):
        optimizer_spec("adam", {"beta": 0.9})
    with pytest.raises(
        RequestError, match=r"^adam: betas=0\.9 is not allowed; it takes 2 numbers as a/b in \[0, 1\)$"
    ):
        optimizer_spec("adam", {"betas": 0.9})


def test_labels_show_what_differs_from_the_default() -> None:
    """Two settings under one name would be averaged together."""
    assert optimizer_spec("adam", {"lr": 3e-4, "betas": (0.9, 0.99)}).label == "adam:lr=0.0003,betas=0.9/0.99"
    assert optimizer_spec("adam", {"lr": 1e-3}).label == "adam"
    assert optimizer_spec("sgdm", {"schedule": "constant"}).label == "sgdm:schedule=constant"
