"""From a resolved specification to a live optimizer that keeps the one convention ``step(closure)``."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from adabench.catalogue import Value, load
from adabench.errors import BadValueError, one_line
from adabench.optimizers import OPTIMIZERS
from adabench.optimizers.importing import import_object
from adabench.optimizers.known import outside_traits
from adabench.optimizers.row import Traits
from adabench.optimizers.split import SplitOptimizer
from adabench.spec import OptimizerSpec


def build_optimizer(
    spec: OptimizerSpec, params: Iterable[Tensor] | Iterable[dict[str, Any]], *, stacked: bool = False
) -> Optimizer:
    """The optimizer that ``spec`` names over ``params``, updating all of them in one call where it can.

    Args:
        spec: a resolved specification; one from outside is imported anew.
        params: parameters, or groups of them.
        stacked: the first dimension of every parameter counts models that train side by side; for
            optimizers whose traits allow it.

    Returns:
        An optimizer whose ``step`` takes a closure and evaluates it.

    Raises:
        RequestError: the optimizer refused its settings, or is no longer what was planned.
    """
    try:
        if spec.name in OPTIMIZERS:
            row = OPTIMIZERS[spec.name]
            settings = {**spec.hyperparameters, **row.fixed}
            if stacked and row.traits.stacked:
                settings["stacked"] = True
            optimizer: Optimizer = _build(load(row.target), settings, row.traits, params)
        else:
            optimizer = _build_outside(spec, params)
    except (TypeError, ValueError, AttributeError) as error:
        raise BadValueError(f"{spec.label}: {one_line(error)}") from error
    return optimizer


def traits_of(spec: OptimizerSpec, optimizer: Optimizer) -> Traits:
    """How an optimizer that was built from ``spec`` is called and judged."""
    if spec.name in OPTIMIZERS:
        return OPTIMIZERS[spec.name].traits
    made = None if isinstance(optimizer, SplitOptimizer) else optimizer
    return outside_traits(spec.name, import_object(spec.name).target, made)


def _build(make: Callable[..., Any], settings: Mapping[str, Any], traits: Traits, params: Any) -> Any:
    settings = {"foreach": True, **settings} if traits.foreach else dict(settings)
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
