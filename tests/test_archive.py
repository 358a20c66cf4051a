"""Results in one zip file: read in place like a folder, and never trusted."""

import zipfile
from pathlib import Path

import pytest
from factories import make_result, store_all
from typer.testing import CliRunner

from adabench.cli import app
from adabench.errors import RequestError
from adabench.results import ResultStore, read_all
from adabench.results import reading as reading_module
from adabench.results.merging import merge

RESULTS = [make_result(optimizer=name, seed=seed) for name in ("adam", "sgdm") for seed in range(2)]


def packed(tmp_path: Path, count: int = 4) -> Path:
    archive = tmp_path / "packed.zip"
    merge([store_all(tmp_path / "plain", RESULTS[:count])], archive)
    return archive


def test_an_archive_reads_as_its_folder(tmp_path: Path) -> None:
    """A result that packing changes, or that is counted twice beside its folder."""
    archive = packed(tmp_path)
    plain = read_all([tmp_path / "plain"])
    assert read_all([archive]) == plain
    answers = {
        CliRunner().invoke(app, ["compare", str(place), "--json"]).stdout
        for place in (archive, tmp_path / "plain")
    }
    assert len(answers) == 1
    assert answers != {""}


def test_packing_is_deterministic_and_adds_to_what_is_there(tmp_path: Path) -> None:
    """An archive in version control that changes without a cause, or that forgets."""
    archive = packed(tmp_path, count=2)
    before = archive.read_bytes()
    again = merge([tmp_path / "plain"], archive)
    assert (again.added, again.present, archive.read_bytes()) == (0, 2, before)
    more = merge([store_all(tmp_path / "more", RESULTS)], archive)
    assert (more.added, more.present) == (2, 2)
    assert len(read_all([archive]).results) == 4


def test_an_archive_unpacks_byte_for_byte(tmp_path: Path) -> None:
    """A seal that does not survive the way there and back."""
    archive, out = packed(tmp_path), tmp_path / "out"
    assert merge([archive], out).added == 4
    for result in RESULTS:
        paths = [ResultStore(folder).path_of(result.job) for folder in (tmp_path / "plain", out)]
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_contradictions_leave_an_archive_as_it_was(tmp_path: Path) -> None:
    archive = packed(tmp_path)
    before = archive.read_bytes()
    other = store_all(tmp_path / "other", [make_result(optimizer="adam", seed=0, accuracy=0.1)])
    assert merge([other], archive).conflicts
    assert archive.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"PK\\x03\\x04 cut off", b"{}"])
def test_what_is_no_archive_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    """A traceback of zipfile's."""
    archive = tmp_path / "bad.zip"
    archive.write_bytes(content)
    with pytest.raises(RequestError, match=r"bad\.zip is not a readable archive"):
        read_all([archive])


def test_hostile_members_harm_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that climbs out of the folder, one that is a bomb, one that is damaged."""
    monkeypatch.setattr(reading_module, "LARGEST_FILE_BYTES", 100_000)
    good = ResultStore(store_all(tmp_path / "plain", RESULTS[:1])).path_of(RESULTS[0].job).read_bytes()
    archive = tmp_path / "hostile.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("anywhere/good.json", good)
        made.writestr("../../climber.json", good)
        made.writestr("bomb.json", b" " * 10_000_000)
        made.writestr("torn.json", good[:-200])
        made.writestr(".hidden/secret.json", good)
    loaded = read_all([archive])
    assert loaded.results == (RESULTS[0],)
    assert len(loaded.problems) == 2
    merge([archive], tmp_path / "out")
    assert sorted(path.name for path in tmp_path.rglob("*.json") if "out" in path.parts) == [
        ResultStore(tmp_path).path_of(RESULTS[0].job).name
    ]
    assert not list(tmp_path.parent.glob("climber.json"))


def test_a_folder_may_be_called_like_an_archive(tmp_path: Path) -> None:
    """A folder of results named runs.zip that is opened as a zip file."""
    folder = store_all(tmp_path / "runs.zip", RESULTS)
    assert len(read_all([folder]).results) == 4
