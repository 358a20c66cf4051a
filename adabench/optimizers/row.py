"""What a row of the catalogue of optimizers is made of."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adabench.catalogue import Option, Value
from adabench.optimizers.ranges import Space

Settings = Mapping[str, Any]
Shapes = Sequence[tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Traits:
    """How an optimizer is built, called and judged, and what it takes: all that the engine asks of it.

    Args:
        needs_closure: ``step`` must be given a closure.
        calls_closure: ``step`` calls the closure it is given; else gradients are evaluated before it.
        create_graph: the gradients must themselves be differentiable.
        train_eval: it keeps other weights to judge than to train, behind ``eval()`` and ``train()``.
        recompute_batchnorm: BatchNorm statistics must be gathered again for the weights it judges.
        matrices_only: it takes parameters of two dimensions; a fallback takes the others.
        parameter_groups: it takes several groups, each with its own settings.
        elementwise: each number's update depends on its own gradients alone, so that many models can
            be one tensor.
        stacked: it takes the argument ``stacked``, which keeps models within one tensor apart.
        foreach: it takes the argument ``foreach``.
        fused: it has a kind that updates a parameter in one pass over memory, behind the argument ``fused``.
        capturable: it takes the argument ``capturable``, so that a CUDA graph can hold its step.
        capturable_if_fused: it does not take that argument, and its fused kind alone can be captured: the
            others read a learning rate that is a tensor on the host.
        sparse: it takes sparse gradients.
        complex: it takes complex parameters.
        rounds_to_bfloat16: it computes in bfloat16 inside, whatever the type of the parameters.
        licence: what to know of its licence before using it, in one line.
        module_settings: attributes of its package to set before it is built, by import path.
    """

    needs_closure: bool = False
    calls_closure: bool = True
    create_graph: bool = False
    train_eval: bool = False
    recompute_batchnorm: bool = False
    matrices_only: bool = False
    parameter_groups: bool = True
    elementwise: bool = False
    stacked: bool = False
    foreach: bool = False
    fused: bool = False
    capturable: bool = False
    capturable_if_fused: bool = False
    sparse: bool = False
    complex: bool = False
    rounds_to_bfloat16: bool = False
    licence: str | None = None
    module_settings: Mapping[str, Value | None] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """The memory of an optimizer.

    Args:
        about: numbers kept, in words.
        numbers: the same as a function of the settings and the parameters' shapes; step counts aside.
    """

    about: str
    numbers: Callable[[Settings, Shapes], int]


def per_parameter(count: int) -> State:
    """So many numbers for each parameter, whatever its shape and the settings."""
    noun = {0: "nothing", 1: "1 number a parameter"}.get(count, f"{count} numbers a parameter")
    return State(noun, lambda settings, shapes: count * size(shapes))


def size(shapes: Shapes) -> int:
    """How many numbers parameters of these shapes hold."""
    return sum(map(math.prod, shapes))


def one_a_step(settings: Settings, steps: int) -> int:
    """The gradient evaluations of most optimizers."""
    return steps


@dataclass(frozen=True, kw_only=True)
class OptimizerRow:
    """What the project knows of an optimizer.

    Args:
        target: its class, as ``"package.module:Class"``.
        summary: one line for people.
        paper: who published it, and where.
        options: hyperparameters with the paper's defaults and their ranges.
        fixed: arguments that make it this optimizer and not a relative of the same class.
        schedule: how its learning rate moves over a run unless asked otherwise.
        gradient_evaluations: how many a run takes, from the settings and its number of steps.
        evaluations_at_most: a run may take fewer than that.
        state: the numbers it keeps.
        traits: how it is called and what it supports.
        space: where its settings are searched when it is tuned; schedules need not be listed.
    """

    target: str
    summary: str
    paper: str
    options: Mapping[str, Option]
    fixed: Mapping[str, Value] = field(default_factory=dict)
    schedule: str = "constant"
    gradient_evaluations: Callable[[Settings, int], int] = one_a_step
    evaluations_at_most: bool = False
    state: State
    traits: Traits
    space: Space = field(default_factory=dict)
