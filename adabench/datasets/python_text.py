"""The reference of the Python language, as text that every Python ships: characters to predict.

The text is that of the Python that runs, so another version has other data and another fingerprint.
"""

import platform
from pathlib import Path

import torch
from torch import Tensor

from adabench.datasets.arrays import Arrays, Split
from adabench.errors import BadValueError, DataError


def python_text(*, data_dir: Path, path: str | None, length: int, train: int, test: int) -> Arrays:
    """Windows that do not overlap, each labelled with the characters one place further on.

    The training set is the beginning of the text, the test set its end, and nothing is in both. The
    classes are the characters that the text holds, in the order of their codes.

    Args:
        data_dir: not used.
        path: not used.
        length: characters in a window.
        train: windows to train on.
        test: windows to test on.

    Raises:
        DataError: this Python comes without the text.
        BadValueError: the text is shorter than what is asked for.

    Source: ``pydoc_data.topics`` of the standard library, its topics in alphabetical order.
    """
    text = _text()
    need = (train + test) * length + 2  # the last character of each set is a label alone
    if need > len(text):
        raise BadValueError(
            f"python_text: train={train} and test={test} windows of length={length} take {need:,} "
            f"characters; the text of Python {platform.python_version()} has {len(text):,}"
        )
    characters = sorted(set(text))
    number = {character: i for i, character in enumerate(characters)}
    tokens = torch.tensor([number[character] for character in text])
    first, last = tokens[: train * length + 1], tokens[-(test * length + 1) :]
    return Arrays(
        _windows(first, length), _windows(last, length), len(characters), torch.zeros(1), torch.ones(1)
    )


def _text() -> str:
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise DataError(
            "python_text: this Python comes without pydoc_data; install all of its standard library, "
            "or name another data set with --dataset"
        ) from error
    return "\n".join(topics[name] for name in sorted(topics))


def _windows(tokens: Tensor, length: int) -> Split:
    return Split(tokens[:-1].view(-1, length), tokens[1:].view(-1, length))
