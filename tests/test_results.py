"""Results: what is recorded, published and read back."""

import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from factories import make_environment, make_job, make_result, store_all
from hypothesis import given
from hypothesis import strategies as st

from adabench.errors import RequestError, ResultError
from adabench.events import EpochEnded, JobEnded, JobStarted, StepsDone, Summary
from adabench.results import Loaded, Recorder, ResultStore, read, read_all
from adabench.spec import FORMAT


def test_recorder_grows_one_value_an_epoch_and_turns_what_is_not_finite_into_null():
    job, recorder = make_job(), Recorder()
    assert recorder.add(JobStarted(job=job, device="cpu", total_steps=4)) is None
    assert recorder.add(StepsDone(job=job, steps=1, steps_per_second=10.0)) is None
    recorder.add(EpochEnded(job=job, epoch=1, metrics={"train_loss": 0.5}, probes={"lipschitz": 5.0}))
    recorder.add(EpochEnded(job=job, epoch=2, metrics={"train_loss": math.nan, "test_loss": 0.4}))
    result = recorder.add(
        JobEnded(
            job=job,
            status="diverged",
            reason="loss is not finite",
            summary=Summary(final_train_loss=math.inf, steps=4),
            environment=make_environment(),
        )
    )
    assert result is not None
    assert result.curve == {"train_loss": [0.5, None], "test_loss": [None, 0.4]}
    assert result.probes == {"lipschitz": [5.0, None]}
    assert (result.summary.final_train_loss, result.summary.steps) == (None, 4)
    assert (result.status, result.reason) == ("diverged", "loss is not finite")


def test_recorder_counts_an_epoch_told_twice_once():
    job, recorder = make_job(), Recorder()
    for epoch, loss in [(1, 0.5), (2, 0.4), (2, 0.3), (3, 0.2)]:
        recorder.add(EpochEnded(job=job, epoch=epoch, metrics={"train_loss": loss}))
    result = recorder.add(
        JobEnded(job=job, status="completed", reason=None, summary=Summary(), environment=None)
    )
    assert result is not None
    assert result.curve["train_loss"] == [0.5, 0.3, 0.2]


def test_probes_that_begin_later_stand_in_their_own_epoch():
    job, recorder = make_job(), Recorder()
    recorder.add(EpochEnded(job=job, epoch=1, metrics={}))
    recorder.add(EpochEnded(job=job, epoch=2, metrics={}, probes={"lipschitz": 1.0}))
    result = recorder.add(
        JobEnded(job=job, status="completed", reason=None, summary=Summary(), environment=None)
    )
    assert result is not None
    assert result.probes == {"lipschitz": [None, 1.0]}


def test_what_is_written_reads_back_equal_with_the_same_key(tmp_path: Path):
    result = make_result(
        accuracy=0.1 + 0.2, reason="ünïcode | \n", hyperparameters={"lr": 1e-8, "k": 1, "f": 1.0}
    )
    store = ResultStore(tmp_path)
    assert store.write(result)
    again = read(store.path_of(result.job))
    assert again == result
    assert again.job.key == result.job.key


def test_the_file_is_strict_json_with_one_line_for_each_column_and_a_last_newline(tmp_path: Path):
    store, result = ResultStore(tmp_path), make_result(accuracy=0.98)
    store.write(result)
    text = store.path_of(result.job).read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail)["status"] == "completed"
    assert '\n    "test_accuracy": [0.9, 0.98]\n' in text
    assert text.endswith("}\n")


def test_a_nan_that_slipped_through_is_refused_and_leaves_no_file(tmp_path: Path):
    with pytest.raises(ValueError, match="JSON"):
        ResultStore(tmp_path).write(make_result(summary={"final_train_loss": math.nan}))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_text_that_is_no_unicode_does_not_make_the_file_unreadable(tmp_path: Path):
    store = ResultStore(tmp_path)
    result = make_result(environment={"command": ["adabench", "caf\udce9"]})
    store.write(result)
    assert read(store.path_of(result.job)).environment is not None


