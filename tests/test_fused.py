"""Fused updates: the rule of the lists, compiled; the same state, and nothing else that differs."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import Optimizer

from adabench.errors import RequestError
from adabench.optimizers import OPTIMIZERS, can_be_captured, fused, implementation_of, optimizer_spec
from adabench.optimizers.base import ListOptimizer
from adabench.optimizers.building import build_optimizer

FUSED = [name for name, row in OPTIMIZERS.items() if row.traits.fused]
OURS = [name for name in FUSED if OPTIMIZERS[name].target.startswith("adabench.")]
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in FUSED),
    *((name, {"weight_decay": 0.01}) for name in FUSED if "weight_decay" in OPTIMIZERS[name].options),
    ("adafix", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("adafix", {"trigger": "second_moment", "lipschitz_every": 3}),
    ("adashift", {"spatial": "none", "keep_num": 2}),
    ("adashift", {"spatial": "mean", "keep_num": 1}),
]
SHAPES = [(40, 30), (7,), (2, 3, 5, 4), (31,)]

needs_compiler = pytest.mark.skipif(not fused.compiler_available(), reason="needs a C++ compiler")


@pytest.fixture(autouse=True)
def kernels_for_small_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors of eight numbers are large enough here, so that some are updated by either way."""
    monkeypatch.setattr(fused, "SMALLEST", 8)


class Descent:
    """An optimizer on sum_i a_i (1 - cos(x_i - c_ti)), for parameters of many shapes."""

    def __init__(self, build: Callable[[list[Tensor]], Optimizer], dtype: torch.dtype) -> None:
        draw = torch.Generator().manual_seed(0)
        points = [torch.randn(shape, generator=draw, dtype=torch.float64).to(dtype) for shape in SHAPES]
        points[2] = points[2].contiguous(memory_format=torch.channels_last)
        self.params = [torch.nn.Parameter(point) for point in points]
        self.scales = [
            torch.rand(shape, generator=draw, dtype=torch.float64).to(dtype) + 0.5 for shape in SHAPES
        ]
        self.optimizer, self.t, self.evaluations = build(self.params), 0, 0

    def closure(self) -> Tensor:
        self.optimizer.zero_grad()
        terms = [
            (a * (1 - torch.cos(x - 0.3 * torch.sin(torch.tensor(1.7 * self.t))))).sum()
            for a, x in zip(self.scales, self.params, strict=True)
        ]
        loss = torch.stack(terms).sum()
        loss.backward()
        self.evaluations += 1
        return loss

    def run(self, steps: int) -> "Descent":
        for _ in range(steps):
            self.t += 1
            self.optimizer.step(self.closure)
        return self

    @property
    def point(self) -> Tensor:
        return torch.cat([p.detach().flatten() for p in self.params])


def descent(
    name: str, settings: dict[str, Any], implementation: Any, dtype: torch.dtype = torch.float64
) -> Descent:
    spec = optimizer_spec(name, settings)
    return Descent(lambda params: build_optimizer(spec, params, implementation=implementation), dtype)


@needs_compiler
@pytest.mark.parametrize(("name", "settings"), VARIANTS)
def test_fused_follows_foreach(name: str, settings: dict[str, Any]) -> None:
    """A kernel that is another rule: 40 steps in float64 with a moving learning rate, point and state."""
    one, other = descent(name, settings, "fused"), descent(name, settings, "foreach")
    for lr in (0.02, 0.002):
        for walk in (one, other):
            walk.optimizer.param_groups[0]["lr"] = lr
            walk.run(20)
    torch.testing.assert_close(one.point, other.point, rtol=1e-10, atol=1e-11)
    for p, q in zip(one.params, other.params, strict=True):
        states = one.optimizer.state[p], other.optimizer.state[q]
        assert states[0].keys() == states[1].keys()
        for key, value in states[0].items():
            torch.testing.assert_close(value, states[1][key], rtol=1e-9, atol=1e-12, msg=key)


@needs_compiler
@pytest.mark.parametrize("name", FUSED)
def test_fused_follows_foreach_in_single_precision(name: str) -> None:
    """Numbers rounded on their way into a kernel, such as a decay rate in half precision."""
    one, other = (descent(name, {"lr": 0.01}, kind, torch.float32).run(12) for kind in ("fused", "foreach"))
    torch.testing.assert_close(one.point, other.point, rtol=1e-5, atol=1e-5)


