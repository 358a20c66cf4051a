"""Files, names and archives from strangers: nothing is executed, nothing leaves its folder, all is text."""

import io
import json
import os
import pickle
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories import make_result, make_runs, store_all
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from adabench.cli import app
from adabench.datasets import dataset_label, imagecache
from adabench.datasets.loading import load_dataset
from adabench.datasets.npz import npz
from adabench.errors import AdabenchError, ConfigError, DataError
from adabench.results import ResultStore, read_all
from adabench.results.merging import merge
from adabench.strict_yaml import read_yaml

FORBIDDEN = {
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "subprocess.Popen",
    "pickle.find_class",
    "socket.connect",
}
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""What a terminal would obey: nothing of it may be printed."""

_watched: list[str] | None = None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched is None:
        return
    if event in FORBIDDEN or (event == "import" and str(arguments[0]).startswith("trap")):
        _watched.append(f"{event} {arguments!r}")


sys.addaudithook(_watch)


class Bomb:
    """What runs when its pickle is opened."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, ("touch pwned",)


@pytest.fixture(autouse=True)
def trapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A folder with a module that must not be imported; what was done that must not be done."""
    global _watched  # noqa: PLW0603  (audit hooks stay for good; this one listens only here)
    place = tmp_path / "cwd"
    place.mkdir()
    (place / "trap.py").write_text("import pathlib; pathlib.Path('pwned').touch()\nBomb = None\n")
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(str(place))
    _watched = []
    yield _watched
    done, _watched = _watched, None
    assert done == []
    assert not (place / "pwned").exists()
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith("pytest")) in (
        ["cwd"],
        ["cache", "cwd"],
    )


def changed(text: str, **places: Any) -> bytes:
    """A result's JSON with other values at dotted places, written as any program might."""
    document = json.loads(text)
    for place, value in places.items():
        *path, last = place.split("__")
        inner = document
        for part in path:
            inner = inner[part]
        inner[last] = value
    return json.dumps(document).encode()


RESULT = make_result(seed=7).model_dump_json()


def one(**places: Any) -> Callable[[Path], object]:
    return lambda folder: (folder / "hostile.json").write_bytes(changed(RESULT, **places))


def raw(content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "hostile.json").write_bytes(content)


def everywhere(text: str) -> Callable[[Path], object]:
    """A text in every place of a result that takes one."""
    return one(
        job__optimizer__name=text,
        job__optimizer__label=text,
        job__optimizer__schedule=text,
        job__optimizer__source=text,
        job__optimizer__hyperparameters={text: text},
        job__problem__label=text,
        job__problem__model=text,
        job__problem__dataset=text,
        status="failed",
        reason=text,
        curve={text: [1.0, 2.0]},
        probes={text: [None]},
        environment__device=text,
        environment__command=[text],
        environment__git_revision=text,
        environment__started=text,
        environment__ended=text,
    )


def links(folder: Path) -> None:
    (folder / "passwords.json").symlink_to("/etc/passwd")
    (folder / "root").symlink_to("/")
    (folder / "loop").symlink_to(folder)
    (folder / "dangling.json").symlink_to(folder / "nowhere")
    (folder / "zeros.json").symlink_to("/dev/zero")


def special(folder: Path) -> None:
    os.mkfifo(folder / "pipe.json")
    (folder / "folder.json").mkdir()
    (folder / ("n" * 250 + ".json")).write_text("{")
    (folder / "\x1b[31mred\n.json").write_text("{")
    (folder / os.fsdecode(b"\xff\xfe.json")).write_text("{")


def huge(folder: Path) -> None:
    with (folder / "sparse.json").open("wb") as file:
        file.truncate(2**40)


