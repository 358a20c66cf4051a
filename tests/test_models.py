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
TAKEN = [(name, shape) for name in MODELS for shape in SHAPES if shape[1] >= MODELS[name].minimum_size]
SEVERAL = pytest.mark.parametrize("name", MODELS)


def build(name: str, shape: tuple[int, int, int] = (3, 32, 32), classes: int = 10, **given) -> nn.Module:
    row = MODELS[name]
    return load(row.build)(shape, classes, **resolve(name, row.options, given))


@pytest.mark.parametrize(
    ("name", "shape", "options", "count"),
    [
        ("mlp", (1, 28, 28), {}, 1_628_170),
        ("mlp", (1, 28, 28), {"hidden": (2048, 2048)}, 5_824_522),
        ("vgg11", (3, 32, 32), {}, 9_231_114),
        ("resnet34", (3, 32, 32), {}, 21_282_122),
        ("densenet53", (3, 32, 32), {}, 1_706_250),
        ("densenet53", (3, 32, 32), {"growth": 12}, 245_650),
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


@SEVERAL
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
    model = build(name, (3, size, size))
    scores = model(torch.randn(4, 3, size, size))
    nn.functional.cross_entropy(scores, torch.arange(4)).backward()
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
def test_an_image_is_scored_alone_when_evaluating(name):
    """Catches normalization that mixes a minibatch's images outside training."""
    torch.manual_seed(0)
    model = build(name).eval()
    images = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model(images)[1:2], model(images[1:2]), rtol=1e-4, atol=1e-5)


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
