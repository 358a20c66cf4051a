"""The contract that every row of the catalogue keeps. A new row is tested by all of it at once."""

import functools
import io
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from adabench.catalogue import load
from adabench.check.references import REFERENCES
from adabench.check.vectors import Vector
from adabench.errors import RequestError
from adabench.optimizers import OPTIMIZERS, gradient_evaluations, optimizer_spec
from adabench.optimizers.base import ListOptimizer
from adabench.optimizers.building import build_optimizer
from adabench.optimizers.fused import compiler_available
from adabench.optimizers.schedules import SCHEDULES

SHAPES = [(1,), (2, 3), (3,), (3, 2)]
N = 16
STEPS = 300
SCALES = [0.3, 1.0, 2.0, 0.7, 1.5, 0.1, 0.9, 0.4, 1.2, 0.6, 1.8, 0.2, 1.1, 0.8, 0.5, 1.4]
START = torch.linspace(-1.2, 1.1, N, dtype=torch.float64)


def having(option: str, **settings: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every row that takes ``option``, with these settings."""
    return [(name, settings) for name, row in OPTIMIZERS.items() if option in row.options]


def rows(**traits: bool) -> list[str]:
    """Every row with these traits."""
    return [name for name, row in OPTIMIZERS.items() if traits.items() <= vars(row.traits).items()]


UNHURRIED = {"tolerance_change": 0.0, "max_iter": 5, "history_size": 20, "lr": 0.2}

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in OPTIMIZERS),
    *having("weight_decay", weight_decay=0.01),
    *having("lr", lr=0.03),
    *having("nesterov", nesterov=True),
    *having("nesterov", nesterov=False),
    *having("spatial", spatial="mean", keep_num=3),
    *having("spatial", spatial="none", keep_num=1, lr=0.001),
    *having("adjust_lr_fn", adjust_lr_fn="match_rms_adamw", ns_steps=3),
    *having("lr_decay", lr_decay=0.01),
    *having("d", d=1.5),
    ("adafix", {"trigger": "signed", "lr": 0.03}),
    ("adafix", {"trigger": "second_moment", "lr": 0.03}),
    ("adafix", {"weight_decay": 0.1, "decoupled_weight_decay": True, "lr": 0.03}),
    ("adafix", {"lipschitz_every": 7, "lr": 0.03}),
    ("adafix", {"lipschitz_every": 50, "lipschitz_opening": 12, "lr": 0.03}),
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
    """An optimizer on `loss`, whose point is split over several parameters, matrices among them."""

    def __init__(
        self,
        name: str,
        settings: dict[str, Any] | None = None,
        *,
        foreach: bool = True,
        implementation: Any = "foreach",
        dtype: torch.dtype = torch.float64,
        idle: list[torch.nn.Parameter] | None = None,
    ) -> None:
        torch.manual_seed(0)
        parts = START.to(dtype).split([math.prod(shape) for shape in SHAPES])
        pairs = zip(parts, SHAPES, strict=True)
        self.params = [torch.nn.Parameter(part.clone().view(shape)) for part, shape in pairs]
        spec = optimizer_spec(name, settings or {})
        self.optimizer = build_optimizer(spec, [*self.params, *(idle or [])], implementation=implementation)
        for group in self.optimizer.param_groups:
            group["foreach"] = foreach
        self.base_rates = [group["lr"] for group in self.optimizer.param_groups]
        self.t, self.evaluations = 0, 0

    def run(self, steps: int, rate: Any = lambda t: 1.0) -> "Descent":
        for _ in range(steps):
            self.t += 1
            for group, base in zip(self.optimizer.param_groups, self.base_rates, strict=False):
                group["lr"] = base * rate(self.t)
            self.optimizer.step(self.closure)
        return self

    def closure(self) -> Any:
        self.optimizer.zero_grad()
        value = loss(self.t, torch.cat([p.flatten() for p in self.params]))
        value.backward()
        self.evaluations += 1
        return value

    @property
    def point(self) -> Tensor:
        return torch.cat([p.detach().flatten() for p in self.params])

    def state(self, name: str) -> Tensor:
        """A per-parameter state as one vector, or a shared one from the first group."""
        shared = self.optimizer.param_groups[0]
        if name in shared:
            return torch.as_tensor(shared[name], dtype=torch.float64)
        states = [self.optimizer.state[p] for p in self.params]
        parts = [torch.as_tensor(s[name], dtype=torch.float64) for s in states if name in s]
        return parts[0] if name == "step" else torch.cat([part.flatten() for part in parts])


def tensors_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from tensors_in(item) if key != "step" else ()
    elif isinstance(value, list):
        for item in value:
            yield from tensors_in(item)


def test_every_row_has_a_reference() -> None:
    """A row without an independent reference would be believed without proof."""
    assert set(OPTIMIZERS) == set(REFERENCES)


@pytest.mark.parametrize(
    ("name", "settings", "implementation"),
    [
        (name, settings, kind)
        for kind in ("foreach", "fused")
        for name, settings in VARIANTS
        if kind == "foreach" or OPTIMIZERS[name].traits.fused
    ],
)
@pytest.mark.parametrize("schedule", ["constant", "step"])
def test_follows_the_reference(
    name: str,
    settings: dict[str, Any],
    implementation: str,
    schedule: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Any slip in the rule: 300 steps in float64, parameters and state, to 1e-9.

    A method that rounds to bfloat16 inside is held to that type's precision. One that stops early when
    the loss hardly moves is told not to, as no reference sees the loss, and to take short steps.
    """
    if implementation == "fused" and not compiler_available():
        pytest.skip("needs a C++ compiler")
    monkeypatch.setattr("adabench.optimizers.fused.SMALLEST", 2)
    row = OPTIMIZERS[name]
    settings = settings | (UNHURRIED if "tolerance_change" in row.options else {})
    spec = optimizer_spec(name, settings)

    def rate(t: int) -> float:
        return SCHEDULES[schedule].factor((t - 1) / STEPS)

    descent = Descent(name, settings, implementation=implementation).run(STEPS, rate)
    point, state = REFERENCES[name](START.tolist(), gradient, STEPS, spec.hyperparameters, rate, SHAPES)
    close = {"rtol": 0, "atol": 0.1} if row.traits.rounds_to_bfloat16 else {"rtol": 1e-9, "atol": 1e-10}
    torch.testing.assert_close(descent.point, torch.tensor(point, dtype=torch.float64), **close)
    for key, value in state.items():
        expected = torch.as_tensor(value, dtype=torch.float64)
        torch.testing.assert_close(descent.state(key), expected, **close, msg=key)


@pytest.mark.parametrize("name", rows(foreach=True))
def test_foreach_changes_no_bit(name: str) -> None:
    """The same maths written twice, where one copy would be mended and the other forgotten.

    Torch does write it twice, and for some optimizers in another order of operations.
    """
    together, apart = Descent(name, foreach=True).run(50), Descent(name, foreach=False).run(50)
    ours = isinstance(together.optimizer, ListOptimizer)
    slack = 0 if ours else 1e-9
    torch.testing.assert_close(together.point, apart.point, rtol=slack, atol=slack)


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
    idle = [torch.nn.Parameter(torch.ones(shape, dtype=torch.float64)) for shape in ((3,), (2, 2))]
    Descent(name, idle=idle).run(15)
    assert all(torch.equal(p.detach(), torch.ones_like(p)) and p.grad is None for p in idle)


@pytest.mark.parametrize("name", rows(parameter_groups=True))
def test_groups_have_learning_rates_of_their_own(name: str) -> None:
    """A learning rate read from the first group for all: a group at 0 must stand still."""
    descent = Descent(name)
    still = [group["params"].pop() for group in descent.optimizer.param_groups]
    descent.optimizer.add_param_group({"params": still, "lr": 0.0})
    before, moving = [p.detach().clone() for p in still], descent.point
    descent.run(15)
    assert all(torch.equal(p.detach(), was) for p, was in zip(still, before, strict=True))
    assert not torch.equal(descent.point, moving)


@pytest.mark.parametrize(("name", "settings"), VARIANTS)
def test_counts_its_gradient_evaluations(name: str, settings: dict[str, Any]) -> None:
    """A plan that promises another cost than the run has."""
    row, planned = OPTIMIZERS[name], gradient_evaluations(optimizer_spec(name, settings), 25)
    taken = Descent(name, settings).run(25).evaluations
    assert taken == planned or (row.evaluations_at_most and 25 <= taken < planned)


@pytest.mark.parametrize(("name", "settings"), VARIANTS)
def test_keeps_as_much_state_as_its_row_says(name: str, settings: dict[str, Any]) -> None:
    """A memory figure in the catalogue that nobody measured."""
    descent, spec = Descent(name, settings).run(20), optimizer_spec(name, settings)
    kept = sum(tensor.numel() for tensor in tensors_in(dict(descent.optimizer.state)))
    assert kept == OPTIMIZERS[name].state.numbers(spec.hyperparameters, SHAPES)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_in_every_floating_type(name: str, dtype: torch.dtype) -> None:
    """A type that a step changes, or in which it overflows."""
    descent = Descent(name, dtype=dtype).run(15)
    assert all(p.dtype == dtype and p.isfinite().all() for p in descent.params)
    assert not torch.equal(descent.point, START.to(dtype))


@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_takes_sparse_gradients_or_refuses_them_by_name(name: str) -> None:
    """A sparse gradient turned into garbage, or an error that does not say what was wrong."""
    x = torch.nn.Parameter(torch.ones(4, 2))
    optimizer = build_optimizer(optimizer_spec(name, {}), [x])

    def closure() -> Tensor:
        x.grad = torch.sparse_coo_tensor(torch.tensor([[1]]), torch.ones(1, 2), (4, 2), check_invariants=True)
        return x.detach().sum()

    step = functools.partial(optimizer.step, closure)
    if OPTIMIZERS[name].traits.sparse:
        step()
        assert torch.equal(x.detach()[0], torch.ones(2))
        assert (x.detach()[1] < 1).all()
    else:
        with pytest.raises(RuntimeError, match=r"(?i)sparse"):
            step()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_takes_complex_parameters_or_refuses_them_by_name(name: str) -> None:
    """An imaginary part silently dropped, or an error that does not say what was wrong."""
    x = torch.nn.Parameter(torch.ones(2, 2, dtype=torch.complex64) * (1 + 1j))
    optimizer = build_optimizer(optimizer_spec(name, {}), [x])

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = x.abs().square().sum()
        value.backward()
        return value

    step = functools.partial(optimizer.step, closure)
    if OPTIMIZERS[name].traits.complex:
        step()
        assert (x.detach().imag < 1).all()
    else:
        with pytest.raises(RuntimeError, match=r"(?i)complex"):
            step()


@pytest.mark.parametrize("name", rows(needs_closure=True))
def test_says_when_it_needs_a_closure(name: str) -> None:
    with pytest.raises(TypeError, match="closure"):
        build_optimizer(optimizer_spec(name, {}), [torch.nn.Parameter(torch.ones(1))]).step()


@pytest.mark.parametrize("name", rows(needs_closure=False))
def test_steps_on_gradients_that_are_there(name: str) -> None:
    """A method that cannot be used in the plainest of training loops."""
    descent = Descent(name)
    for descent.t in range(1, 15):
        descent.closure()
        assert descent.optimizer.step() is None
    assert torch.equal(descent.point, Descent(name).run(14).point)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_torch_schedulers_drive_it(name: str) -> None:
    """An optimizer that torch's own schedulers do not take, or whose groups they do not reach."""
    descent = Descent(name)
    schedule = torch.optim.lr_scheduler.StepLR(descent.optimizer, step_size=5, gamma=0.5)
    for descent.t in range(1, 16):
        descent.optimizer.step(descent.closure)
        schedule.step()
    by_hand = Descent(name).run(15, lambda t: 0.5 ** ((t - 1) // 5))
    assert torch.equal(descent.point, by_hand.point)


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


@pytest.mark.parametrize("tensor_rate", [False, True])
@pytest.mark.parametrize("name", [n for n in rows(capturable=True) if "adabench" in OPTIMIZERS[n].target])
def test_capturable_step_reads_no_value_on_the_host(name: str, tensor_rate: bool) -> None:
    """A branch on data, or a number fetched from the device: tensors on ``meta`` have none to give."""
    row = OPTIMIZERS[name]
    x = [torch.nn.Parameter(torch.empty(shape, device="meta")) for shape in SHAPES]
    settings = {"lr": torch.empty((), device="meta")} if tensor_rate else {}
    optimizer = load(row.target)(x, **settings, **row.fixed, capturable=True)

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = sum(p.square().sum() for p in x)
        value.backward()
        return value

    for _ in range(3):
        optimizer.step(closure)


@pytest.mark.gpu
@pytest.mark.parametrize("name", [n for n in rows(capturable=True) if "adabench" in OPTIMIZERS[n].target])
def test_a_gpu_follows_the_cpu_and_capturable_changes_little(name: str) -> None:
    """State left on the wrong device, or another rule on the path that CUDA graphs take."""
    row, points = OPTIMIZERS[name], []
    for device, capturable in (("cpu", False), ("cuda", False), ("cuda", True)):
        x = torch.nn.Parameter(START.to(device))
        optimizer = load(row.target)([x], **row.fixed, capturable=capturable)

        def closure(x: Any = x, optimizer: Any = optimizer) -> Tensor:
            optimizer.zero_grad()
            value = (x.sin() * x).sum()
            value.backward()
            return value

        for _ in range(40):
            optimizer.step(closure)
        points.append(x.detach().cpu())
    torch.testing.assert_close(points[1], points[0], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(points[2], points[0], rtol=1e-9, atol=1e-12)