PAYLOADS: dict[str, Callable[[Path], object]] = {
    "a function to call": everywhere("os:system"),
    "a module to import": everywhere("trap:Bomb"),
    "a file to import": everywhere("trap.py:Bomb"),
    "an expression": everywhere("__import__('os').system('touch pwned')"),
    "a shell command": everywhere("$(touch pwned)`touch pwned`; touch pwned"),
    "a template": everywhere("{{ ''.__class__.__mro__ }}{0.__class__}%(x)s %n {x!r}"),
    "a way up": everywhere("../../../../../escape"),
    "an absolute path": everywhere("/etc/passwd"),
    "a terminal's orders": everywhere("\x1b]0;title\x07\x1b[2J\r\u202e\x9b31m"),
    "rich's markup": everywhere("[bold red]x[/bold red][/nothing][link=file:///etc]"),
    "NUL": everywhere("a\0b"),
    "nothing": everywhere(""),
    "blanks": everywhere(" \t\n "),
    "a long text": everywhere("x" * 1_000_000),
    "a pickle": raw(pickle.dumps(Bomb())),
    "a pickle in text": everywhere(pickle.dumps(Bomb(), protocol=0).decode()),
    "objects of other libraries": one(**{"py/object": "os.system"}, summary__py={"type": "os.system"}),
    "YAML": raw(b"!!python/object/apply:os.system ['touch pwned']"),
    "depth": raw(b'{"job":' * 100_000),
    "depth in a value": one(job__optimizer__hyperparameters={"lr": json.loads("[" * 500 + "]" * 500)}),
    "a large number": raw(RESULT.replace('"seed":7', '"seed":' + "9" * 4000).encode()),
    "larger still": raw(RESULT.replace('"steps":938', '"steps":' + "9" * 100_000).encode()),
    "numbers at the edge": one(
        job__seed=2**63,
        job__epochs=2**62,
        summary__steps=2**62,
        summary__seconds=5e-324,
        curve={"test_accuracy": [1.7e308, -1.7e308], "seconds": [-1.0, 0.0]},
    ),
    "negative counts": one(summary__steps=-5, summary__seconds=-1.0, summary__gradient_evaluations=-1),
    "half a surrogate": raw(RESULT.replace("mlp-mnist", "\\ud800").encode()),
    "UTF-16": raw(RESULT.encode("utf-16")),
    "a byte order mark": raw(b"\xef\xbb\xbf" + RESULT.encode()),
    "keys given twice": raw(RESULT.replace('"status":', '"status":"failed","status":').encode()),
    "another type": one(format="1", status=True),
    "an accuracy in per cent": one(summary__final_test_accuracy=98.2),
    "a negative format": one(format=-1),
    "uneven columns": one(curve={"test_accuracy": [0.5] * 1000, "steps": [], "seconds": [None]}),
    "ten thousand columns": one(curve={f"c{n}": [0.1] for n in range(10_000)}),
    "links": links,
    "special files": special,
    "a terabyte": huge,
}

COMMANDS = (
    ["compare"],
    ["compare", "--json"],
    ["compare", "--details", "--pairs"],
    ["report"],
    ["report", "--format", "latex"],
    ["report", "--format", "csv"],
    ["report", "--format", "html"],
    ["doctor"],
    ["doctor", "--json"],
    ["merge", "--out", "merged"],
    ["merge", "--out", "merged", "--json"],
)


def folder_with(payload: Callable[[Path], object]) -> Path:
    folder = store_all(Path("stranger"), make_runs("adam", [0.98, 0.97]) + make_runs("sgdm", [0.96, 0.95]))
    payload(folder)
    return folder


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_strangers_result_is_text_and_nothing_more(name: str) -> None:
    """Would catch an import, a call, a traceback, a file outside, and a terminal that obeys."""
    folder = folder_with(PAYLOADS[name])
    for words in COMMANDS:
        done = CliRunner().invoke(app, [*words, str(folder)])
        acceptable = done.exception is None or isinstance(done.exception, SystemExit | AdabenchError)
        assert acceptable, (words, done.exc_info)
        if not {"html", "--json"} & set(words):
            obeyed = OBEYED.findall(done.output)
            assert not obeyed, (words, set(obeyed))
    assert sorted(os.listdir()) == ["merged", "stranger", "trap.py"]  # noqa: PTH208
    assert not any(path.is_symlink() for path in Path("merged").rglob("*"))
    for path in Path("merged").rglob("*.json"):
        assert re.fullmatch(r"merged(/[A-Za-z0-9._=-]{1,60}){2}/\d+-[0-9a-f]{16}\.json", str(path)), path


