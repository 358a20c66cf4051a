"""Augmentation: the same pixels as torchvision's, honest chances, and nothing that stops a capture."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import functional

from adabench.datasets import AUGMENTATIONS
from adabench.datasets.augment import KINDS, CropFlip, augmentation
from adabench.errors import BadValueError, UnknownNameError

CROP_FLIP = CropFlip()
SEVERAL = pytest.mark.parametrize("name", AUGMENTATIONS)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int, channels: int = 3, height: int = 32, width: int = 32) -> torch.Tensor:
    shape = (n, channels, height, width)
    return torch.randint(1, 256, shape, dtype=torch.uint8, generator=generator(1))


def by_torchvision(image: torch.Tensor, dy: int, dx: int, flip: int) -> torch.Tensor:
    """RandomCrop(padding=4) and RandomHorizontalFlip with their random numbers given."""
    cropped = functional.crop(functional.pad(image, [4]), dy, dx, *image.shape[-2:])
    return functional.hflip(cropped) if flip else cropped


def test_catalogue_and_code_agree():
    """Catches an augmentation that the command line lists but nobody wrote, or the reverse."""
    assert list(AUGMENTATIONS) == list(KINDS)


def test_unknown_name_offers_the_nearest():
    with pytest.raises(
        UnknownNameError, match=r"unknown augmentation 'crop_flop'; did you mean 'crop_flip'\?"
    ):
        augmentation("crop_flop")


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([1, 3]), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32), st.integers(1, 20)
)
def test_crop_flip_is_torchvisions_pixel_for_pixel(channels, height, width, seed, n):
    """Catches an offset, a mirrored axis or a border that differs from the usual recipe."""
    data = images(7, channels, height, width)
    indices = torch.randint(7, (n,), generator=generator(seed))
    draws = CROP_FLIP.draw(n, generator(seed))
    batch = CROP_FLIP.gather(CROP_FLIP.prepare(data), indices, draws)
    expected = [by_torchvision(data[i], *d) for i, d in zip(indices, draws.tolist(), strict=True)]
    assert batch.dtype == torch.uint8
    assert torch.equal(batch, torch.stack(expected))


def test_crop_flip_at_every_offset():
    """Catches a mistake that only shows in a corner: all 9 x 9 x 2 draws are compared."""
    data = images(1)
    draws = torch.cartesian_prod(torch.arange(9), torch.arange(9), torch.arange(2))
    batch = CROP_FLIP.gather(CROP_FLIP.prepare(data), torch.zeros(162, dtype=torch.int64), draws)
    assert torch.equal(batch, torch.stack([by_torchvision(data[0], *d) for d in draws.tolist()]))


def test_draws_are_uniform_and_independent():
    """Catches an offset never drawn, a flip that is not a fair coin, and one that follows the crop."""
    draws = CROP_FLIP.draw(81_000, generator())
    assert draws.min(0).values.tolist() == [0, 0, 0]
    for column, kinds in zip(draws.unbind(1), (9, 9, 2), strict=True):
        shares = column.bincount().double() / len(column)
        assert len(shares) == kinds
        assert (shares - 1 / kinds).abs().max() < 0.01
    assert torch.corrcoef(draws.T.double()).fill_diagonal_(0).abs().max() < 0.02


@SEVERAL
def test_draws_repeat_with_the_seed(name):
    """Catches random numbers from a generator other than the one given."""
    one, other = (augmentation(name).draw(100, generator(5)) for _ in range(2))
    assert torch.equal(one, other)
    assert one.shape[0] == 100


def test_draws_differ_with_the_seed():
    assert not torch.equal(CROP_FLIP.draw(100, generator(0)), CROP_FLIP.draw(100, generator(1)))


@SEVERAL
def test_gather_runs_without_values(name):
    """Catches .item(), a boolean mask or a branch on the data, none of which can be captured."""
    kind = augmentation(name)
    data = kind.prepare(torch.empty(50, 3, 32, 32, dtype=torch.uint8, device="meta"))
    indices = torch.empty(8, dtype=torch.int64, device="meta")
    batch = kind.gather(data, indices, kind.draw(8, generator()).to("meta"))
    assert batch.shape == (8, 3, 32, 32)
    assert batch.dtype == torch.uint8


@SEVERAL
def test_gather_takes_stacked_minibatches(name):
    """Catches a gather that works for one seed but not for many at once."""
    kind = augmentation(name)
    data = kind.prepare(images(20))
    indices = torch.randint(20, (4, 8), generator=generator())
    draws = kind.draw(32, generator()).unflatten(0, (4, 8))
    stacked = kind.gather(data, indices, draws)
    alone = [kind.gather(data, i, d) for i, d in zip(indices, draws, strict=True)]
    assert torch.equal(stacked, torch.stack(alone))


def test_none_changes_nothing():
    """Catches pixels, order or type altered when no augmentation is asked for."""
    kind, data = augmentation("none"), images(9)
    indices = torch.tensor([4, 0, 8])
    assert torch.equal(kind.gather(kind.prepare(data), indices, kind.draw(3, generator())), data[indices])


def test_crop_flip_refuses_features():
    """Catches columns of a table shifted and mirrored as if they were pixels."""
    with pytest.raises(BadValueError, match="takes images, not features; use augment=none"):
        CROP_FLIP.prepare(torch.randn(5, 1, 1, 30))
