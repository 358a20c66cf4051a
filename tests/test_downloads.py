"""Published data sets: read as published, and downloads that fail in one line and leave nothing half-done."""

import gzip
import pickle
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch

from adabench.datasets.arrays import moments
from adabench.datasets.loading import load_dataset
from adabench.datasets.mnist import SIZES
from adabench.errors import DataError

DOWNLOADED = ["mnist", "fashion_mnist", "cifar10", "cifar100"]


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", DOWNLOADED)
def test_missing_data_say_where_and_what_to_do(name, tmp_path, capsys):
    """Catches a traceback, a message over several lines, and a failed download's litter."""
    with pytest.raises(DataError) as caught:
        load_dataset(name, data_dir=tmp_path / "data", options={})
    message = str(caught.value)
    assert message.startswith(f"{name} is not in {tmp_path / 'data'} and could not be downloaded (")
    assert "no network" in message
    assert message.endswith("another folder with --data-dir, or another data set with --dataset")
    assert "\n" not in message
    assert list((tmp_path / "data").iterdir()) == []
    assert capsys.readouterr() == ("", f"downloading {name} to {tmp_path / 'data'}\n")


def test_unwritable_folder_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"could not be downloaded \((FileExists|NotADirectory)Error: "):
        load_dataset("cifar10", data_dir=tmp_path / "file", options={})


def fake_mnist_download(url: str, download_root: Path, filename: str, md5: str) -> None:
    """What torchvision's downloader leaves: the archive and its unpacked file, all zeros."""
    name = filename.removesuffix(".gz")
    header = {1: (2049, SIZES[name] - 8)}.get("labels" in name, (2051, (SIZES[name] - 16) // 784, 28, 28))
    content = b"".join(field.to_bytes(4, "big") for field in header).ljust(SIZES[name], b"\0")
    Path(download_root, name).write_bytes(content)
    Path(download_root, filename).write_bytes(gzip.compress(b""))


def test_interrupted_download_does_not_break_the_next(tmp_path, monkeypatch):
    """Catches half a file taken for the data set by the next attempt."""

    def cut_off(url, download_root, filename, md5):
        Path(download_root, filename.removesuffix(".gz")).write_bytes(b"half")
        raise KeyboardInterrupt

    downloader = "torchvision.datasets.mnist.download_and_extract_archive"
    monkeypatch.setattr(downloader, cut_off)
    with pytest.raises(KeyboardInterrupt):
        load_dataset("mnist", data_dir=tmp_path, options={})
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(downloader, fake_mnist_download)
    arrays = load_dataset("mnist", data_dir=tmp_path, options={})
    assert (len(arrays.train), len(arrays.test)) == (60_000, 10_000)
    assert {file.name for file in tmp_path.rglob("*-ubyte")} == set(SIZES)


def test_archive_at_hand_is_used_without_network(tmp_path, monkeypatch):
    """Catches a download of what the user has put there for a machine without network."""
    monkeypatch.setattr("torchvision.datasets.CIFAR10.download", lambda self: seen.extend(names(self.root)))
    seen: list[str] = []
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"archive")
    with pytest.raises(DataError, match="could not be downloaded"):
        load_dataset("cifar10", data_dir=tmp_path, options={})
    assert seen == ["cifar-10-python.tar.gz"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_truncated_file_is_named(tmp_path):
    """Catches a damaged file reported as missing, or read as it is."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in SIZES:
        fake_mnist_download("", raw, f"{name}.gz", "")
    (raw / "t10k-labels-idx1-ubyte").write_bytes(b"half")
    with pytest.raises(DataError) as caught:
        load_dataset("mnist", data_dir=tmp_path, options={})
    assert str(caught.value) == (
        f"{raw / 't10k-labels-idx1-ubyte'} is damaged: 4 bytes instead of 10008; "
        "delete it to download mnist anew, or name another folder with --data-dir"
    )


def test_damaged_batches_name_their_folder(tmp_path):
    """Catches CIFAR files with a wrong checksum opened by pickle all the same."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch", "batches.meta"]:
        (folder / name).write_bytes(b"half")
    with pytest.raises(
        DataError, match=f"^cifar10 in {folder} is damaged .*; delete it to download cifar10 anew"
    ):
        load_dataset("cifar10", data_dir=tmp_path, options={})


@pytest.mark.realdata
def test_mnist_is_the_published_one(data_dir):
    """Catches swapped splits, another order, and constants that are not these images' moments."""
    arrays = load_dataset("mnist", data_dir=Path(data_dir), options={})
    assert (len(arrays.train), len(arrays.test), arrays.input_shape) == (60_000, 10_000, (1, 28, 28))
    assert arrays.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    torch.testing.assert_close((arrays.mean, arrays.std), moments(arrays.train.inputs), rtol=1e-3, atol=0)


@pytest.mark.parametrize(
    ("name", "folder", "batches", "test", "meta", "key"),
    [
        (
            "cifar10",
            "cifar-10-batches-py",
            [f"data_batch_{k}" for k in range(1, 6)],
            "test_batch",
            "batches.meta",
            "labels",
        ),
        ("cifar100", "cifar-100-python", ["train"], "test", "meta", "fine_labels"),
    ],
)
def test_cifar_keeps_pixels_labels_and_order(name, folder, batches, test, meta, key, tmp_path, monkeypatch):
    """Catches swapped axes, channels or splits. The files are made up, so their checksums are waived."""
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda path, md5: True)
    place = tmp_path / folder
    place.mkdir()
    (place / meta).write_bytes(pickle.dumps({"label_names": [], "fine_label_names": []}))
    rows = {
        file: np.random.default_rng(k).integers(0, 256, (2, 3072), np.uint8)
        for k, file in enumerate([*batches, test])
    }
    for k, (file, row) in enumerate(rows.items()):
        (place / file).write_bytes(pickle.dumps({"data": row, key: [k, 9]}))
    arrays = load_dataset(name, data_dir=tmp_path, options={})
    expected = torch.from_numpy(np.stack(list(rows.values()))).reshape(-1, 3, 32, 32)
    assert torch.equal(torch.cat([arrays.train.inputs, arrays.test.inputs]), expected)
    assert len(arrays.test) == 2
    assert arrays.test.labels.tolist() == [len(batches), 9]
    assert arrays.train.labels.tolist()[-2:] == [len(batches) - 1, 9]
    assert arrays.mean.shape == arrays.std.shape == (3,)
    assert 0 < arrays.std.min() < arrays.mean.max() < 255