@pytest.mark.parametrize("name", ["a module to import", "a way up", "a terminal's orders", "a long text"])
def test_a_strangers_result_stays_text_in_a_report_with_figures(name: str) -> None:
    """Would catch a figure's file named by a label."""
    folder = folder_with(PAYLOADS[name])
    done = CliRunner().invoke(app, ["report", str(folder), "--output", "out/report.md"])
    assert done.exception is None or isinstance(done.exception, SystemExit | AdabenchError), done.exc_info
    assert {path.name for path in Path().iterdir()} <= {"out", "stranger", "trap.py"}


def test_a_report_in_a_strangers_folder_is_no_result() -> None:
    """Would catch links and pipes that are opened while a folder is read."""
    folder = folder_with(lambda folder: (links(folder), special(folder)))
    loaded = read_all([folder])
    assert len(loaded.results) == 4
    assert not any("root:" in problem for problem in loaded.problems)


# Paths

NAMES = (
    "../x", "../../../etc/passwd", "/etc/passwd", "~", "~root/x", "./", ".", "..", "...", "a/../../b",
    "C:\\windows", "..\\..\\x", "\\\\host\\share", "file:///etc/passwd", "a\0b", "\0", "", " ", "-", "--out",
    "-rf", "x" * 300, "é" * 100, "日本語", "\u202egnp.exe", "a\nb", "con", "nul.json", "*", "$HOME",
    "a;b|c&d", ".hidden", "🚀", "a" * 59 + "/..", "%2e%2e%2f",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_never_leads_out_of_the_folder(name: str) -> None:
    """Would catch a label used as a path; the file is really written, and found again."""
    result = make_result(label=name, problem={"label": name})
    for store in (ResultStore(Path("out")), ResultStore(Path("merged"))):
        if store.folder.name == "merged":
            merge([Path("out")], store.folder)
        else:
            store.write(result)
        (file,) = [path for path in store.folder.rglob("*") if path.is_file()]
        assert file == store.path_of(result.job)
        assert file.resolve().is_relative_to(store.folder.resolve())
        assert all(re.fullmatch(r"[A-Za-z0-9._=-]{1,60}", part) for part in file.parts[1:])
        assert not any(part.startswith((".", "-")) for part in file.parts[1:])
    assert sorted(os.listdir()) == ["merged", "out", "trap.py"]  # noqa: PTH208


@given(st.text(max_size=100))
def test_a_data_sets_label_is_a_plain_name(path: str) -> None:
    for scheme in ("npz", "folder"):
        if path:
            assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", dataset_label(f"{scheme}:{path}"))


# YAML


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch pwned']",
        "a: !!python/name:os.system ''",
        "a: !!python/module:trap ''",
        "a: !!python/object/new:trap.Bomb []",
        "a: !!binary cG93bmVk",
        "a: !!set {x}",
        "!unknown x",
        "a: " + "9" * 5000,
        "a: -" + "9" * 5000,
        "a: &x [*x]",
        "&x {a: *x}",
        "[" * 200 + "]" * 200,
        "{" * 5000,
        "? [a, b]\n: c",
        "a: b: c",
        "a: \x01",
        "\ufeffsuites: [",
        "%YAML 9.9\n---\na",
        "--- a\n--- b",
        "a: *nowhere",
    ],
    ids=lambda text: ascii(text[:30]),
)
def test_a_strangers_suite_file_is_plain_data_or_one_line(text: str) -> None:
    """Would catch tags that make objects, aliases without end, and numbers that Python will not read."""
    Path("benchmarks.yaml").write_text(text, encoding="utf-8")
    for words in (["list"], ["run", "--dry-run"]):
        done = CliRunner().invoke(app, words)
        assert isinstance(done.exception, ConfigError), done.exc_info
        assert "benchmarks.yaml" in str(done.exception)
        assert "\n" not in str(done.exception)


