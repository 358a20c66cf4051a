"""Supervised classification: a model, a data set and the cross-entropy between them."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)
from torch.optim.swa_utils import update_bn

from adabench.catalogue import find, load
from adabench.datasets.arrays import Arrays, Split, cut, subset
from adabench.datasets.augment import augmentation
from adabench.datasets.loading import load_dataset
from adabench.errors import BadValueError, one_line
from adabench.models import MODELS
from adabench.problems.interface import Draw
from adabench.spec import SupervisedSpec

EVALUATION_BATCH = 2000
STATISTICS_MINIBATCHES = 50


@dataclass(frozen=True)
class Minibatch:
    """Normalised inputs (B, C, H, W) in float32 and their labels (B,); or tokens (B, T) and labels (B, T)."""

    inputs: Tensor
    labels: Tensor


class SupervisedProblem:
    """A model x data set x loss, with all of its data on the device.

    Args:
        spec: which model, which data, how it is drawn.
        data_dir: where data sets lie.
        device: where the model, the data and every minibatch live.
        draw: random generators by name; initial weights, order and augmentation have one each,
            so that every optimizer of a seed meets the same ones.
        autocast: run forward passes in bfloat16 where torch holds that to be safe.

    Raises:
        RequestError: data that is missing or does not fit the model.
    """

    shape: tuple[int, ...] = ()

    def __init__(
        self,
        spec: SupervisedSpec,
        *,
        data_dir: Path,
        device: torch.device,
        draw: Draw,
        autocast: bool = False,
    ) -> None:
        data = load_data(spec, data_dir)
        self.fingerprint: str | None = data.fingerprint
        self._device, self._draw, self._autocast = device, draw, autocast
        self._memory_format = memory_format(spec)
        self.model = self._model(spec, data.arrays).to(device)
        self._compiled: Callable[[Tensor], Tensor] | None = None
        self.stochastic = any(map(_draws_numbers, self.model.modules()))
        self.examples_per_epoch = len(data.arrays.train.labels)
        self.steps_per_epoch = -(-self.examples_per_epoch // spec.batch_size)
        self._batch_size = spec.batch_size
        self._augmentation = augmentation(spec.augment)
        self._train = _moved(data.arrays.train, device)
        self._source = self._augmentation.prepare(self._train.inputs)
        self._judges = {"test": _moved(data.arrays.test, device)}
        if data.validation is not None:
            self._judges["validation"] = _moved(data.validation, device)
        shape = (1, -1, 1, 1)
        self._mean = data.arrays.mean.to(device).view(shape)
        self._scale = 1 / data.arrays.std.to(device).view(shape)
        self._order, self._changes = (drawn.to(device) for drawn in self._draws(0))

    def compile(self) -> None:
        """Compile the model as `loss` runs it, once for each size of minibatch; not for `evaluate`."""
        self._compiled = torch.compile(self.model, dynamic=False)

    def start_epoch(self, epoch: int) -> None:
        """Fix the order and the augmentation of the coming epoch: functions of seed and epoch alone."""
        for place, drawn in zip((self._order, self._changes), self._draws(epoch), strict=True):
            place.copy_(drawn)  # in place, where a captured step looks for them

    def batch_size(self, step: int) -> int:
        """How many examples the minibatch of a step holds; the last one of an epoch may be short."""
        return min(self._batch_size, self.examples_per_epoch - step * self._batch_size)

    def minibatch(self, step: int) -> Minibatch:
        """The minibatch of a step of this epoch; the last one may be short."""
        start, size = step * self._batch_size, self.batch_size(step)
        rows = self._order.narrow(self._axis, start, size)
        return self._gathered(rows, self._changes.narrow(self._axis, start, size))

    def minibatch_at(self, position: Tensor, size: int) -> Minibatch:
        """The minibatch of ``size`` examples from ``position`` on, 0-d int64 on the device."""
        places = position + torch.arange(size, device=self._device)
        rows = self._order.index_select(self._axis, places)
        return self._gathered(rows, self._changes.index_select(self._axis, places))

    def loss(self, minibatch: Minibatch) -> tuple[Tensor, Tensor, int]:
        """Mean cross-entropy, number of correct predictions, number of examples.

        An example of many labels counts with the mean over them, in the loss and in what is correct.
        """
        with self._precision():
            logits = (self._compiled or self.model)(minibatch.inputs)
            loss = self._mean_loss(logits, minibatch.labels)
        return loss, self._correct(logits, minibatch.labels), minibatch.labels.shape[self._axis]

    @torch.no_grad()
    def refresh_statistics(self) -> None:
        """Gather BatchNorm statistics anew, over the first minibatches of this epoch."""
        steps = range(min(self.steps_per_epoch, STATISTICS_MINIBATCHES))
        with self._precision():
            update_bn((self.minibatch(step).inputs for step in steps), self.model)

    @torch.no_grad()
    def evaluate(self) -> dict[str, Tensor]:
        """Mean loss and accuracy over all examples of each set kept apart, on the host."""
        self.model.eval()
        metrics: dict[str, Tensor] = {}
        for name, split in self._judges.items():
            metrics[f"{name}_loss"], metrics[f"{name}_accuracy"] = self._means(split)
        self.model.train()
        return metrics

    def _means(self, split: Split) -> Tensor:
        totals = torch.zeros(2, *self.shape, dtype=torch.float64, device=self._device)
        parts = (torch.split(tensor, EVALUATION_BATCH) for tensor in (split.inputs, split.labels))
        for inputs, labels in zip(*parts, strict=True):
            with self._precision():
                logits = self.model(self._normalised(inputs))
                loss = self._mean_loss(logits, labels)
            totals += torch.stack([loss.double() * len(labels), self._correct(logits, labels).double()])
        return (totals / len(split.labels)).cpu()

    def _model(self, spec: SupervisedSpec, arrays: Arrays) -> nn.Module:
        """The model, or models, with their initial weights."""
        model = build_model(spec, arrays, self._draw("weights").initial_seed())
        return model.to(memory_format=self._memory_format)

    def _draws(self, epoch: int) -> tuple[Tensor, Tensor]:
        """The order of an epoch, (..., N), and its augmentation, (..., N, K), on the CPU."""
        return self._drawn(epoch, self._draw)

    def _drawn(self, epoch: int, draw: Draw) -> tuple[Tensor, Tensor]:
        n = self.examples_per_epoch
        order = torch.randperm(n, generator=draw("order", epoch))
        return order, self._augmentation.draw(n, draw("augment", epoch))

    def _mean_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy over the labels."""
        return F.cross_entropy(logits.flatten(0, -2), labels.flatten())

    def _correct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """How many examples are right; of one with many labels, the share that is."""
        right = logits.argmax(dim=-1) == labels
        if right.ndim > self._axis + 1:
            right = right.double().mean(dim=-1)
        return right.sum(dim=-1)

    def _gathered(self, rows: Tensor, changes: Tensor) -> Minibatch:
        inputs = self._augmentation.gather(self._source, rows, changes)
        return Minibatch(self._normalised(inputs), self._train.labels[rows])

    def _normalised(self, inputs: Tensor) -> Tensor:
        if inputs.dtype == torch.int64:  # tokens have no scale
            return inputs
        scaled = (inputs.to(torch.float32) - self._mean).mul_(self._scale)
        return scaled if self.shape else scaled.contiguous(memory_format=self._memory_format)

    @property
    def _axis(self) -> int:
        """The dimension of the examples in an epoch's order."""
        return len(self.shape)

    def _precision(self) -> AbstractContextManager[Any]:
        return torch.autocast(self._device.type, torch.bfloat16) if self._autocast else nullcontext()


