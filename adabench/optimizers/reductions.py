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


def norm(tensors: list[Tensor], *, stacked: bool) -> Tensor:
    """The 2-norm of all the tensors taken as one vector."""
    parts = [torch.linalg.vector_norm(rows(x), dim=1) for x in tensors] if stacked else _norms(tensors, 2.0)
    return torch.stack(parts).to(scalar_dtype(tensors[0].device)).square().sum(dim=0).sqrt()


def largest(tensors: list[Tensor], *, stacked: bool) -> Tensor:
    """The largest number in all the tensors."""
    return torch.stack([rows(x).amax(dim=1) if stacked else x.max() for x in tensors]).amax(dim=0)


def largest_magnitude(tensors: list[Tensor], *, stacked: bool) -> Tensor:
    """The largest absolute value in all the tensors."""
    if stacked:
        return largest([x.abs() for x in tensors], stacked=True)
    return torch.stack(_norms(tensors, float("inf"))).max()


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


def _norms(tensors: list[Tensor], order: float) -> list[Tensor]:
    return list(torch._foreach_norm(tensors, order))
