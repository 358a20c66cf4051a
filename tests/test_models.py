"""Models: the sizes that papers quote, the shapes they take, and nothing left untrained."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from adabench.catalogue import load, resolve
from adabench.datasets import DATASETS
from adabench.models import MODELS

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64)]
OF_IMAGES = [name for name, row in MODELS.items() if not row.takes_tokens]
TAKEN = [(name, shape) for name in OF_IMAGES for shape in SHAPES if shape[1] >= MODELS[name].minimum_size]
SEVERAL = pytest.mark.parametrize("name", MODELS)
SEVERAL_OF_IMAGES = pytest.mark.parametrize("name", OF_IMAGES)
TOKENS = (16,)


def build(name: str, shape: tuple[int, ...] | None = None, classes: int = 10, **given) -> nn.Module:
    row = MODELS[name]
    shape = shape or (TOKENS if row.takes_tokens else (3, 32, 32))
    return load(row.build)(shape, classes, **resolve(name, row.options, given))


def examples(name: str, n: int, size: int = 32) -> torch.Tensor:
    """Random inputs of the kind that the model takes."""
    return torch.randint(10, (n, *TOKENS)) if MODELS[name].takes_tokens else torch.randn(n, 3, size, size)


@pytest.mark.parametrize(
    ("name", "shape", "options", "count"),
    [
        ("mlp", (1, 28, 28), {}, 1_628_170),
        ("mlp", (1, 28, 28), {"hidden": (2048, 2048)}, 5_824_522),
        ("vgg11", (3, 32, 32), {}, 9_231_114),
        ("resnet34", (3, 32, 32), {}, 21_282_122),
        ("densenet53", (3, 32, 32), {}, 1_706_250),
        ("densenet53", (3, 32, 32), {"growth": 12}, 245_650),
        ("logistic", (1, 8, 8), {}, 650),
        ("vit", (1, 28, 28), {}, 104_970),
        ("char_transformer", (64,), {}, 105_482),
        ("char_gru", (64,), {}, 101_642),
    ],
)
def test_parameter_count(name, shape, options, count):
    """Catches a layer, bias or normalization too many or too few."""
    with torch.device("meta"):
        model = build(name, shape, **options)
    assert sum(p.numel() for p in model.parameters()) == count


@pytest.mark.parametrize(("name", "shape"), TAKEN, ids=str)
@pytest.mark.parametrize("classes", [10, 100])
def test_output_is_one_score_a_class(name, shape, classes):
    """Catches a head that assumes one image size, channel count or class count."""
    with torch.device("meta"):
        scores = build(name, shape, classes)(torch.empty(2, *shape))
    assert scores.shape == (2, classes)


@SEVERAL_OF_IMAGES
def test_minimum_size_is_enough(name):
    """Catches a catalogue row that promises a smaller image than the pooling leaves alive."""
    size = MODELS[name].minimum_size
    with torch.device("meta"):
        scores = build(name, (1, size, size))(torch.empty(2, 1, size, size))
    assert scores.shape == (2, 10)


@SEVERAL
def test_gradients_reach_every_parameter(name):
    """Catches a layer that is built but not on the path from input to loss."""
    torch.manual_seed(0)
    size = MODELS[name].minimum_size
    model = build(name, None if MODELS[name].takes_tokens else (3, size, size))
    scores = model(examples(name, 4, size)).flatten(0, -2)
    nn.functional.cross_entropy(scores, torch.arange(len(scores)) % 10).backward()
    silent = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert silent == []
    assert any(p.grad.abs().max() > 0 for p in model.parameters())


@SEVERAL
def test_same_seed_same_weights(name):
    """Catches initialization that draws from anything but torch's seeded generator."""
    weights = []
    for _ in range(2):
        torch.manual_seed(3)
        weights.append(build(name).state_dict())
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


@SEVERAL
def test_an_example_is_scored_alone_when_evaluating(name):
    """Catches normalization that mixes a minibatch's examples outside training."""
    torch.manual_seed(0)
    model, inputs = build(name).eval(), examples(name, 3)
    with torch.no_grad():
        torch.testing.assert_close(model(inputs)[1:2], model(inputs[1:2]), rtol=1e-4, atol=1e-5)


def depth(model: nn.Module, *, shortcuts: bool = True) -> int:
    """Number of convolutions and linear layers."""
    return sum(
        isinstance(layer, (nn.Conv2d, nn.Linear)) and (shortcuts or "shortcut" not in path)
        for path, layer in model.named_modules()
    )


@pytest.mark.parametrize(("name", "layers"), [("densenet53", 53), ("resnet34", 34)])
def test_depth_is_in_the_name(name, layers):
    """Catches a block too many or too few: projections on shortcuts do not count."""
    with torch.device("meta"):
        assert depth(build(name), shortcuts=False) == layers


@SEVERAL
def test_default_dataset_exists(name):
    """Catches a catalogue row that points at a data set nobody wrote."""
    assert MODELS[name].dataset in DATASETS


def test_catalogues_import_without_torch():
    """Catches a heavy import that would make every command slow to answer."""
    code = (
        "import sys, adabench.models, adabench.datasets;"
        "print(sorted({'torch', 'torchvision', 'sklearn', 'PIL', 'numpy'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