def test_a_suite_file_without_end_is_refused() -> None:
    """Would catch the size of a device, which is told as 0."""
    with pytest.raises(ConfigError, match="larger than"):
        read_yaml(Path("/dev/zero"))
    for place in (Path(), Path("none.yaml")):
        with pytest.raises(ConfigError, match="cannot read"):
            read_yaml(place)


# Archives and images


def arrays() -> dict[str, Any]:
    return {
        "x_train": np.zeros((6, 4, 5), np.uint8),
        "y_train": np.arange(6) % 3,
        "x_test": np.zeros((3, 4, 5), np.uint8),
        "y_test": np.arange(3),
    }


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
def test_an_object_array_is_not_opened(name: str) -> None:
    np.savez("own.npz", **arrays() | {name: np.array([Bomb()] * 6, dtype=object)})
    with pytest.raises(DataError, match=rf"^own\.npz: {name} cannot be read"):
        npz(data_dir=Path(), path="own.npz")


@pytest.mark.parametrize("content", [pickle.dumps(Bomb()), pickle.dumps([Bomb()], protocol=0)])
def test_a_pickle_that_calls_itself_npz_is_not_opened(content: bytes) -> None:
    Path("own.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"^own\.npz cannot be read"):
        npz(data_dir=Path(), path="own.npz")


def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused() -> None:
    """Would catch a megabyte that becomes gigabytes in memory."""
    np.savez_compressed("own.npz", **arrays() | {"y_train": np.zeros(6, int)})
    with (
        zipfile.ZipFile("own.npz", "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("bomb.npy", "w", force_zip64=True) as member,
    ):
        for _ in range(1100):
            member.write(bytes(2**20))
    with pytest.raises(DataError, match=r"^own\.npz: bomb\.npy unpacks to .* bytes, .* times what it is; "):
        npz(data_dir=Path(), path="own.npz")


def test_an_array_that_claims_more_than_it_has_is_refused() -> None:
    """Would catch memory taken by a header's word."""
    np.savez("own.npz", **arrays())
    with zipfile.ZipFile("own.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    claim = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        claim, {"descr": "|u1", "fortran_order": False, "shape": (2**40, 4, 5)}
    )
    with zipfile.ZipFile("own.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, claim.getvalue() + bytes(100) if name == "x_train.npy" else content)
    with pytest.raises(DataError, match=r"^own\.npz: x_train cannot be read"):
        npz(data_dir=Path(), path="own.npz")


def test_names_in_an_archive_lead_nowhere() -> None:
    np.savez("own.npz", **arrays())
    with zipfile.ZipFile("own.npz", "a") as archive:
        archive.writestr("../escape.npy", b"")
        archive.writestr("/etc/escape.npy", b"")
    assert len(npz(data_dir=Path(), path="own.npz").train) == 6
    assert not Path("../escape.npy").exists()


def fingerprint_or_complaint(path: str) -> str:
    try:
        return npz(data_dir=Path(), path=path).fingerprint()
    except DataError as error:
        return str(error)


def test_any_flipped_bit_of_an_archive_is_found_or_harmless() -> None:
    """Would catch pixels that changed on the disk without a word."""
    np.savez("own.npz", **arrays())
    whole = Path("own.npz").read_bytes()
    clean = npz(data_dir=Path(), path="own.npz").fingerprint()
    refused = 0
    for place in range(0, len(whole) * 8, len(whole) * 8 // 200):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        Path("flipped.npz").write_bytes(flipped)
        found = fingerprint_or_complaint("flipped.npz")
        refused += "flipped.npz" in found
        assert found == clean or "flipped.npz" in found
    assert refused > 100


def test_published_data_from_a_stranger_are_not_unpickled() -> None:
    """CIFAR's own files are pickles: they are opened only where their sums are right."""
    folder = Path("cifar-10-batches-py")
    folder.mkdir()
    names = [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch", "batches.meta"]
    for name in names:
        (folder / name).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataError, match=r"^cifar10 in .*cifar-10-batches-py is damaged"):
        load_dataset("cifar10", data_dir=Path(), options={})


def test_an_archive_of_published_data_from_a_stranger_is_not_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Would catch a path in an archive that leads out of the data folder."""

    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    with tarfile.open("cifar-10-python.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("../escape")
        archive.addfile(member)
    with pytest.raises(DataError, match=r"^cifar10 is not in .* and could not be downloaded"):
        load_dataset("cifar10", data_dir=Path(), options={})
    assert not list(Path("..").rglob("escape"))


@pytest.fixture
def pets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(imagecache, "user_cache_path", lambda name: tmp_path / "cache" / name)
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            Path("pets", part, name).mkdir(parents=True)
            Image.new("RGB", (6, 4)).save(Path("pets", part, name, "0.png"))
    return Path("pets")


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n", b"<svg onload='x'/>", b"%!PS\n(touch pwned) system"]
)
def test_an_image_of_another_kind_is_named(pets: Path, content: bytes) -> None:
    (pets / "test" / "cat" / "0.png").write_bytes(content)
    with pytest.raises(DataError, match=r"test/cat/0\.png cannot be read as an image"):
        load_dataset("folder:pets", data_dir=Path(), options={})


def test_links_and_pipes_among_images_are_named_and_not_waited_for(pets: Path) -> None:
    """Would catch a run that waits for ever for somebody to write into a pipe."""
    (pets / "train" / "cat" / "1.png").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"1\.png"):
        load_dataset("folder:pets", data_dir=Path(), options={})
    (pets / "train" / "cat" / "1.png").unlink()
    os.mkfifo(pets / "train" / "cat" / "1.png")
    with pytest.raises(DataError, match=r"1\.png is no file"):
        load_dataset("folder:pets", data_dir=Path(), options={})


def test_a_cache_from_a_stranger_is_not_unpickled(pets: Path, tmp_path: Path) -> None:
    clean = load_dataset("folder:pets", data_dir=Path(), options={}).fingerprint()
    (cached,) = (tmp_path / "cache").rglob("*.npz")
    np.savez(cached, train=np.array([Bomb()], dtype=object), test=np.array([Bomb()], dtype=object))
    from adabench.datasets import loading

    loading._load.cache_clear()
    assert load_dataset("folder:pets", data_dir=Path(), options={}).fingerprint() == clean
    np.savez(cached, train=np.zeros((1, 1, 9, 9), np.uint8), test=np.zeros(3))
    loading._load.cache_clear()
    assert load_dataset("folder:pets", data_dir=Path(), options={}).fingerprint() == clean


def test_a_folder_that_may_not_be_read_is_named(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a traceback for a data set of somebody else."""

    def closed(place: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied", str(place))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", closed)
        with pytest.raises(DataError, match=r"^cannot read .*pets/train: Permission denied; "):
            load_dataset("folder:pets", data_dir=Path(), options={})


@pytest.mark.parametrize(
    ("label", "magic", "words"), [(255, 2049, "labels from 0 to 255"), (0, 1, "is damaged")]
)
def test_published_files_of_the_right_size_are_still_looked_into(label: int, magic: int, words: str) -> None:
    """Would catch training on what only has the length of MNIST."""
    folder = Path("MNIST", "raw")
    folder.mkdir(parents=True)
    for name, count in (("train", 60_000), ("t10k", 10_000)):
        header = (2051).to_bytes(4) + count.to_bytes(4) + (28).to_bytes(4) * 2
        (folder / f"{name}-images-idx3-ubyte").write_bytes(header + bytes(count * 784))
        labels = bytes(count - 1) + bytes([label])
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(magic.to_bytes(4) + count.to_bytes(4) + labels)
    with pytest.raises(DataError, match=f"mnist.*{words}"):
        load_dataset("mnist", data_dir=Path(), options={})
