"""Data sets: exact sizes, fixed subsets, and one clear line for what does not fit."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adabench.catalogue import load, parse, resolve
from adabench.datasets import DATASETS, dataset_label, find_dataset
from adabench.datasets.arrays import Arrays, Split, class_balanced, cut, moments, subset
from adabench.datasets.loading import _check, load_dataset
from adabench.errors import BadValueError, DataError, UnknownNameError
from adabench.models import MODELS

OFFLINE = ["digits", "breast_cancer", "wine", "python_text", "synthetic"]


def split_of(labels: list[int]) -> Split:
    """Every input is its own index, so that a part shows where it came from."""
    n = len(labels)
    return Split(torch.arange(n, dtype=torch.float32).reshape(n, 1, 1, 1), torch.tensor(labels))


def counts(split: Split) -> list[int]:
    return split.labels.bincount().tolist()


# The catalogue


@pytest.mark.parametrize("name", DATASETS)
def test_row_names_a_loader_and_a_model(name):
    """Catches a row that points at a loader or a model nobody wrote."""
    assert callable(load(DATASETS[name].load))
    model, settings = parse(DATASETS[name].model)
    resolve(model, MODELS[model].options, settings)


@pytest.mark.parametrize("name", OFFLINE)
def test_row_tells_what_loading_finds(name, tmp_path):
    """Catches sizes in the catalogue that the data do not have."""
    row, arrays = DATASETS[name], load_dataset(name, data_dir=tmp_path, options={})
    found = (arrays.input_shape, arrays.classes, len(arrays.train), len(arrays.test))
    told = (row.input_shape, row.classes, row.train_examples, row.test_examples)
    assert all(t in (None, f) for t, f in zip(told, found, strict=True))


def test_path_is_split_from_the_name():
    assert find_dataset("folder:/data/a:b") == (DATASETS["folder"], "/data/a:b")
    assert find_dataset("mnist") == (DATASETS["mnist"], None)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("cifar1O", UnknownNameError, "unknown data set 'cifar1O'; did you mean 'cifar10'?"),
        ("npy:/a/b", UnknownNameError, "unknown data set 'npy'; did you mean 'npz'?"),
        ("folder", BadValueError, "data set 'folder' needs a path: write folder:PATH"),
        ("npz:", BadValueError, "data set 'npz:' needs a path: write npz:PATH"),
        ("mnist:/data", BadValueError, "data set 'mnist:/data': mnist takes no path; write mnist"),
    ],
)
def test_wrong_name_says_the_cure(name, error, message):
    with pytest.raises(error) as caught:
        find_dataset(name)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("cifar10", "cifar10"),
        ("folder:/data/my pets/", "my-pets"),
        ("folder:~/pets.v2", "pets.v2"),
        ("npz:../runs/a b/Table 1.npz", "Table-1"),
        ("folder:..", "folder"),
        ("folder:/data/ü/..", "folder"),
    ],
)
def test_label_is_a_safe_file_name(name, label):
    """Catches a label with a slash, a space or a leading dot, which names a folder of results."""
    assert dataset_label(name) == label


# What ships with the dependencies


def test_digits_are_the_same_everywhere(tmp_path):
    """Catches a split or an order that moved with a library's version."""
    arrays = load_dataset("digits", data_dir=tmp_path, options={})
    assert arrays.fingerprint() == "3296e4c6de67cb406669b08a7f48746c738e273972c11939af97bc1450fe64c2"
    assert arrays.train.inputs.dtype == torch.uint8
    assert (int(arrays.train.inputs.min()), int(arrays.train.inputs.max())) == (0, 16)
    assert max(counts(arrays.test)) - min(counts(arrays.test)) <= 2


def test_synthetic_obeys_its_options(tmp_path):
    options = {"classes": 3, "channels": 1, "size": 5, "train": 31, "test": 7}
    arrays = load_dataset("synthetic", data_dir=tmp_path, options=options)
    assert (arrays.input_shape, len(arrays.train), len(arrays.test), arrays.classes) == ((1, 5, 5), 31, 7, 3)
    assert counts(arrays.train) == [11, 10, 10]


def test_synthetic_can_be_learned(tmp_path):
    """Catches test images that have nothing in common with the training images of their class."""
    arrays = load_dataset("synthetic", data_dir=tmp_path, options={})
    train, test = (s.inputs.flatten(1).float() for s in (arrays.train, arrays.test))
    means = torch.stack([train[arrays.train.labels == k].mean(0) for k in range(arrays.classes)])
    assert (torch.cdist(test, means).argmin(1) == arrays.test.labels).double().mean() > 0.99


def test_second_request_is_answered_from_memory(tmp_path):
    """Catches a sweep that loads its data once a job; defaults spelled out are the same request."""
    first = load_dataset("synthetic", data_dir=tmp_path, options={"train": 40})
    assert load_dataset("synthetic", data_dir=tmp_path, options={"train": 40, "classes": 10}) is first
    assert load_dataset("synthetic", data_dir=tmp_path, options={"train": 41}) is not first


def test_unknown_option_is_refused(tmp_path):
    with pytest.raises(
        UnknownNameError, match="unknown option of synthetic 'clases'; did you mean 'classes'"
    ):
        load_dataset("synthetic", data_dir=tmp_path, options={"clases": 3})


