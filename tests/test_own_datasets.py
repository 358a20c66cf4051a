"""Folders of images and .npz files: what a user can bring, and what is refused by the name of its file."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from adabench.datasets import folder as folder_module
from adabench.datasets import imagecache
from adabench.datasets.folder import folder
from adabench.datasets.loading import load_dataset
from adabench.datasets.npz import npz
from adabench.errors import DataError

RANDOM = np.random.default_rng(0)


def pixels(*shape: int) -> np.ndarray:
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(imagecache, "user_cache_path", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache"


@pytest.fixture
def pets(tmp_path) -> Path:
    """Two classes, three training images and one test image each, 6 wide and 4 high."""
    for part, n in (("train", 3), ("test", 1)):
        for name in ("cat", "dog"):
            for k in range(n):
                save(tmp_path / "pets" / part / name / f"{k}.png", pixels(4, 6, 3))
    return tmp_path / "pets"


def read(root: Path):
    return folder(data_dir=Path(), path=str(root))


def refusal(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Folders


def test_folder_keeps_pixels_labels_and_order(pets):
    """Catches swapped axes or channels, and labels that do not follow the alphabet."""
    arrays = read(pets)
    assert (arrays.input_shape, arrays.classes) == ((3, 4, 6), 2)
    assert arrays.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert arrays.test.labels.tolist() == [0, 1]
    image = np.asarray(Image.open(pets / "train" / "dog" / "1.png"))
    assert np.array_equal(arrays.train.inputs[4].permute(1, 2, 0).numpy(), image)


def test_all_grey_stays_grey_and_some_grey_becomes_rgb(pets):
    """Catches grey images tripled for nothing, and one grey image that spoils a colour data set."""
    for file in pets.rglob("*.png"):
        save(file, pixels(4, 6))
    grey = read(pets).train.inputs
    assert grey.shape == (6, 1, 4, 6)
    assert np.array_equal(grey[0, 0].numpy(), np.asarray(Image.open(pets / "train" / "cat" / "0.png")))
    save(pets / "test" / "dog" / "0.png", pixels(4, 6, 3))
    mixed = read(pets)
    assert mixed.test.inputs.shape == (2, 3, 4, 6)
    assert torch.equal(mixed.train.inputs, grey.expand(-1, 3, -1, -1))


def test_more_images_than_a_thread_takes_at_once(pets, monkeypatch):
    """Catches an image lost or moved where the work is divided."""
    monkeypatch.setattr("adabench.datasets.decoding.TASK", 3)
    arrays = read(pets)
    files = sorted(pets.glob("train/*/*")) + sorted(pets.glob("test/*/*"))
    expected = np.stack([np.asarray(Image.open(file)) for file in files])
    assert np.array_equal(torch.cat([arrays.train.inputs, arrays.test.inputs]).permute(0, 2, 3, 1), expected)


def test_second_reading_decodes_nothing(pets, monkeypatch):
    """Catches a cache that is written but never found."""
    first = read(pets)
    monkeypatch.setattr(folder_module, "decode", lambda splits: pytest.fail("decoded again"))
    assert read(pets).fingerprint() == first.fingerprint()


def test_changed_image_is_seen(pets):
    """Catches a cache that answers for a folder as it used to be."""
    first = read(pets)
    file = pets / "train" / "cat" / "0.png"
    save(file, pixels(4, 6, 3))
    os.utime(file, ns=(0, 0))
    assert read(pets).fingerprint() != first.fingerprint()


def test_damaged_cache_is_decoded_anew(pets, cache):
    """Catches a crash on what an earlier crash left."""
    first = read(pets)
    (file,) = cache.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:200])
    assert read(pets).fingerprint() == first.fingerprint()


def test_unwritable_cache_is_no_error(pets, cache):
    cache.touch()
    assert len(read(pets).train) == 6


def test_cache_leaves_no_temporary_files(pets, cache):
    read(pets)
    assert [file.suffix for file in cache.rglob("*") if file.is_file()] == [".npz"]


def test_other_files_are_passed_over(pets):
    """Catches a stray text or hidden file that stops everything."""
    (pets / "train" / "cat" / "notes.txt").write_text("hello")
    (pets / "train" / "cat" / "._0.png").write_bytes(b"resource fork")
    (pets / "train" / ".hidden").mkdir()
    assert len(read(pets).train) == 6


def test_links_are_followed(pets):
    (pets / "train" / "fox").symlink_to(pets / "train" / "dog")
    (pets / "train" / "cat" / "9.png").symlink_to(pets / "train" / "cat" / "0.png")
    assert read(pets).train.labels.bincount().tolist() == [4, 3, 3]


def test_one_size_is_asked_for(pets):
    """Catches images stretched or cropped in silence."""
    odd = pets / "train" / "dog" / "1.png"
    save(odd, pixels(5, 6, 3))
    first = pets / "train" / "cat" / "0.png"
    assert refusal(pets) == (f"{odd} is 6x5 pixels, but {first} is 6x4; bring all images to one size first")


def test_truncated_image_is_named(pets):
    file = pets / "test" / "dog" / "0.png"
    file.write_bytes(file.read_bytes()[:60])
    assert refusal(pets).startswith(f"{file} cannot be read as an image (")


def test_first_image_can_be_the_bad_one(pets):
    file = pets / "train" / "cat" / "0.png"
    file.write_bytes(b"not an image")
    assert refusal(pets).startswith(f"{file} cannot be read as an image (UnidentifiedImageError: ")


def test_deep_pixels_are_refused(pets):
    """Catches 16-bit images cut off at 255, which would turn white in silence."""
    file = pets / "train" / "dog" / "2.png"
    save(file, np.full((4, 6), 3000, dtype=np.uint16))
    assert refusal(pets) == f"{file} has Pillow's mode I;16; convert it to 8 bits a channel first"


def test_decompression_bomb_is_not_decoded(pets, monkeypatch):
    """Catches a small file that claims more pixels than there is memory."""
    monkeypatch.setattr("adabench.datasets.decoding.MOST_PIXELS", 20)
    assert refusal(pets).startswith(f"{pets / 'train' / 'cat' / '0.png'} claims 6x4 pixels; at most ")


def test_empty_class_is_named(pets):
    (pets / "train" / "emu").mkdir()
    assert refusal(pets).startswith(
        f"{pets / 'train' / 'emu'} holds no images; it needs at least one (.bmp, "
    )


def test_missing_split_is_named(tmp_path):
    save(tmp_path / "train" / "cat" / "0.png", pixels(4, 6))
    assert refusal(tmp_path) == f"{tmp_path / 'test'} is missing; it takes train/CLASS/* and test/CLASS/*"


def test_test_class_without_training_is_named(pets):
    save(pets / "test" / "emu" / "0.png", pixels(4, 6, 3))
    assert refusal(pets).startswith(f"{pets / 'test' / 'emu'}: no class 'emu' in {pets / 'train'}; ")


# Paths


@pytest.mark.parametrize("form", ["{pets}", "pets", "./pets/", "~/pets"])
def test_path_is_sought_where_people_expect_it(form, pets, tmp_path, monkeypatch):
    """Catches a path read against the wrong folder: absolute, working folder, home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    name = f"folder:{form.format(pets=pets)}"
    assert len(load_dataset(name, data_dir=tmp_path / "nowhere", options={}).train) == 6


