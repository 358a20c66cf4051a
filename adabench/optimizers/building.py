"""From a resolved specification to a live optimizer that keeps the one convention ``step(closure)``."""

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from adabench.catalogue import Value, load
from adabench.errors import BadValueError, one_line
from adabench.optimizers import OPTIMIZERS, can_be_captured, implementation_of
from adabench.optimizers.base import ListOptimizer
from adabench.optimizers.fused import SMALLEST, compiler_available
from adabench.optimizers.importing import import_object
from adabench.optimizers.known import outside_traits
from adabench.optimizers.row import Traits
from adabench.optimizers.split import SplitOptimizer
from adabench.spec import Implementation, OptimizerSpec


def build_optimizer(
    spec: OptimizerSpec,
    params: Iterable[Tensor] | Iterable[dict[str, Any]],
    *,
    stacked: bool = False,
    implementation: Implementation = "foreach",
    capturable: bool = False,
) -> Optimizer:
    """The optimizer that ``spec`` names over ``params``, updating all of them in one call where it can.

    Args:
        spec: a resolved specification; one from outside is imported anew.
        params: parameters, or groups of them.
        stacked: the first dimension of every parameter counts models that train side by side; for
            optimizers whose traits allow it.
        implementation: ``fused`` updates in one pass over memory where the optimizer and the parameters
            allow it; the project's own kernels are compiled here and now. Without a compiler it is
            ``foreach``, with a warning; for models that `stacked` keeps apart it is ``foreach`` too.
        capturable: let a CUDA graph hold the step where `can_be_captured` says so: step counts live on
            the device, and each group's ``lr`` is a 0-d float32 tensor there, the type that torch's
            fused kernels read.

    Returns:
        An optimizer whose ``step`` takes a closure and evaluates it.

    Raises:
        RequestError: the optimizer refused its settings, or is no longer what was planned.
    """
    items: list[Any] = list(params)
    fused = implementation_of(spec, implementation) == "fused" and _take_kernels(items)
    try:
        if spec.name in OPTIMIZERS:
            optimizer = _build_row(spec, items, stacked=stacked, fused=fused, capturable=capturable)
        else:
            optimizer = _build_outside(spec, items)
    except (TypeError, ValueError, AttributeError) as error:
        raise BadValueError(f"{spec.label}: {one_line(error)}") from error
    if capturable and can_be_captured(spec, "fused" if fused else "foreach"):
        for group in optimizer.param_groups:
            group["lr"] = torch.tensor(float(group["lr"]), device=group["params"][0].device)
    return optimizer


def traits_of(spec: OptimizerSpec, optimizer: Optimizer) -> Traits:
    """How an optimizer that was built from ``spec`` is called and judged."""
    if spec.name in OPTIMIZERS:
        return OPTIMIZERS[spec.name].traits
    made = None if isinstance(optimizer, SplitOptimizer) else optimizer
    return outside_traits(spec.name, import_object(spec.name).target, made)


def _build_row(
    spec: OptimizerSpec, params: list[Any], *, stacked: bool, fused: bool, capturable: bool
) -> Optimizer:
    row = OPTIMIZERS[spec.name]
    make, settings = load(row.target), {**spec.hyperparameters, **row.fixed}
    if stacked and row.traits.stacked:
        settings["stacked"] = True
    if capturable and row.traits.capturable:
        settings["capturable"] = True
    if fused and inspect.isclass(make) and issubclass(make, ListOptimizer):
        fused = "stacked" not in settings and _rehearsed(make, settings, params)
    if fused:
        settings["fused"] = True
    optimizer: Optimizer = _build(make, settings, row.traits, params)
    return optimizer


def _take_kernels(params: list[Any]) -> bool:
    """Whether fused kernels exist for the types and the devices of all these parameters."""
    return all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in _each(params))


def _each(params: list[Any]) -> Iterator[Tensor]:
    """The parameters of a list of parameters, or of groups of them."""
    for item in params:
        yield from item["params"] if isinstance(item, dict) else [item]