def test_the_first_finished_result_stays_unless_it_is_replaced(tmp_path: Path):
    store = ResultStore(tmp_path)
    first, second = make_result(accuracy=0.97), make_result(accuracy=0.98)
    assert store.write(first)
    assert not store.write(second)
    assert store.finished(first.job) == first
    assert store.write(second, replace=True)
    assert store.finished(first.job) == second


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_a_job_that_ended_badly_is_run_again_and_its_result_gives_way(tmp_path: Path, status):
    store = ResultStore(tmp_path)
    bad, good = make_result(status=status), make_result()
    store.write(bad)
    assert store.finished(bad.job) is None
    assert store.write(good)
    assert store.finished(bad.job) == good


def test_a_diverged_job_is_not_run_again(tmp_path: Path):
    store, result = ResultStore(tmp_path), make_result(status="diverged", accuracy=None)
    store.write(result)
    assert store.finished(result.job) == result


def test_an_interrupted_rerun_does_not_destroy_what_was_finished(tmp_path: Path):
    store, good = ResultStore(tmp_path), make_result()
    store.write(good)
    assert not store.write(make_result(status="interrupted"), replace=True)
    assert store.finished(good.job) == good


def test_a_damaged_file_in_the_place_of_a_result_gives_way(tmp_path: Path):
    store, result = ResultStore(tmp_path), make_result()
    store.write(result)
    store.path_of(result.job).write_text("{", encoding="utf-8")
    assert store.finished(result.job) is None
    assert store.write(result)
    assert store.finished(result.job) == result


def test_a_result_under_another_jobs_name_is_not_that_jobs(tmp_path: Path):
    """Would catch a lookup that believes the path instead of the key inside."""
    store, mine, other = ResultStore(tmp_path), make_result(seed=0), make_result(seed=1)
    store.write(mine)
    store.path_of(mine.job).rename(store.path_of(other.job))
    assert store.finished(other.job) is None


def test_of_many_writers_exactly_one_wins_and_no_temporary_file_stays(tmp_path: Path):
    store = ResultStore(tmp_path)
    results = [make_result(accuracy=0.9 + i / 1000) for i in range(16)]
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(store.write, results))
    assert sum(won) == 1
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [store.path_of(results[0].job)]
    assert read(files[0]) == results[won.index(True)]


def test_a_file_system_without_hard_links_still_stores_results(tmp_path: Path, monkeypatch):
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    store, result = ResultStore(tmp_path), make_result()
    assert store.write(result)
    assert not store.write(make_result(accuracy=0.5))
    assert store.finished(result.job) == result


def test_a_failing_disk_is_one_line_and_leaves_earlier_results(tmp_path: Path, monkeypatch):
    store, earlier = ResultStore(tmp_path), make_result(seed=0)
    store.write(earlier)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResultError, match=r"^cannot write .*: No space left on device; make room"):
        store.write(make_result(seed=1))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [store.path_of(earlier.job)]


def test_a_folder_that_is_a_file_is_refused_before_anything_runs(tmp_path: Path):
    file = tmp_path / "results"
    file.write_text("mine", encoding="utf-8")
    for folder in (file, file / "deeper"):
        with pytest.raises(RequestError, match=r"is a file; name another folder with --out$"):
            ResultStore(folder).check_writable()
        with pytest.raises(ResultError, match="cannot write"):
            ResultStore(folder).write(make_result())
    assert file.read_text(encoding="utf-8") == "mine"


def test_checking_whether_a_folder_can_be_written_leaves_nothing_behind(tmp_path: Path):
    ResultStore(tmp_path / "a" / "b").check_writable()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/sys").is_dir(), reason="needs a folder that nobody can write")
def test_a_folder_that_refuses_writing_is_one_line():
    with pytest.raises(RequestError, match=r"^cannot write results to /proc/sys/.*; name another folder"):
        ResultStore(Path("/proc/sys/results")).check_writable()