def test_path_is_sought_in_the_data_folder_last(pets, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(load_dataset("folder:pets", data_dir=tmp_path, options={}).train) == 6


def test_nothing_at_the_path_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        load_dataset("npz:none.npz", data_dir=tmp_path / "data", options={})
    assert str(caught.value).startswith(
        f"npz:none.npz: nothing is there (looked in {tmp_path} and {tmp_path / 'data'}); correct the path"
    )


# Arrays


def write(path: Path, **changed: object) -> str:
    arrays = {
        "x_train": pixels(6, 4, 5),
        "y_train": np.arange(6) % 3,
        "x_test": pixels(3, 4, 5),
        "y_test": [0, 1, 2],
    }
    np.savez(path / "own.npz", **{k: v for k, v in (arrays | changed).items() if v is not None})
    return str(path / "own.npz")


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        (pixels(6, 4, 5), (1, 4, 5)),
        (pixels(6, 4, 5, 3), (3, 4, 5)),
        (pixels(6, 3, 4, 5), (3, 4, 5)),
        (pixels(6, 4, 5, 1), (1, 4, 5)),
        (RANDOM.normal(size=(6, 30)), (1, 1, 30)),
        (RANDOM.normal(size=(6, 4, 5, 3)).astype(np.float16), (3, 4, 5)),
        (RANDOM.normal(size=(6, 4, 5)).astype(">f8"), (1, 4, 5)),
    ],
)
def test_npz_takes_images_and_features(given, shape, tmp_path):
    """Catches swapped axes, a byte order read as it lies, and floats cut to bytes."""
    arrays = npz(data_dir=Path(), path=write(tmp_path, x_train=given, x_test=given[:3]))
    assert arrays.input_shape == shape
    assert arrays.classes == 3
    assert arrays.train.inputs.dtype == (torch.uint8 if given.dtype == np.uint8 else torch.float32)
    last = given[-1].transpose(2, 0, 1) if given.ndim == 4 and given.shape[-1] in (1, 3) else given[-1]
    np.testing.assert_allclose(arrays.train.inputs[-1].numpy().ravel(), last.ravel(), rtol=1e-6)