# Moments and fingerprints


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_moments_are_those_of_the_definition(kind):
    """Catches a mean over the wrong axes, and a deviation in another unit."""
    inputs = torch.randint(256, (50, 3, 4, 5), generator=torch.Generator().manual_seed(0)).to(kind)
    mean, std = moments(inputs)
    torch.testing.assert_close(mean, inputs.double().mean((0, 2, 3)).float())
    torch.testing.assert_close(std, inputs.double().std((0, 2, 3), correction=0).float())


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_constant_channel_does_not_divide_by_zero(kind):
    _, std = moments(torch.full((4, 2, 3, 3), 7).to(kind))
    assert std.tolist() == [1.0, 1.0]


def test_fingerprint_sees_every_change():
    """Catches a fingerprint blind to a pixel, a label, an order or a shape."""
    one, other = torch.tensor([1.0]), split_of([0, 1, 1])
    base = Arrays(split_of([0, 1, 1]), other, 2, one, one).fingerprint()
    changed = [
        Split(other.inputs + 1, other.labels),
        split_of([0, 1, 0]),
        other.take(torch.tensor([2, 1, 0])),
        Split(other.inputs.reshape(3, 1, 1, 1, 1), other.labels),
    ]
    prints = {Arrays(split, other, 2, one, one).fingerprint() for split in changed}
    assert len(prints | {base}) == 5
    assert Arrays(split_of([0, 1, 1]), other, 2, one, one).fingerprint() == base


# Parts of a split

LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=120)


@settings(deadline=None)
@given(LABELS, st.data())
def test_subset_is_exact_and_balanced(labels, data):
    """Catches a wrong size, an example taken twice, and a class favoured while another has some left."""
    n = data.draw(st.integers(1, len(labels)))
    split = split_of(labels)
    part = subset(split, n)
    indices = part.inputs.flatten().long()
    assert len(part) == n
    assert len(indices.unique()) == n
    assert torch.equal(split.labels[indices], part.labels)
    taken = part.labels.bincount(minlength=5)
    for total, mine in zip(split.labels.bincount(minlength=5).tolist(), taken.tolist(), strict=True):
        assert mine == total or mine >= taken.max() - 1


@settings(deadline=None)
@given(LABELS)
def test_smaller_subset_lies_in_the_larger(labels):
    """Catches learning curves over n that compare unrelated examples."""
    split = split_of(labels)
    parts = [set(class_balanced(split, n).tolist()) for n in range(1, len(labels) + 1)]
    assert all(small < large for small, large in pairwise(parts))


def test_subset_ignores_the_jobs_seed():
    """Catches seeds of a sweep that train on different examples."""
    split = split_of([0, 1, 2] * 30)
    parts = []
    for seed in range(2):
        torch.manual_seed(seed)
        parts.append(subset(split, 10).inputs)
    assert torch.equal(*parts)


@pytest.mark.parametrize("n", [0, 4])
def test_impossible_subset_is_refused(n):
    with pytest.raises(BadValueError, match=f"^{n} examples asked for, but there are 3; name 1 to 3$"):
        subset(split_of([0, 1, 1]), n)


@settings(deadline=None)
@given(LABELS, st.floats(0.01, 0.99))
def test_cut_loses_nothing_and_repeats(labels, fraction):
    """Catches an example in both parts or in neither, which would leak or waste it."""
    split, n = split_of(labels), round(len(labels) * fraction)
    if not 0 < n < len(labels):
        with pytest.raises(BadValueError, match="leaves a part of"):
            cut(split, fraction)
        return
    kept, held = cut(split, fraction)
    both = torch.cat([kept.inputs, held.inputs]).flatten().long()
    assert len(held) == n
    assert sorted(both.tolist()) == list(range(len(labels)))
    assert torch.equal(held.inputs, cut(split, fraction)[1].inputs)


def test_cut_is_balanced_but_spares_a_rare_class():
    """Catches a validation set that takes all examples of a class away from training."""
    kept, held = cut(split_of([0] * 100 + [1] * 100 + [2] * 6), 0.2)
    assert counts(held) == [19, 19, 3]
    assert counts(kept) == [81, 81, 3]


# What loading refuses


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (split_of([0, 1, 2]), "x: the training set has labels from 0 to 2; with 2 classes they are 0 to 1"),
        (split_of([0, -1]), "x: the training set has labels from -1 to 0; with 2 classes they are 0 to 1"),
        (
            Split(torch.ones(3, 1, 1, 1), torch.zeros(2).long()),
            "x: the training set has 3 inputs but 2 labels",
        ),
        (
            Split(torch.ones(0, 1, 1, 1), torch.zeros(0).long()),
            "x: the training set is empty; it needs at least one example",
        ),
        (
            Split(torch.full((1, 1, 1, 1), torch.nan), torch.zeros(1).long()),
            "x: the training set holds NaN or infinity; every input must be finite",
        ),
        (
            Split(torch.ones(1, 1, 2, 3), torch.zeros(1).long()),
            "x: an input is (1, 2, 3) in the training set but (1, 1, 1) in the test set",
        ),
    ],
)
def test_malformed_arrays_are_refused(train, message):
    with pytest.raises(DataError) as caught:
        _check("x", Arrays(train, split_of([0, 1]), 2, torch.ones(1), torch.ones(1)))
    assert str(caught.value) == message