@given(label=st.text(max_size=200), problem=st.text(max_size=200))
def test_any_label_stays_inside_the_folder_with_a_short_plain_name(label: str, problem: str):
    job = make_job(label=label, problem={"label": problem})
    path = ResultStore(Path("results")).path_of(job)
    root, *folders, name = path.parts
    assert root == "results"
    assert len(folders) == 2
    assert all(part.strip(".") and len(part) <= 60 and part.isascii() for part in folders)
    assert name == f"0-{job.key}.json"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a result: Invalid JSON"),
        (b"{", "is not a result: Invalid JSON"),
        (b"\xff\xfe", "is not a result: Invalid JSON"),
        (b"[" * 100_000, "is not a result: "),
        (b"[1]", "is not a result: "),
        (b"{}", "is not a result: 'job': Field required"),
        (b'{"format": 99, "job": {"new": 1}}', f"has format 99, this adabench reads up to {FORMAT}: upgrade"),
    ],
)
def test_a_file_that_is_no_result_is_named_in_one_line(tmp_path: Path, content: bytes, message: str):
    file = tmp_path / "bad\n\x1b[31m.json"
    file.write_bytes(content)
    with pytest.raises(ResultError) as caught:
        read(file)
    text = str(caught.value)
    assert message in text
    assert r"bad\n\x1b[31m.json" in text
    assert text.isprintable()


def test_a_newer_format_is_refused_even_when_its_fields_look_familiar(tmp_path: Path):
    file = tmp_path / "new.json"
    file.write_text(
        make_result().model_copy(update={"format": FORMAT + 1}).model_dump_json(), encoding="utf-8"
    )
    with pytest.raises(ResultError, match="upgrade adabench"):
        read(file)


def test_reading_does_not_depend_on_file_names_or_the_order_of_paths(tmp_path: Path):
    results = [make_result(optimizer=name, seed=seed) for name in ("adam", "adafix") for seed in range(3)]
    files = []
    for number, result in enumerate(results):
        files.append(tmp_path / f"{number * 7 % 6}.json")
        files[-1].write_text(result.model_dump_json(), encoding="utf-8")
    expected = read_all([store_all(tmp_path / "store", results)]).results
    assert read_all(files).results == read_all(reversed(files)).results == expected
    assert [(r.job.optimizer.label, r.job.seed) for r in expected[:3]] == [("adafix", i) for i in range(3)]


def test_a_damaged_file_does_not_stop_the_others_and_a_file_named_twice_counts_once(tmp_path: Path):
    result = make_result()
    store_all(tmp_path, [result])
    (tmp_path / "torn.json").write_text("{", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not json", encoding="utf-8")
    loaded = read_all([tmp_path, ResultStore(tmp_path).path_of(result.job)])
    assert loaded == Loaded(results=(result,), problems=loaded.problems)
    assert len(loaded.problems) == 1
    assert "torn.json is not a result" in loaded.problems[0]


def test_a_missing_path_and_an_empty_folder_say_what_to_do(tmp_path: Path):
    with pytest.raises(RequestError, match="does not exist; give result files or folders"):
        read_all([tmp_path / "nowhere"])
    with pytest.raises(RequestError, match=r"^no results in .*; make some with: adabench run$"):
        read_all([tmp_path])
    (tmp_path / "torn.json").write_text("{", encoding="utf-8")
    with pytest.raises(RequestError, match=r"1 unreadable, such as: .*torn\.json is not a result"):
        read_all([tmp_path])


def test_a_flipped_bit_never_makes_reading_end_in_anything_but_a_result_or_one_line(tmp_path: Path):
    text = bytearray(make_result().model_dump_json().encode())
    for offset in range(0, len(text), 7):
        flipped = bytearray(text)
        flipped[offset] ^= 0x04
        (tmp_path / f"{offset}.json").write_bytes(flipped)
    loaded = read_all([tmp_path])
    assert len(loaded.results) + len(loaded.problems) == len(range(0, len(text), 7))
    assert loaded.problems
    assert all(line.isprintable() for line in loaded.problems)


def test_the_torch_free_wing_loads_neither_torch_nor_scipy_stats():
    code = (
        "import sys, adabench.results, adabench.compare, adabench.report, adabench.report.terminal\n"
        "print([m for m in ('torch', 'scipy.stats', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
