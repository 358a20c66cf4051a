"""Where jobs run: all GPUs of a machine, a part of a sweep, another machine that is told to."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sweeps import diverged, run
from typer.testing import CliRunner

from adabench import pipeline
from adabench.cli import app
from adabench.config import Request, Settings, resolve_sweep
from adabench.engine.device import select_devices
from adabench.engine.tasks import part, tasks
from adabench.errors import ClusterLostError, RequestError
from adabench.events import EpochEnded, Event, JobEnded
from adabench.launchers import LAUNCHERS, crew
from adabench.launchers.local import Local, launch
from adabench.launchers.remote import Order, carry_out, marked
from adabench.launchers.wire import decode, encode
from adabench.launchers.worker import Place
from adabench.results import Recorder, Result, ResultStore
from adabench.results.record import retold
from adabench.spec import Job, expand

DATA = "synthetic:size=4,channels=1,classes=3,train=60,test=30"
REQUEST = Request(
    optimizers=("adam", "adafix"),
    models=("mlp:hidden=8",),
    datasets=(DATA,),
    problems=("cosine_bowl",),
    settings=Settings(seeds=2, epochs=2, batch_size=20),
)


def jobs_of(request: Request = REQUEST) -> tuple[Job, ...]:
    return expand(resolve_sweep(request), threads=1)


def order_for(jobs: Sequence[Job], out: Path, mark: str, **changes: Any) -> Order:
    fields: dict[str, Any] = {"device": "cpu", "data_dir": str(out), "checkpoint_every": 60.0, **changes}
    return Order(jobs=tuple(jobs), out=str(out), mark=mark, **fields)


def figures(result: Result) -> tuple[Any, ...]:
    """What does not depend on when and where it was computed."""
    curve = {name: column for name, column in result.curve.items() if not name.endswith("seconds")}
    return result.job, result.status, curve, result.summary.final_test_loss, result.summary.final_loss


# --- this machine -------------------------------------------------------------------------------


def test_every_gpu_is_used_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of eight that computes on its first one; a named one that brings its neighbours."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    three = tuple(torch.device("cuda", index) for index in range(3))
    assert select_devices("auto", "fp32") == select_devices("cuda", "fp32") == three
    assert select_devices("cuda:1", "fp32") == (torch.device("cuda:1"),)
    assert select_devices("cpu", "fp32") == (torch.device("cpu"),)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert select_devices("auto", "fp32") == (torch.device("cuda"),)
    with pytest.raises(RequestError, match="cuda:1"):
        select_devices("cuda:1", "fp32")


def test_workers_take_devices_in_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two workers on one GPU while another one idles."""
    seen: list[str] = []

    def remember(todo: object, *, places: Sequence[Place], hang_after: float) -> Iterator[Event]:
        seen.extend(place.device for place in places)
        yield from ()

    monkeypatch.setattr(crew, "run_side_by_side", remember)
    list(launch(jobs_of(), devices=["cuda:0", "cuda:1"], data_dir=tmp_path, workers=3))
    assert seen == ["cuda:0", "cuda:1", "cuda:0"]


def test_a_fixed_share_of_threads_keeps_results_when_seeds_are_added(tmp_path: Path) -> None:
    """More seeds that change how earlier ones are computed, so that nothing is found again."""
    few, many = (
        {
            job.key
            for job in pipeline.plan(
                request, out=tmp_path, data_dir=tmp_path, device="cpu", launcher=Local(threads=3)
            ).jobs
        }
        for request in (REQUEST, replace(REQUEST, settings=REQUEST.settings.model_copy(update={"seeds": 9})))
    )
    assert few < many


# --- parts of a sweep ---------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [1, 2, 3, 50])
def test_parts_hold_every_job_once(parts: int) -> None:
    """A job that no machine runs, or two; a stack or batch torn apart; one part with all the work."""
    jobs = jobs_of()
    shares = [part(jobs, number, parts) for number in range(1, parts + 1)]
    assert sorted(job.key for share in shares for job in share) == sorted(job.key for job in jobs)
    whole = set(tasks(jobs))
    assert all(task in whole for share in shares for task in tasks(share))
    counts = [len(tasks(share)) for share in shares]
    assert max(counts) - min(counts) <= 1


def test_shards_merge_into_the_whole_sweep(tmp_path: Path) -> None:
    """Two machines' folders that do not make one."""
    tell = CliRunner()
    words = ["run", "--opt", "adam", "--opt", "adafix", "--model", "mlp:hidden=8", "--dataset", DATA]
    size = ["--seeds", "2", "--epochs", "1", "--threads", "1", "--device", "cpu", "--quiet"]
    for number in "12":
        out = ["--out", str(tmp_path / number), "--shard", f"{number}/2"]
        assert tell.invoke(app, [*words, *size, *out]).exit_code == 0
    folders = [str(tmp_path / number) for number in "12"]
    assert tell.invoke(app, ["merge", *folders, "--out", str(tmp_path / "all")]).exit_code == 0
    assert len(list((tmp_path / "all").glob("*/*/*.json"))) == 4


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--shard", "3/2"], "--shard 3/2"),
        (["--shard", "0/2"], "--shard 0/2"),
        (["--shard", "2"], "--shard 2"),
        (["--launcher", "rey"], "did you mean 'ray'"),
        (["--ray-address", "head:6379"], "needs --launcher ray"),
        (["--partition", "low", "--launcher", "ray"], "needs --launcher slurm"),
        (["--threads", "0"], "at least 1"),
        (["--launcher", "ray", "--gpus-per-job", "1.5"], r"in (0, 1]"),
    ],
)
def test_flags_that_cannot_be_meant_are_refused(flags: list[str], words: str, tmp_path: Path) -> None:
    """A flag that is silently ignored."""
    outcome = CliRunner().invoke(app, ["run", "--opt", "adam", *flags, "--out", str(tmp_path / "out")])
    assert isinstance(outcome.exception, RequestError)
    assert words in str(outcome.exception)
    assert not (tmp_path / "out").exists()


