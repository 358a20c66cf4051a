"""Results under crashes, races, full disks and damage. The long forms are the scripts in tests/faults."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from factories import make_result, store_all

from adabench.errors import ResultError
from adabench.results import ResultStore, read, read_all
from adabench.spec import FORMAT

FAULTS = Path(__file__).parent / "faults"


def harness(name: str, *arguments: str) -> list[dict[str, object]]:
    """What a fault harness found, run in a process of its own that has no threads to fork."""
    command = [sys.executable, str(FAULTS / name), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def violations(tallies: list[dict[str, object]]) -> list[str]:
    return [text for tally in tallies for text in tally["violations"]]


def can_mount() -> bool:
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/tmp"]
    return (
        shutil.which("unshare") is not None
        and not subprocess.run(command, capture_output=True, check=False).returncode
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_process_killed_at_any_durable_operation_leaves_no_torn_result_and_can_go_on() -> None:
    """Would catch a name given before the bytes are whole, and a result removed too early."""
    tallies = harness("results_kill.py")
    assert sum(tally["cases"] for tally in tallies) >= 300
    assert violations(tallies) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="races forked processes")
def test_of_many_processes_exactly_one_commits_each_job() -> None:
    """Would catch two writers that both find a failed result and both put theirs in its place."""
    assert violations(harness("results_race.py", "3", "8")) == []


@pytest.mark.skipif(not can_mount(), reason="needs the right to mount a small file system")
def test_a_full_read_only_or_closed_disk_is_one_line_with_path_and_need() -> None:
    """Would catch a traceback, a result lost to make room, and a half-written file that fills the disk."""
    assert violations(harness("results_disk.py")) == []


def test_bytes_are_flushed_before_they_get_their_name_and_the_name_before_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would catch an order that only a power cut shows: a named file of zeros, a name that vanishes."""
    trace: list[str] = []

    def noted(name: str) -> None:
        real = getattr(os, name)

        def operation(*arguments: object, **named: object) -> object:
            outcome = real(*arguments, **named)
            flushes_folder = name == "fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
            trace.append(f"{name} folder" if flushes_folder else name)
            return outcome

        monkeypatch.setattr(os, name, operation)

    for name in ("mkdir", "write", "fsync", "link"):
        noted(name)
    ResultStore(tmp_path / "results").write(make_result())
    assert [step for step in trace if step != "mkdir"] == ["fsync folder"] * 3 + [
        "write",
        "fsync",
        "link",
        "fsync folder",
    ]


# Damage


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    store_all(tmp_path, [make_result(seed=0), make_result(seed=1)])
    return ResultStore(tmp_path).path_of(make_result(seed=0).job)


def refused(file: Path) -> str:
    """The one line with which a file is refused, having stopped no other."""
    root = file.parents[2]
    loaded = read_all([root])
    assert len(loaded.results) == 1
    (problem,) = loaded.problems
    assert str(file) in problem
    assert problem.isprintable()
    return problem


def test_any_flipped_bit_is_found(stored: Path) -> None:
    """Would catch what JSON cannot see: a digit that became another digit."""
    whole = stored.read_bytes()
    places = range(0, len(whole) * 8, max(1, len(whole) * 8 // 400))
    assert len(places) >= 200
    for place in places:
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        stored.write_bytes(flipped)
        with pytest.raises(ResultError):
            read(stored)


def test_a_changed_digit_is_called_a_change(stored: Path) -> None:
    stored.write_bytes(stored.read_bytes().replace(b"0.98", b"0.99"))
    assert "was changed after it was written: its sha256 does not fit; restore it" in refused(stored)


def test_a_file_cut_short_anywhere_is_found(stored: Path) -> None:
    whole = stored.read_bytes()
    for length in range(0, len(whole) - 1, 17):
        stored.write_bytes(whole[:length])
        with pytest.raises(ResultError):
            read(stored)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 4096,
        b"null",
        b'"text"',
        b"[]",
        b"3",
        b"PK\x03\x04",
        b"\x80\x04\x95",
        b'{"format": "one"}',
        b'{"format": 1, "job": [], "status": 7}',
    ],
)
def test_a_file_of_another_kind_is_found(stored: Path, content: bytes) -> None:
    stored.write_bytes(content)
    assert "is not a result" in refused(stored)


def test_a_zeroed_page_is_found(stored: Path) -> None:
    """Would catch what a file system leaves of a file whose last page never reached the disk."""
    whole = bytearray(stored.read_bytes())
    for start in range(0, len(whole), 256):
        holed = whole.copy()
        holed[start : start + 256] = bytes(len(holed[start : start + 256]))
        stored.write_bytes(holed)
        assert "is not a result" in refused(stored)


def test_a_newer_format_says_upgrade_whatever_its_seal(stored: Path) -> None:
    stored.write_bytes(stored.read_bytes().replace(b'"format": 1', b'"format": %d' % (FORMAT + 1)))
    assert "upgrade adabench" in refused(stored)


def test_the_oldest_result_stays_readable() -> None:
    """A file of the first version, from before there were seals, whatever fields have come since."""
    result = read(Path(__file__).parent / "golden" / "result-format-1.json")
    assert result.summary == make_result().summary
    assert (result.job.title, result.curve) == (make_result().job.title, make_result().curve)


def test_a_broken_seal_is_no_way_around_it(stored: Path) -> None:
    """Would catch a seal that is taken for absent once it is damaged."""
    whole = stored.read_bytes()
    place = whole.index(b'"sha256"')
    for changed in (b'"sha257"', b'"sha25"', b'"Sha256"'):
        stored.write_bytes(whole[:place] + changed + whole[place + 8 :])
        assert "is not a result" in refused(stored)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
@pytest.mark.parametrize(
    "place", ['"final_test_accuracy":0.98', '"train_loss":[0.5', '"lr":0.001', '"seed":0']
)
def test_a_number_that_no_run_can_have_is_refused(tmp_path: Path, number: str, place: str) -> None:
    """Would catch NaN that JSON readers take, and integers that no float can hold."""
    text = make_result().model_dump_json()
    assert place in text
    changed = text.replace(place, place.rstrip("0123456789.") + number)
    (tmp_path / "wild.json").write_text(changed, encoding="utf-8")
    store_all(tmp_path / "good", [make_result(seed=1)])
    loaded = read_all([tmp_path])
    assert len(loaded.problems) == 1


def test_what_is_hidden_is_not_read(tmp_path: Path) -> None:
    """Would catch what other systems leave beside files, such as ._name.json, taken for damage."""
    store_all(tmp_path, [make_result()])
    (tmp_path / "._0.json").write_bytes(b"\0\5\x16\7")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "index.json").write_text("{}")
    assert read_all([tmp_path]).problems == ()