def test_npz_takes_a_column_of_labels(tmp_path):
    labels = (np.arange(6) % 3).astype(np.uint8).reshape(6, 1)
    assert npz(data_dir=Path(), path=write(tmp_path, y_train=labels)).train.labels.tolist() == [
        0,
        1,
        2,
        0,
        1,
        2,
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y_test": None}, "y_test is missing; found x_train, y_train, x_test"),
        ({"x_train": pixels(6, 4, 5).astype(np.int64)}, "x_train is int64; it takes uint8, or floats"),
        ({"x_test": pixels(3, 4, 5, 2)}, "x_test has shape (3, 4, 5, 2); it takes (N, D), (N, H, W), "),
        ({"x_test": np.full((3, 4, 5), np.nan)}, "x_test holds NaN, infinity or "),
        ({"x_test": np.full((3, 4, 5), 1e300)}, "x_test holds NaN, infinity or "),
        ({"y_train": np.arange(6.0)}, "y_train is float64; it takes integers from 0"),
        ({"y_train": np.zeros((6, 2), int)}, "y_train has shape (6, 2); it takes (N,)"),
        ({"y_train": np.full(6, 10**9)}, "y_train has a label 1000000000 but only 6 examples; number the "),
        (
            {"y_train": np.array([{}] * 6)},
            "y_train cannot be read (ValueError: Object arrays cannot be loaded ",
        ),
        ({"x_test": pixels(0, 4, 5)}, "x_test has shape (0, 4, 5); it needs at least one example"),
    ],
)
def test_malformed_array_is_named(changed, message, tmp_path):
    path = write(tmp_path, **changed)
    with pytest.raises(DataError) as caught:
        npz(data_dir=Path(), path=path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y_test": [0, 1, 3]}, "the test set has labels from 0 to 3; with 3 classes they are 0 to 2"),
        ({"y_train": [0, 1, -1, 2, 0, 1]}, "the training set has labels from -1 to 2; with 3 classes "),
        ({"y_test": [0, 1]}, "the test set has 3 inputs but 2 labels"),
    ],
)
def test_labels_are_checked_when_loading(changed, message, tmp_path):
    name = f"npz:{write(tmp_path, **changed)}"
    with pytest.raises(DataError) as caught:
        load_dataset(name, data_dir=tmp_path, options={})
    assert str(caught.value).startswith(f"{name}: {message}")


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04 cut off"])
def test_file_that_is_no_archive_is_named(content, tmp_path):
    path = tmp_path / "own.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"^{path} cannot be read "):
        npz(data_dir=Path(), path=str(path))
