"""Fused updates: an optimizer's rule in one pass over memory, one compiled call for each parameter.

A rule is a function of lists of tensors. Given lists of one flat tensor each and compiled, its
operations melt into a single loop, so the maths stands in one place for both kinds. A kernel takes
tensors of any length: it is compiled once for each type, device and variant of the rule (a few
seconds, and less when the compiler's cache on disk knows it), whatever the number and the shapes of
the parameters. Numbers that move (learning rate, bias corrections) are its arguments, so that no
schedule compiles it again; settings that stay (decay rates, eps) are constants of the variant.

A call of a kernel costs as much as passing over some ten thousand numbers. Parameters smaller than
`SMALLEST`, those whose memory has gaps, and those of other types than float32 and float64 are
updated by the list operations, all of them together; state is the same either way.
"""

import functools
import logging
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

Rule = Callable[..., list[Tensor]]
"""Updates lists of tensors in place; returns one number for each parameter, or nothing."""

Number = Any
"""A float or a 0-d tensor for all parameters, or a list with one of them for each."""

SMALLEST = 2**14
"""The size from which a parameter is worth a call of its own."""

_DTYPES = (torch.float32, torch.float64)
_DEVICES = ("cpu", "cuda")
_OPTIONS: dict[str, Any] = {
    # Every intermediate result is a buffer of its own, which fusion then removes: otherwise a rule
    # that also returns the length of its step would copy the new weights in a second pass.
    "realize_opcount_threshold": 0,
    "realize_reads_threshold": 0,
    # The number of threads is read at each call and not fixed when the kernel is compiled.
    "cpp.dynamic_threads": True,
}


def apply(
    rule: Rule, lists: tuple[list[Tensor], ...], numbers: Mapping[str, Number], *, fused: bool, **variant: Any
) -> list[Tensor]:
    """Run ``rule`` on the lists; with ``fused``, on each large tensor by itself and compiled.

    Args:
        rule: takes the lists, the numbers by name, and the settings of its variant by name.
        lists: one list for each role, parameters first.
        numbers: the rule's numbers by name.
        fused: whether to use kernels where they serve.
        variant: what the rule takes by name besides; other values are another kernel.

    Returns:
        What the rule returned for the parameters; in no particular order.
    """
    fits = [fused and _fits(tensors) for tensors in zip(*lists, strict=True)]
    rest = [i for i, fit in enumerate(fits) if not fit]
    returned: list[Tensor] = []
    if rest:
        chosen = lists if len(rest) == len(fits) else tuple([items[i] for i in rest] for items in lists)
        returned += rule(*chosen, **{name: _of(number, rest) for name, number in numbers.items()}, **variant)
    if len(rest) < len(fits):
        kernel, vectors = compiled(rule, tuple(numbers), **variant), _Vectors(lists[0], numbers)
        for i, fit in enumerate(fits):
            if fit:
                returned += kernel([_flat(items[i]) for items in lists], vectors[i])
    return returned


@functools.cache
def compiled(rule: Rule, names: tuple[str, ...], **variant: Any) -> Callable[[list[Tensor], Tensor], Any]:
    """The kernel of a rule: of one flat tensor for each role, and its numbers as one vector."""

    def kernel(tensors: list[Tensor], numbers: Tensor) -> list[Tensor]:
        each = {name: [number] for name, number in zip(names, numbers.unbind(), strict=True)}
        return rule(*([x] for x in tensors), **each, **variant)

    # Where a CUDA toolkit lies about but no device is, torch says so on a line of its own.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    # The compiler limits the variants of one code object; this one belongs to this kernel alone.
    kernel.__code__ = kernel.__code__.replace(co_name=rule.__name__)
    return torch.compile(kernel, fullgraph=True, dynamic=True, options=_OPTIONS)


@functools.cache
def compiler_available(device: str = "cpu") -> bool:
    """Whether kernels can be compiled for a type of device; looks for the tools without running them.

    Args:
        device: ``cpu`` needs a C++ compiler and Python's headers, ``cuda`` needs Triton.
    """
    if device == "cuda":
        return find_spec("triton") is not None
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    headers = Path(sysconfig.get_path("include"), "Python.h")
    return device == "cpu" and shutil.which(compiler) is not None and headers.exists()


class _Vectors:
    """The numbers of each parameter as one vector on its device; made once where they are the same."""

    def __init__(self, params: list[Tensor], numbers: Mapping[str, Number]) -> None:
        self._params, self._numbers = params, numbers
        self._made: tuple[list[Any], Tensor] | None = None

    def __getitem__(self, i: int) -> Tensor:
        x = self._params[i]
        values = [number[i] if isinstance(number, list) else number for number in self._numbers.values()]
        if self._made is not None and _same(self._made, values, x):
            return self._made[1]
        self._made = values, _vector(values, x)
        return self._made[1]


def _same(made: tuple[list[Any], Tensor], values: list[Any], x: Tensor) -> bool:
    before, vector = made
    return (
        vector.dtype == x.dtype
        and vector.device == x.device
        and all(a is b or (isinstance(a, float) and a == b) for a, b in zip(before, values, strict=True))
    )


def _vector(values: list[Any], x: Tensor) -> Tensor:
    if not any(isinstance(value, Tensor) for value in values):
        return torch.tensor(values, dtype=x.dtype, device=x.device)
    # Filled on the device: a copy from the host would break the capture of a CUDA graph.
    return torch.stack([v.to(x) if isinstance(v, Tensor) else x.new_full((), v) for v in values])


def _of(number: Any, chosen: list[int]) -> Any:
    return [number[i] for i in chosen] if isinstance(number, list) else number


def _fits(tensors: tuple[Tensor, ...]) -> bool:
    """Whether the tensors of one parameter can be seen as flat ones whose elements correspond."""
    x = tensors[0]
    return (
        x.numel() >= SMALLEST
        and x.dtype in _DTYPES
        and x.device.type in _DEVICES
        and _is_dense(x)
        and all(
            t.ndim == 0 or (t.shape == x.shape and t.stride() == x.stride() and t.dtype == x.dtype)
            for t in tensors
        )
    )


def _is_dense(x: Tensor) -> bool:
    """Whether the elements fill one stretch of memory, in whatever order of dimensions."""
    if x.is_contiguous():
        return True
    expected = 1
    for stride, size in sorted(
        (stride, size) for stride, size in zip(x.stride(), x.shape, strict=True) if size > 1
    ):
        if stride != expected:
            return False
        expected *= size
    return True


def _flat(x: Tensor) -> Tensor:
    """All elements of a dense tensor as a vector of the same memory, in the order they lie in."""
    return x.detach() if x.ndim == 0 else x.as_strided((x.numel(),), (1,)).detach()
