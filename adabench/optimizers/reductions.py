"""Norms and maxima over all parameters at once: of one model, or of each of many stacked models.

Stacked parameters carry the models in their first dimension, and a reduction gives one number for
each of them, (S,) instead of 0-d.
"""

import torch
from torch import Tensor


def models_in(params: list[Tensor]) -> tuple[int]:
    """How many models are stacked in ``params``, as a shape.

    Raises:
        ValueError: they do not agree.
    """
    shapes = [tuple(p.shape) for p in params]
    counts = {shape[:1] for shape in shapes}
    if len(counts) > 1 or () in counts:
        raise ValueError(f"stacked parameters share their first dimension; these have shapes {shapes}")
    return (shapes[0][0],)


def distances(lefts: list[Tensor], rights: list[Tensor], *, stacked: bool = False) -> list[Tensor]:
    """The 2-norm of each difference ``left - right``."""
    differences = torch._foreach_sub(lefts, rights)
    if stacked:
        return [torch.linalg.vector_norm(rows(x), dim=1) for x in differences]
    if torch.compiler.is_compiling():  # where a list's norm stays a call apart, and float32 sums are slow
        return [torch.linalg.vector_norm(x, dtype=torch.float64) for x in differences]
    return list(torch._foreach_norm(differences))


def norm(parts: list[Tensor]) -> Tensor:
    """The 2-norm of a vector, from the norms of its parts."""
    return torch.stack(parts).to(scalar_dtype(parts[0].device)).square().sum(dim=0).sqrt()


def largest(tensors: list[Tensor], *, stacked: bool) -> Tensor:
    """The largest number in all the tensors."""
    return torch.stack([rows(x).amax(dim=1) if stacked else x.max() for x in tensors]).amax(dim=0)


def largest_magnitude(tensors: list[Tensor], *, stacked: bool) -> Tensor:
    """The largest absolute value in all the tensors."""
    if tensors[0].is_cuda and not stacked:
        return torch.stack(list(torch._foreach_norm(tensors, float("inf")))).max()
    # On a CPU the infinity norm takes ten times as long as the two ends.
    ends = [torch.aminmax(rows(x), dim=1) if stacked else torch.aminmax(x) for x in tensors]
    lows, highs = (torch.stack(side) for side in zip(*ends, strict=True))
    return torch.maximum(highs.amax(dim=0), -lows.amin(dim=0))


def spread(number: Tensor, tensors: list[Tensor], *, stacked: bool) -> Tensor | list[Tensor]:
    """A reduction's result in the form that list operations take beside ``tensors``."""
    if not stacked:
        return number
    return [number.to(x.dtype).view(-1, *[1] * (x.ndim - 1)) for x in tensors]


def rows(x: Tensor) -> Tensor:
    """One row for each stacked model."""
    return x.reshape(len(x), -1)


def scalar_dtype(device: torch.device) -> torch.dtype:
    """The most precise type that the device has for single numbers."""
    return torch.float32 if device.type == "mps" else torch.float64