def test_a_cluster_that_is_lost_is_no_wrong_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, which says that nothing was written, after a day of work on a cluster."""

    def lose(*_: object) -> None:
        raise ClusterLostError("the head has not answered for 31 s; finished jobs are kept")

    monkeypatch.setattr(pipeline, "execute", lose)
    words = ["run", "--opt", "adam", "--model", "mlp:hidden=8", "--dataset", DATA, "--epochs", "1"]
    outcome = CliRunner().invoke(app, [*words, "--device", "cpu", "--out", str(tmp_path)])
    assert outcome.exit_code == 1
    assert "adabench: the head has not answered for 31 s; finished jobs are kept\n" in outcome.stderr


def test_every_setting_of_a_launcher_has_its_flag() -> None:
    """A launcher's setting that nobody can give."""
    offered = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200"}).stdout
    for row in LAUNCHERS.values():
        assert all(f"--{name.replace('_', '-')}" in offered for name in row.takes)


# --- other machines -----------------------------------------------------------------------------


def test_an_order_commits_by_itself_on_shared_storage(tmp_path: Path) -> None:
    """Results that a lost coordinator takes with it."""
    jobs = jobs_of()
    with marked(tmp_path) as mark:
        for task in tasks(jobs):
            order = Order.model_validate_json(order_for(task, tmp_path, mark).model_dump_json())
            list(carry_out(order))
    store = ResultStore(tmp_path)
    assert all(store.finished(job) for job in jobs)
    assert not list(tmp_path.glob(".coordinator-*"))


def test_an_order_elsewhere_leaves_nothing_and_tells_all(tmp_path: Path) -> None:
    """A machine that fills a folder of the same name on its own disk."""
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    for task in tasks(jobs_of()):
        with marked(here) as mark:
            assert [*carry_out(order_for(task, there, mark))]
    assert not list(there.iterdir())


def test_both_kinds_of_storage_give_the_same_numbers(tmp_path: Path) -> None:
    """Events that do not carry what was committed."""
    task = next(task for task in tasks(jobs_of()) if len(task) == 1)
    recorder = Recorder()
    with marked(tmp_path) as mark:
        told = [recorder.add(event) for event in carry_out(order_for(task, tmp_path, mark))][-1]
    kept = ResultStore(tmp_path).finished(task[0])
    assert told is not None
    assert kept is not None
    assert figures(told) == figures(kept)


def test_a_second_copy_tells_what_the_first_one_committed(tmp_path: Path) -> None:
    """A lost task that is trained again although its result is there."""
    task = tasks(jobs_of())[-1]
    with marked(tmp_path) as mark:
        list(carry_out(order_for(task, tmp_path, mark)))
        again = list(carry_out(order_for(task, tmp_path, mark, attempt=2)))
    end = again[-1]
    assert isinstance(end, JobEnded)
    assert end.environment is not None
    assert end.environment.attempts == 1


def test_an_order_signs_its_results(tmp_path: Path) -> None:
    """A result that names the worker's own command, or hides that it took two attempts."""
    task = tasks(jobs_of())[-1]
    command = ("adabench", "run", "somewhere")
    with marked(tmp_path) as mark:
        order = order_for(task, tmp_path, mark, attempt=2, workers=7, command=command)
        end = list(carry_out(order))[-1]
    assert isinstance(end, JobEnded)
    assert end.environment is not None
    assert (end.environment.attempts, end.environment.workers) == (2, 7)
    assert end.environment.command == list(command)


@pytest.mark.parametrize("result", [run("adam", 0.9), diverged("adam")], ids=["completed", "diverged"])
def test_a_result_retold_is_the_same_result(result: Result) -> None:
    """A column that shrinks, or a None that becomes a number."""
    columns = {**result.curve, "test_loss": [None, *[1.0] * (len(result.curve["steps"]) - 2), None]}
    result = result.model_copy(update={"curve": columns})
    recorder = Recorder()
    made = [recorder.add(event) for event in retold(result)][-1]
    assert made == result


def test_events_survive_the_wire() -> None:
    """A NaN that arrives as nothing; tuples that arrive as lists; a cut line taken for an event."""
    result = run("adam", 0.9)
    for event in retold(result):
        assert decode(encode(event)) == event
    wild = EpochEnded(job=result.job, epoch=1, metrics={"train_loss": math.nan, "test_loss": math.inf})
    back = decode(encode(wild))
    assert isinstance(back, EpochEnded)
    assert math.isnan(back.metrics["train_loss"])
    assert back.metrics["test_loss"] == math.inf
    with pytest.raises(ValueError, match=r"."):
        decode(encode(wild)[:-5])