@needs_compiler
@pytest.mark.parametrize("name", OURS)
def test_a_run_goes_on_with_the_other_kind(name: str) -> None:
    """State in another layout: a checkpoint of one kind must serve the other."""
    first, whole = descent(name, {}, "foreach").run(10), descent(name, {}, "foreach").run(20)
    file = io.BytesIO()
    torch.save(first.optimizer.state_dict(), file)
    file.seek(0)
    second = descent(name, {}, "fused")
    with torch.no_grad():
        for p, q in zip(second.params, first.params, strict=True):
            p.copy_(q)
    state = torch.load(file, weights_only=True)
    for group in state["param_groups"]:
        group["fused"] = True
    second.optimizer.load_state_dict(state)
    second.t = 10
    torch.testing.assert_close(second.run(10).point, whole.point, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", OURS)
def test_state_saved_before_there_were_fused_updates_is_taken(name: str) -> None:
    """A checkpoint that is read, and ends in an error at the first step after it."""
    first, second = descent(name, {}, "foreach").run(2), descent(name, {}, "foreach")
    state = first.optimizer.state_dict()
    for group in state["param_groups"]:
        del group["fused"]
    second.optimizer.load_state_dict(state)
    second.run(1)


@needs_compiler
@pytest.mark.parametrize("name", OURS)
def test_kernels_are_compiled_when_the_optimizer_is_built(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds of compiling inside the first step, or anew for another shape, rate or optimizer."""
    settings = {"lipschitz_every": 2} if "lipschitz_every" in OPTIMIZERS[name].options else {}
    ready = descent(name, settings, "fused", torch.float32)
    compiled_before = fused.compiled.cache_info().misses
    with torch.compiler.set_stance("fail_on_recompile"):
        ready.run(5)
        again = descent(name, settings, "fused", torch.float32)
        again.optimizer.param_groups[0]["lr"] = 0.123
        again.run(5)
    assert fused.compiled.cache_info().misses == compiled_before


@needs_compiler
@pytest.mark.parametrize("name", OURS)
def test_large_tensors_pass_through_kernels_and_others_do_not(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fused kind that quietly is the other one: counted by what the kernels are called with."""
    sizes: list[int] = []
    kernel_of = fused.compiled

    def watched(*args: Any, **variant: Any) -> Any:
        kernel = kernel_of(*args, **variant)

        def call(tensors: list[Tensor], numbers: Tensor) -> Any:
            sizes.append(tensors[0].numel())
            assert all(t.ndim <= 1 for t in tensors)
            return kernel(tensors, numbers)

        return call

    walk = descent(name, {}, "fused", torch.float32)
    monkeypatch.setattr(fused, "compiled", watched)
    walk.run(1)
    assert set(sizes) == {1200, 120, 31}


@pytest.mark.parametrize("name", FUSED)
def test_types_without_a_kernel_are_stepped_all_the_same(name: str) -> None:
    """Half precision in a kernel that measures a step before it is rounded, or refuses the type."""
    walk = descent(name, {}, "fused", torch.bfloat16).run(12)
    assert all(p.dtype == torch.bfloat16 and p.isfinite().all() for p in walk.params)


@pytest.mark.parametrize("name", FUSED)
def test_complex_parameters_are_stepped_or_refused_as_ever(name: str) -> None:
    """Torch's fused kernels raise for complex numbers where its other kinds take them."""
    x = torch.nn.Parameter(torch.ones(20, dtype=torch.complex64) * (1 + 1j))
    optimizer = build_optimizer(optimizer_spec(name, {}), [x], implementation="fused")
    x.grad = torch.ones_like(x)
    if OPTIMIZERS[name].traits.complex:
        optimizer.step()
        assert (x.detach().real < 1).all()
    else:
        with pytest.raises(RuntimeError, match="complex"):
            optimizer.step(lambda: None)


@needs_compiler
@pytest.mark.parametrize("name", OURS)
def test_gaps_in_memory_and_gradients_in_another_order(name: str) -> None:
    """Elements of a parameter paired with those of another place, or written into a gap."""
    walks = []
    for kind in ("foreach", "fused"):
        storage = torch.zeros(40, 10, dtype=torch.float64)
        gapped = torch.nn.Parameter(storage[:, ::2])
        matrix = torch.nn.Parameter(torch.zeros(8, 5, dtype=torch.float64))
        spec = optimizer_spec(name, {"keep_num": 1} if name == "adashift" else {})
        optimizer = build_optimizer(spec, [gapped, matrix], implementation=kind)
        draw = torch.Generator().manual_seed(0)
        for _ in range(4):
            grads = [torch.randn(shape, generator=draw, dtype=torch.float64) for shape in ((40, 5), (5, 8))]

            def closure(grads: list[Tensor] = grads, both: Any = (gapped, matrix)) -> None:
                both[0].grad, both[1].grad = grads[0], grads[1].T

            optimizer.step(closure)
        assert not storage[:, 1::2].any()
        walks.append(torch.cat([gapped.detach().flatten(), matrix.detach().flatten()]))
    assert walks[0].any()
    torch.testing.assert_close(walks[1], walks[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", OURS)
def test_without_a_compiler_it_is_foreach_with_one_warning(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error, or a silent change of kind, on a machine that has no compiler."""
    monkeypatch.setattr("adabench.optimizers.building.compiler_available", lambda device: False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        walk = descent(name, {}, "fused").run(3)
    assert len(caught) == 1
    assert (
        str(caught[0].message) == "fused updates fall back to foreach: FileNotFoundError: no compiler for cpu"
    )
    assert torch.equal(walk.point, descent(name, {}, "foreach").run(3).point)


def test_a_compiler_that_fails_is_no_error_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that is there and does not work stops a run."""

    def broken(*args: Any, **variant: Any) -> Any:
        raise OSError("cannot\nlink")

    monkeypatch.setattr(fused, "compiled", broken)
    monkeypatch.setattr("adabench.optimizers.building.compiler_available", lambda device: True)
    with pytest.warns(UserWarning, match=r"^fused updates fall back to foreach: OSError: cannot link$"):
        walk = descent("adafix", {}, "fused")
    assert not walk.run(2).optimizer.param_groups[0]["fused"]


def test_says_whether_there_is_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that looks at something else than the compiler that would be called."""
    fused.compiler_available.cache_clear()
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert not fused.compiler_available("cpu")
    assert not fused.compiler_available("mps")
    fused.compiler_available.cache_clear()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_names_the_kind_that_will_run(name: str) -> None:
    """A result that records another kind than ran: what is built must agree with what was said."""
    spec = optimizer_spec(name, {})
    assert implementation_of(spec, "foreach") == "foreach"
    kind = implementation_of(spec, "fused")
    x = torch.nn.Parameter(torch.ones(2, 2))
    optimizer = build_optimizer(spec, [x], implementation="fused")
    if fused.compiler_available() or not isinstance(optimizer, ListOptimizer):
        assert all(bool(group.get("fused")) is (kind == "fused") for group in optimizer.param_groups)


def test_an_optimizer_from_outside_has_no_fused_kind() -> None:
    """A promise about code that nobody has seen."""
    spec = optimizer_spec("torch.optim:Adam", {})
    assert implementation_of(spec, "fused") == "foreach"
    assert not can_be_captured(spec, "fused")


def test_a_gradient_descent_can_be_captured_only_in_its_fused_kind() -> None:
    """A captured step whose learning rate no schedule reaches."""
    sgdm = optimizer_spec("sgdm", {})
    assert can_be_captured(sgdm, "fused")
    assert not can_be_captured(sgdm, "foreach")
    assert can_be_captured(optimizer_spec("adafix", {}), "foreach")
    assert not can_be_captured(optimizer_spec("lbfgs", {}), "fused")


@pytest.mark.parametrize("name", ["adafix", "adabound", "adashift", "sgdm"])
def test_capturable_puts_the_learning_rate_on_the_device(name: str) -> None:
    """A rate that a captured graph holds as a constant, in any of the groups."""
    groups = [{"params": [torch.nn.Parameter(torch.ones(20))], "lr": lr} for lr in (0.5, 0.25)]
    optimizer = build_optimizer(optimizer_spec(name, {}), groups, implementation="fused", capturable=True)
    for group, lr in zip(optimizer.param_groups, (0.5, 0.25), strict=True):
        assert isinstance(group["lr"], Tensor)
        assert (group["lr"].dtype, group["lr"].shape, float(group["lr"])) == (torch.float32, (), lr)
    plain = build_optimizer(optimizer_spec("sgdm", {}), groups[0]["params"], capturable=True)
    assert plain.param_groups[0]["lr"] == 0.1


@needs_compiler
def test_stacked_models_stay_apart_when_fused_is_asked() -> None:
    """One maximum and one norm over all models, from a kernel that sees a flat vector."""
    settings = {"lr": 0.05}
    params = {
        kind: torch.nn.Parameter(torch.linspace(-2, 2, 60).view(3, 20)) for kind in ("foreach", "fused")
    }
    for kind, x in params.items():
        optimizer = build_optimizer(
            optimizer_spec("adafix", settings), [x], stacked=True, implementation=kind
        )

        def closure(x: Tensor = x) -> None:
            x.grad = x.detach().sin() * torch.tensor([[1.0], [3.0], [0.1]])

        for _ in range(20):
            optimizer.step(closure)
        assert optimizer.diagnostics()["lipschitz"].shape == (3,)
    assert torch.equal(params["foreach"], params["fused"])


def test_refuses_bad_settings_in_either_kind() -> None:
    """An error inside the rehearsal of the kernels that turns into a warning about compilers."""
    spec = optimizer_spec("adafix", {}).model_copy(update={"hyperparameters": {"lr": -1.0}})
    with pytest.raises(RequestError, match=r"^adafix: ValueError: lr=-1.0 is not in \[0, inf\)$"):
        build_optimizer(spec, [torch.nn.Parameter(torch.ones(20))], implementation="fused")
