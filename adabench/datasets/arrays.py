"""A data set in memory: two splits of inputs and labels, and how to take a part of one.

Parts are fixed: they depend on the labels alone and never on a job's seed, so that every optimizer
and every seed trains and selects on the same examples.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from adabench.errors import BadValueError


@dataclass(frozen=True, eq=False)
class Split:
    """Inputs and their labels.

    Args:
        inputs: (N, C, H, W), uint8 for images and float32 for features; or (N, T) int64 for tokens.
        labels: (N,) int64, from 0; or (N, T) for tokens, one label each.
    """

    inputs: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def strata(self) -> Tensor:
        """What a part takes equally much of, (N,): the classes; all as one where an example has many."""
        return self.labels if self.labels.ndim == 1 else self.labels.new_zeros(len(self.labels))

    def take(self, indices: Tensor) -> "Split":
        """The examples at ``indices``, in that order."""
        return Split(self.inputs[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Arrays:
    """A data set: what is trained on, what is tested on, and how to normalize both.

    Args:
        train: the training set.
        test: the test set.
        classes: number of classes; labels are below it, and tokens too.
        mean: (C,) float32, each channel's mean over the training set in the inputs' own unit
            (0 to 255 for uint8 photographs); not used on tokens.
        std: (C,) float32, each channel's standard deviation, in the same unit; above 0; likewise.
    """

    train: Split
    test: Split
    classes: int
    mean: Tensor
    std: Tensor

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels, height and width of one input; or the number of its tokens."""
        return tuple(self.train.inputs.shape[1:])

    @property
    def are_tokens(self) -> bool:
        """Whether inputs are tokens, numbers that stand for symbols, and not images or features."""
        return self.train.inputs.dtype == torch.int64

    def fingerprint(self) -> str:
        """sha256, in hexadecimal, over the shapes and values of both splits."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            for tensor in (split.inputs, split.labels):
                digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
                digest.update(tensor.cpu().contiguous().numpy().data)
        return digest.hexdigest()


def subset(split: Split, n: int) -> Split:
    """A fixed, class-balanced part of ``n`` examples, in their original order.

    Raises:
        BadValueError: ``n`` is not in 1..N.
    """
    return split.take(class_balanced(split, n))


def cut(split: Split, fraction: float) -> tuple[Split, Split]:
    """Divide a split into what is trained on and a class-balanced validation set.

    A class gives at most half of its examples while others can give more, so that a rare class
    does not vanish from training.

    Args:
        split: what to divide.
        fraction: share of the examples that the validation set gets, in (0, 1).

    Raises:
        BadValueError: one of both parts would be empty.
    """
    n = round(len(split) * fraction)
    if not 0 < n < len(split):
        raise BadValueError(
            f"a validation fraction of {fraction:g} leaves a part of {len(split)} examples empty; "
            "it takes a number between 0 and 1 that leaves both parts at least one"
        )
    strata = split.strata
    order, rank = _ranked(strata, seed=0)
    late = 2 * (rank + 1) > strata.bincount()[strata[order]]
    held = torch.zeros(len(split), dtype=torch.bool)
    held[order[(rank + len(split) * late).argsort(stable=True)[:n]]] = True
    return split.take((~held).nonzero()[:, 0]), split.take(held.nonzero()[:, 0])


def class_balanced(split: Split, n: int, seed: int = 0) -> Tensor:
    """Indices of ``n`` examples, ascending: class counts differ by at most one while no class runs out.

    A smaller ``n`` gives a part of what a larger one gives.

    Raises:
        BadValueError: ``n`` is not in 1..N.
    """
    if not 1 <= n <= len(split):
        raise BadValueError(f"{n} examples asked for, but there are {len(split)}; name 1 to {len(split)}")
    order, rank = _ranked(split.strata, seed)
    return order[rank.argsort(stable=True)[:n]].sort().values


def _ranked(labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Indices grouped by class and shuffled within it, and each one's place in its class."""
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    order = shuffled[labels[shuffled].argsort(stable=True)]
    counts = labels.bincount()
    starts = counts.cumsum(0) - counts
    return order, torch.arange(len(labels)) - starts[labels[order]]


def moments(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Each channel's mean and standard deviation; a constant channel gets the deviation 1.

    Args:
        inputs: (N, C, H, W), uint8 or float32.

    Returns:
        Mean and deviation, each (C,) float32, in the unit of ``inputs``.
    """
    if inputs.dtype == torch.uint8:
        # Exact, and without a copy in floats: a histogram holds all there is to know.
        counts = torch.stack([c.flatten().bincount(minlength=256) for c in inputs.unbind(1)]).double()
        values = torch.arange(256, dtype=torch.float64)
        mean = counts @ values / counts.sum(1)
        variance = counts @ values**2 / counts.sum(1) - mean**2
    else:
        variance, mean = torch.var_mean(inputs.double(), dim=(0, 2, 3), correction=0)
    std = variance.clamp(min=0).sqrt()
    return mean.float(), torch.where(std > 0, std, 1.0).float()


def measured(train: Split, test: Split, classes: int) -> Arrays:
    """A data set normalized by its own training set."""
    return Arrays(train, test, classes, *moments(train.inputs))
