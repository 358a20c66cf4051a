"""scikit-learn's 1,797 handwritten digits: real, offline, and small enough for seconds on a CPU."""

from pathlib import Path

import torch

from adabench.datasets.arrays import Arrays, Split, measured


def digits(*, data_dir: Path, path: str | None) -> Arrays:
    """Images of 8x8 pixels from 0 to 16; 1437 to train on and 360 to test on.

    The split is stratified by class and always the same: scikit-learn's ``train_test_split`` with
    ``random_state=0``. The publisher's own split, by writer, is lost in scikit-learn's copy.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images, labels, test_size=360, stratify=labels, random_state=0)
    x_train, x_test, y_train, y_test = map(torch.from_numpy, parts)
    train, test = (
        Split(x.to(torch.uint8).reshape(-1, 1, 8, 8), y.long())
        for x, y in ((x_train, y_train), (x_test, y_test))
    )
    return measured(train, test, classes=10)
