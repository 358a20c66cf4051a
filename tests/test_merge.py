"""``adabench merge``: folders joined, each job once, contradictions refused."""

import json
import os
from pathlib import Path

import pytest
from factories import make_result, store_all
from typer.testing import CliRunner

from adabench.cli import app
from adabench.errors import RequestError
from adabench.results import ResultStore, read, read_all
from adabench.results.merging import differences, merge

RESULTS = [make_result(optimizer=name, seed=seed) for name in ("adam", "sgdm") for seed in range(2)]


def command(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["merge", *map(str, words)], catch_exceptions=True)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_joined_folders_hold_every_job_byte_for_byte(tmp_path: Path) -> None:
    one = store_all(tmp_path / "a", RESULTS[:2])
    other = store_all(tmp_path / "b", RESULTS[1:])
    code, out, _ = command(one, other, "--out", tmp_path / "all")
    assert (code, out) == (0, f"4 results added to {tmp_path / 'all'}, 0 there already\n")
    assert contents(tmp_path / "all") == contents(one) | contents(other)


def test_joining_again_changes_nothing(tmp_path: Path) -> None:
    one, out = store_all(tmp_path / "a", RESULTS), tmp_path / "all"
    merge([one], out)
    before = contents(out)
    again = merge([one, one, out], out)
    assert (again.added, again.present, contents(out)) == (0, 4, before)


def test_a_folder_can_take_others_in(tmp_path: Path) -> None:
    one, other = store_all(tmp_path / "a", RESULTS[:2]), store_all(tmp_path / "b", RESULTS[2:])
    merged = merge([other], one)
    assert (merged.added, merged.present) == (2, 2)
    assert len(read_all([one]).results) == 4


def test_what_is_joined_outlives_its_source(tmp_path: Path) -> None:
    """Would catch a link that dangles, and one that shares later changes of a file that is replaced."""
    one, out = store_all(tmp_path / "a", RESULTS[:1]), tmp_path / "all"
    merge([one], out)
    ResultStore(one).write(make_result(optimizer="adam", accuracy=0.5), replace=True)
    assert read_all([out]).results == (RESULTS[0],)
    ResultStore(one).path_of(RESULTS[0].job).unlink()
    assert read_all([out]).results == (RESULTS[0],)


def test_a_result_comes_to_its_own_place_whatever_its_file_was_called(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mail attachment.json").write_text(RESULTS[0].model_dump_json(), encoding="utf-8")
    merge([tmp_path / "a"], tmp_path / "all")
    assert ResultStore(tmp_path / "all").finished(RESULTS[0].job) == RESULTS[0]


def test_a_finished_result_wins_over_one_that_failed_wherever_it_stands(tmp_path: Path) -> None:
    bad = make_result(status="failed", accuracy=None, reason="out of memory")
    one, other = store_all(tmp_path / "a", [bad]), store_all(tmp_path / "b", [make_result()])
    for number, places in enumerate(([one, other], [other, one])):
        merge(places, tmp_path / f"all{number}")
        assert [r.status for r in read_all([tmp_path / f"all{number}"]).results] == ["completed"]
    merge([other], one)
    assert [r.status for r in read_all([one]).results] == ["completed"]


def test_results_that_differ_in_cost_alone_are_the_same_outcome(tmp_path: Path) -> None:
    one = store_all(tmp_path / "a", [make_result(seconds=10)])
    costlier = make_result(seconds=99, summary={"peak_memory_bytes": 5}, environment={"device": "another"})
    other = store_all(tmp_path / "b", [costlier])
    assert merge([one, other], tmp_path / "all").conflicts == ()
    assert read_all([tmp_path / "all"]).results == (make_result(seconds=10),)


def test_a_run_that_was_interrupted_contradicts_nobody(tmp_path: Path) -> None:
    """Checkpoints and the place where a run went on taken for its outcome."""
    kept = [
        make_result(summary={"checkpoint_seconds": spent, "resumed_at_step": at})
        for spent, at in ((1, 9), (2, 50))
    ]
    folders = [store_all(tmp_path / str(i), [result]) for i, result in enumerate(kept)]
    assert merge(folders, tmp_path / "all").conflicts == ()


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"accuracy": 0.97}, "summary.final_test_accuracy"),
        ({"status": "diverged"}, "status"),
        ({"environment": {"dataset_fingerprint": "1" * 64}}, "data"),
        ({"summary": {"final_train_loss": 0.25}}, ""),
    ],
)
def test_contradictions_are_named(change: dict[str, object], differs: str) -> None:
    """What only one of both tells is no contradiction."""
    found = differences(make_result(), make_result(**change))
    assert (differs in found) if differs else not found