def _rehearsed(make: Callable[..., Any], settings: Mapping[str, Any], params: list[Any]) -> bool:
    """Compile the kernels by taking steps on throwaway parameters; warn and return False where it fails."""
    kinds = {(p.dtype, p.device) for p in _each(params)}
    points = [nn.Parameter(torch.ones(SMALLEST, dtype=dtype, device=device)) for dtype, device in kinds]
    trials = [(x, make([x], **{**settings, "fused": True})) for x in points]
    try:
        for x, trial in trials:
            if not compiler_available(x.device.type):
                raise FileNotFoundError(f"no compiler for {x.device.type}")
            trial.rehearse(partial(setattr, x, "grad", torch.ones_like(x)))
    except Exception as error:  # compilers fail in many ways, and none of them may stop a run
        warnings.warn(f"fused updates fall back to foreach: {one_line(error)}", stacklevel=4)
        return False
    return True


def _build(make: Callable[..., Any], settings: Mapping[str, Any], traits: Traits, params: Any) -> Any:
    together = traits.foreach and not settings.get("fused")
    settings = {"foreach": True, **settings} if together else dict(settings)
    if not traits.matrices_only:
        return make(params, **settings)
    fallback = {"lr": settings.pop("fallback_lr"), "weight_decay": settings.get("weight_decay", 0.0)}
    return SplitOptimizer(
        params,
        matrices=lambda group: make([group], **settings),
        others=lambda group: AdamW([group], **fallback),
    )


def _build_outside(spec: OptimizerSpec, params: Any) -> Optimizer:
    imported = import_object(spec.name)
    if imported.source != spec.source:
        raise BadValueError(f"{spec.name} is now {imported.source}; it was planned as {spec.source}")
    traits = outside_traits(spec.name, imported.target)
    for path, value in traits.module_settings.items():
        _set(path, value)
    optimizer: Optimizer = _build(imported.target, spec.hyperparameters, traits, params)
    if not hasattr(optimizer, "step") or not hasattr(optimizer, "param_groups"):
        kind = type(optimizer).__name__
        raise BadValueError(f"{spec.name} made a {kind}, not an optimizer with step() and param_groups")
    if not isinstance(optimizer, SplitOptimizer) and not _calls_closure(spec, imported.target, optimizer):
        _evaluate_before_step(optimizer)
    return optimizer


def _set(path: str, value: Value | None) -> None:
    """Set the attribute that ``"package.module:attribute"`` names, where the package has it."""
    module, _, attribute = path.partition(":")
    owner = __import__(module, fromlist=[attribute])
    if hasattr(owner, attribute):
        setattr(owner, attribute, value)


def _calls_closure(spec: OptimizerSpec, make: Callable[..., Any], optimizer: Optimizer) -> bool:
    """Whether ``step(closure)`` evaluates its closure: seen on a throwaway parameter."""
    traits = outside_traits(spec.name, make, optimizer)
    if not traits.calls_closure or traits.needs_closure:
        return traits.calls_closure
    x, calls = nn.Parameter(torch.ones(2, 2)), 0

    def closure() -> Tensor:
        nonlocal calls
        calls += 1
        with torch.enable_grad():
            loss = x.square().sum()
            (x.grad,) = torch.autograd.grad(loss, [x], create_graph=traits.create_graph)
        return loss

    with torch.random.fork_rng():
        try:
            trial = _build(make, spec.hyperparameters, traits, [x])
            if traits.train_eval:
                trial.train()
            closure()  # so that one which calls none finds a gradient
            trial.step(closure)
        except Exception:  # what it does not take will show on the real parameters
            return True
    return calls > 1


def _evaluate_before_step(optimizer: Optimizer) -> None:
    """Give an optimizer that knows no closure the convention of those that do."""
    plain = optimizer.step
    takes_one = bool(inspect.signature(plain).parameters)

    def step(self: Optimizer, closure: Callable[[], Any] | None = None) -> Any:
        loss = torch.enable_grad()(closure)() if closure is not None else None
        plain(None) if takes_one else plain()
        return loss

    # A method, as torch's schedulers ask for one.
    optimizer.step = MethodType(step, optimizer)  # type: ignore[method-assign]
