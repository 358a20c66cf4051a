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
            (channels, height, width), or (tokens,); with the number of classes, which is also that of
            the symbols that tokens stand for; and with the options.
        summary: one line for people.
        paper: who published it, and where.
        dataset: the data set it is trained on unless asked otherwise.
        options: settings of the architecture with their defaults and ranges.
        minimum_size: smallest height and width in pixels that it takes; the problem enlarges what
            is smaller.
        channels_last: its convolutions are faster with the channels innermost in memory.
        stackable: many of it can train as one batch of models: nothing in it moves but weights.
        takes_tokens: its inputs are tokens, each of which gets scores; not images or features.
    """

    build: str
    summary: str
    paper: str
    dataset: str
    options: Mapping[str, Option] = field(default_factory=dict)
    minimum_size: int = 1
    channels_last: bool = False
    stackable: bool = False
    takes_tokens: bool = False


def _transformer(width: int) -> dict[str, Option]:
    return {
        "width": Option(width, "numbers that stand for a token", low=1),
        "depth": Option(2, "blocks of attention and MLP", low=1),
        "heads": Option(4, "heads of attention; they divide the width", low=1),
    }


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
    "logistic": ModelRow(
        build="adabench.models.logistic:logistic",
        summary="multinomial logistic regression from weights of zero: a convex problem",
        paper="Cox 1958, The regression analysis of binary sequences",
        dataset="digits",
        stackable=True,
    ),
    "vit": ModelRow(
        build="adabench.models.vit:vit",
        summary="a small vision transformer: patches, learned positions, pre-norm blocks, their mean",
        paper="Dosovitskiy et al. 2021, arXiv 2010.11929",
        dataset="mnist",
        options={
            "patch": Option(4, "height and width of a patch in pixels; divides the image's", low=1),
            **_transformer(64),
        },
        minimum_size=4,
        stackable=True,
    ),
    "char_transformer": ModelRow(
        build="adabench.models.char_transformer:char_transformer",
        summary="a small transformer that predicts each next token from those before it",
        paper="Radford et al. 2019, Language Models are Unsupervised Multitask Learners",
        dataset="python_text",
        options=_transformer(64),
        stackable=True,
        takes_tokens=True,
    ),
    "char_gru": ModelRow(
        build="adabench.models.char_gru:char_gru",
        summary="a small recurrent network of gated units that predicts each next token",
        paper="Cho et al. 2014, arXiv 1406.1078",
        dataset="python_text",
        options={
            "width": Option(128, "numbers of the state of a layer", low=1),
            "depth": Option(1, "layers", low=1),
        },
        takes_tokens=True,
    ),
}