def test_contradictory_results_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    """Would catch a silent choice between two answers."""
    one = store_all(tmp_path / "a", [make_result(), make_result(seed=1)])
    other = store_all(tmp_path / "b", [make_result(accuracy=0.97)])
    code, out, complaint = command(one, other, "--out", tmp_path / "all")
    assert code == 1
    assert out == "nothing merged: 1 job has contradictory results; keep one of each\n"
    files = [str(ResultStore(folder).path_of(make_result().job)) for folder in (one, other)]
    expected = (
        f"{files[0]} and {files[1]} are both adam on mlp-mnist, seed 0, but differ in summary.final_test_"
    )
    assert expected in complaint.replace("\n", " ")
    assert not (tmp_path / "all").exists()


def test_json_holds_all_of_it(tmp_path: Path) -> None:
    one, other = (
        store_all(tmp_path / "a", [make_result()]),
        store_all(tmp_path / "b", [make_result(accuracy=0.9)]),
    )
    (one / "torn.json").write_text("{")
    code, out, _ = command(one, other, "--out", tmp_path / "all", "--json")
    told = json.loads(out)
    assert code == 1
    assert (told["added"], len(told["left_out"]), len(told["conflicts"])) == (0, 1, 1)
    assert told["conflicts"][0]["key"] == make_result().job.key
    assert "curve.test_accuracy" in told["conflicts"][0]["differs"]


def test_a_damaged_file_is_left_out_and_told_by_the_exit_code(tmp_path: Path) -> None:
    one = store_all(tmp_path / "a", RESULTS)
    ResultStore(one).path_of(RESULTS[0].job).write_text("{")
    code, out, complaint = command(one, "--out", tmp_path / "all")
    assert (code, "3 results added" in out, "1 left out" in out) == (1, True, True)
    assert "is not a result" in complaint
    assert len(read_all([tmp_path / "all"]).results) == 3


def test_a_wrong_request_writes_nothing(tmp_path: Path) -> None:
    one = store_all(tmp_path / "a", RESULTS[:1])
    (tmp_path / "file").write_text("mine")
    for places, out in (([tmp_path / "none"], "all"), ([one], "file"), ([tmp_path / "empty"], "all")):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(RequestError, match=r"does not exist|is a file|no results in"):
            merge(places, tmp_path / out)
    assert not (tmp_path / "all").exists()


def test_a_link_to_a_file_becomes_a_file(tmp_path: Path) -> None:
    """Would catch a hard link to a symbolic one, which breaks when its target moves."""
    one, out = store_all(tmp_path / "a", RESULTS[:1]), tmp_path / "all"
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "0.json").symlink_to(ResultStore(one).path_of(RESULTS[0].job))
    merge([tmp_path / "links"], out)
    place = ResultStore(out).path_of(RESULTS[0].job)
    assert place.is_file()
    assert not place.is_symlink()


def test_folders_on_file_systems_without_hard_links_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    one = store_all(tmp_path / "a", RESULTS)
    monkeypatch.setattr(os, "link", refuse)
    assert merge([one], tmp_path / "all").added == 4
    assert contents(tmp_path / "all") == contents(one)
    assert read(ResultStore(tmp_path / "all").path_of(RESULTS[0].job)) == RESULTS[0]
