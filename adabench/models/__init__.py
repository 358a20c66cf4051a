"""The catalogue of models: one row each, read by the command line, the problems and the tests.

Importing this room does not import torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adabench.catalogue import Option

__all__ = ["MODELS", "ModelRow"]


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """What the project knows of a model.

    Args:
        build: its builder, as ``"package.module:function"``; called with the shape of one input
            (channels, height, width), the number of classes, and the options.
        summary: one line for people.
        paper: who published it, and where.
        dataset: the data set it is trained on unless asked otherwise.
        options: settings of the architecture with their defaults and ranges.
        minimum_size: smallest height and width in pixels that it takes; the problem enlarges what
            is smaller.
        channels_last: its convolutions are faster with the channels innermost in memory.
        stackable: many of it can train as one batch of models: nothing in it moves but weights.
    """

    build: str
    summary: str
    paper: str
    dataset: str
    options: Mapping[str, Option] = field(default_factory=dict)
    minimum_size: int = 1
    channels_last: bool = False
    stackable: bool = False


MODELS: dict[str, ModelRow] = {
    "mlp": ModelRow(
        build="adabench.models.mlp:mlp",
        summary="fully connected layers with ReLU, one hidden layer of 2048 by default",
        paper="Bae, Ryu and Shin 2019, arXiv 1911.00289",
        dataset="mnist",
        options={"hidden": Option((2048,), "width of each hidden layer", low=1, any_length=True)},
        stackable=True,
    ),
    "vgg11": ModelRow(
        build="adabench.models.vgg:vgg11",
        summary="eight convolutions with batch normalization, five max-pools, one linear layer",
        paper="Simonyan and Zisserman 2015, arXiv 1409.1556",
        dataset="cifar10",
        minimum_size=32,
        channels_last=True,
    ),
    "resnet34": ModelRow(
        build="adabench.models.resnet:resnet34",
        summary="sixteen residual blocks of two convolutions, with a stem for small images",
        paper="He, Zhang, Ren and Sun 2016, arXiv 1512.03385",
        dataset="cifar10",
        channels_last=True,
    ),
    "densenet53": ModelRow(
        build="adabench.models.densenet:densenet53",
        summary="four dense blocks of six bottlenecks, where every layer sees all before it",
        paper="Huang, Liu, van der Maaten and Weinberger 2017, arXiv 1608.06993",
        dataset="cifar10",
        options={"growth": Option(32, "channels that each bottleneck adds", low=1)},
        minimum_size=8,
        channels_last=True,
    ),
}