@dataclass(frozen=True)
class Data:
    """What a problem trains and tests on, and the part of training kept apart to select on."""

    arrays: Arrays
    validation: Split | None
    fingerprint: str


_loaded: dict[tuple[str, Path], Data] = {}


def load_data(spec: SupervisedSpec, data_dir: Path) -> Data:
    """The data of a problem, cut and resized as it asks; kept for the jobs that follow.

    Raises:
        RequestError: data that is missing, damaged, or too small for what is asked of it.
    """
    names = {"model", "dataset", "dataset_options", "train_examples", "validation_fraction"}
    key = spec.model_dump_json(include=names), data_dir
    if key not in _loaded:
        arrays = load_dataset(spec.dataset, data_dir=data_dir, options=spec.dataset_options)
        _check_kind(spec, arrays)
        train, validation = arrays.train, None
        if spec.validation_fraction:
            train, validation = cut(train, spec.validation_fraction)
        if spec.train_examples is not None:
            train = subset(train, spec.train_examples)
        size = find("model", MODELS, spec.model).minimum_size
        arrays = replace(arrays, train=_at_least(train, size), test=_at_least(arrays.test, size))
        validation = None if validation is None else _at_least(validation, size)
        _loaded[key] = Data(arrays, validation, arrays.fingerprint())
    return _loaded[key]


def prepare(spec: SupervisedSpec, data_dir: Path) -> None:
    """Load the problem's data and try model and augmentation on them: what is wrong shows before any job.

    Raises:
        RequestError: data that is missing, damaged, too small, or of a kind or shape that is not taken.
    """
    arrays = load_data(spec, data_dir).arrays
    build_model(spec, arrays, seed=0)
    augmentation(spec.augment).prepare(arrays.train.inputs[:1])


def build_model(spec: SupervisedSpec, arrays: Arrays, seed: int) -> nn.Module:
    """The model with its initial weights, made on the CPU so that a seed means the same everywhere.

    Raises:
        BadValueError: the model does not take inputs of this shape.
    """
    row = find("model", MODELS, spec.model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model: nn.Module = load(row.build)(arrays.input_shape, arrays.classes, **spec.model_options)
        except (ValueError, BadValueError) as error:
            raise BadValueError(f"{spec.model} on {spec.dataset}: {one_line(error)}") from error
    return model


def memory_format(spec: SupervisedSpec) -> torch.memory_format:
    """How the model's weights and inputs lie in memory: channels last where its row says so."""
    channels_last = find("model", MODELS, spec.model).channels_last
    return torch.channels_last if channels_last else torch.contiguous_format


def _check_kind(spec: SupervisedSpec, arrays: Arrays) -> None:
    """Refuse images given to a model of text, and text to one of images."""
    if find("model", MODELS, spec.model).takes_tokens != arrays.are_tokens:
        takes, is_ = ("images or features", "text") if arrays.are_tokens else ("text", "images or features")
        fit = ", ".join(name for name, row in MODELS.items() if row.takes_tokens == arrays.are_tokens)
        raise BadValueError(f"{spec.model} takes {takes} and {spec.dataset} is {is_}; models for it: {fit}")


def _at_least(split: Split, size: int) -> Split:
    """The images of ``split``, enlarged where they are smaller than the model takes."""
    height, width = split.inputs.shape[-2:]
    if min(height, width) >= size:
        return split
    target = (max(height, size), max(width, size))
    parts = [
        F.interpolate(part.float(), target, mode="bilinear", align_corners=False)
        for part in torch.split(split.inputs, EVALUATION_BATCH)
    ]
    if not split.inputs.is_floating_point():
        parts = [part.round().clamp(0, 255).to(split.inputs.dtype) for part in parts]
    return Split(torch.cat(parts), split.labels)


def _moved(split: Split, device: torch.device) -> Split:
    return Split(split.inputs.to(device), split.labels.to(device))


def _draws_numbers(module: nn.Module) -> bool:
    """Whether a module draws random numbers in training."""
    if isinstance(module, (nn.RNNBase, nn.MultiheadAttention)):
        return module.dropout > 0
    return isinstance(module, (nn.modules.dropout._DropoutNd, nn.RReLU))
